package leaderboard

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// mmluPro is MMLU-Pro (Wang et al. 2024, arXiv 2406.01574). Its examples are the first five documents of the validation
// part.
var mmluPro = definition{
	family: MMLUPro,
	tasks:  []part{{stems: []string{"test"}, split: "test"}},
	hub:    mmluProHub,
	read:   readMMLUPro,
	shots:  mmluProShots,
}

const mmluProHub = "TIGER-Lab/MMLU-Pro"

// mmluProExamples is the number of examples.
const mmluProExamples = 5

func readMMLUPro(_ string, document json.RawMessage) (Item, bool, error) {
	var record struct {
		Question *string      `json:"question"`
		Options  []string     `json:"options"`
		Answer   string       `json:"answer"`
		Index    *json.Number `json:"answer_index"`
	}
	if err := decode(document, &record); err != nil {
		return Item{}, false, err
	}
	if record.Question == nil || len(record.Options) == 0 {
		return Item{}, false, missing(document, "question", "options", "answer")
	}
	if len(record.Options) > 26 {
		return Item{}, false, fmt.Errorf("field \"options\": %d options, expected at most 26", len(record.Options))
	}
	item := Item{Question: *record.Question + "\n", Choices: letters(len(record.Options), "", "")}
	for i, option := range record.Options {
		item.Question += item.Choices[i] + ". " + option + "\n"
	}
	item.Question += "Answer:"
	if item.Gold = slices.Index(item.Choices, record.Answer); record.Answer == "" && record.Index != nil {
		index, err := record.Index.Int64()
		if err != nil || index < 0 || int(index) >= len(item.Choices) {
			return Item{}, false, fmt.Errorf("field \"answer_index\": found %s, expected the place of one of %d options", *record.Index, len(item.Choices))
		}
		item.Gold = int(index)
	}
	item.Target = record.Answer
	if item.Gold >= 0 {
		item.Target = item.Choices[item.Gold]
	}
	return item, true, nil
}

// mmluProShots takes the examples from the validation part or, where there is none, from the beginning of the task's own
// documents, which are then no questions of the task.
func mmluProShots(task *Task, l *loader, p part, _ []string) error {
	validation := part{stems: []string{"validation", "dev"}, split: "validation"}
	files, found, err := l.examples(MMLUPro, mmluProHub, validation)
	if err != nil {
		return err
	}
	shots := task.Items
	if found {
		if shots, _, err = l.items(&definition{read: readMMLUPro}, p, files); err != nil {
			return err
		}
	}
	if len(shots) < mmluProExamples {
		return usage.Errorf("MMLU-Pro: %d documents for the examples, expected %d", len(shots), mmluProExamples)
	}
	for _, item := range shots[:mmluProExamples] {
		task.Shots = append(task.Shots, Shot{item.Question, item.Target})
	}
	if !found {
		task.Items = task.Items[mmluProExamples:]
		task.Note = "the validation part is missing: the first five documents of the test part are the examples instead, and are not asked"
	}
	return nil
}
