package leaderboard

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
)

// gpqa is GPQA (Rein et al. 2023, arXiv 2311.12022). The published task puts the choices in a random order that changes
// from run to run; here the order follows from the question's text, so that runs can be compared. Records that say their
// order (choice1 to choice4, answer) keep it.
var gpqa = definition{
	family: GPQA,
	tasks: []part{
		{task: "diamond", stems: []string{"gpqa_diamond"}, split: "gpqa_diamond"},
		{task: "extended", stems: []string{"gpqa_extended"}, split: "gpqa_extended"},
		{task: "main", stems: []string{"gpqa_main"}, split: "gpqa_main"},
	},
	hub:  "Idavidrein/gpqa@refs/convert/parquet",
	read: readGPQA,
}

// gpqaRecord is a row of the data set; the last five are those of records with an order.
type gpqaRecord struct {
	Question *string `json:"Question"`
	Correct  *string `json:"Correct Answer"`
	Wrong1   *string `json:"Incorrect Answer 1"`
	Wrong2   *string `json:"Incorrect Answer 2"`
	Wrong3   *string `json:"Incorrect Answer 3"`
	Choice1  *string `json:"choice1"`
	Choice2  *string `json:"choice2"`
	Choice3  *string `json:"choice3"`
	Choice4  *string `json:"choice4"`
	Answer   string  `json:"answer"`
}

func readGPQA(_ string, document json.RawMessage) (Item, bool, error) {
	var record gpqaRecord
	if err := decode(document, &record); err != nil {
		return Item{}, false, err
	}
	if record.Question == nil {
		return Item{}, false, missing(document, "Question")
	}
	answers, gold, err := record.order(document)
	if err != nil {
		return Item{}, false, err
	}
	question := "What is the correct answer to this question:" + *record.Question + "\nChoices:\n"
	item := Item{Choices: letters(len(answers), "(", ")"), Gold: gold}
	for i, answer := range answers {
		question += item.Choices[i] + " " + answer + "\n"
	}
	item.Question, item.Target = question+"Answer: ", item.Choices[gold]
	return item, true, nil
}

// order is the answers as they are shown, and the place of the right one.
func (r *gpqaRecord) order(document json.RawMessage) (answers []string, gold int, err error) {
	given := []*string{r.Choice1, r.Choice2, r.Choice3, r.Choice4}
	if !slices.Contains(given, nil) {
		for _, choice := range given {
			answers = append(answers, *choice)
		}
		if gold = slices.Index(letters(len(given), "(", ")"), r.Answer); gold < 0 {
			return nil, 0, fmt.Errorf("field \"answer\": found %q, expected (A), (B), (C) or (D)", r.Answer)
		}
		return answers, gold, nil
	}
	for _, answer := range []*string{r.Correct, r.Wrong1, r.Wrong2, r.Wrong3} {
		if answer == nil {
			return nil, 0, missing(document, "Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")
		}
		answers = append(answers, plainAnswer(*answer))
	}
	hash := fnv.New64a()
	hash.Write([]byte(*r.Question))
	places := rand.New(rand.NewPCG(hash.Sum64(), 0)).Perm(len(answers))
	shown := make([]string, len(answers))
	for i, place := range places {
		shown[place] = answers[i]
	}
	return shown, places[0], nil
}

var remark = regexp.MustCompile(`\[.*?\]`)

// plainAnswer takes editors' remarks in brackets out of an answer, as the harness does.
func plainAnswer(text string) string {
	text = strings.ReplaceAll(strings.TrimSpace(text), " [title]", ". ")
	return strings.ReplaceAll(remark.ReplaceAllString(text, ""), "  ", " ")
}
