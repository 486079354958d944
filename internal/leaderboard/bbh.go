package leaderboard

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// bbh is BIG-Bench Hard (Suzgun et al. 2022, arXiv 2210.09261) without the three tasks whose answers are free text. Its
// descriptions and examples are those of the prompts that come with the data, without their chains of thought.
var bbh = definition{
	family: BBH,
	tasks:  bbhParts(),
	hub:    "SaylorTwift/bbh",
	read:   readBBH,
	check:  checkBBH,
	shots:  bbhShots,
}

// bbhChoices are what may be answered in each task; tasks of letters stand in bbhLetters.
var bbhChoices = map[string][]string{
	"boolean_expressions":  {"False", "True"},
	"causal_judgement":     {"Yes", "No"},
	"formal_fallacies":     {"valid", "invalid"},
	"navigate":             {"Yes", "No"},
	"object_counting":      numbers(19),
	"sports_understanding": {"yes", "no"},
	"web_of_lies":          {"Yes", "No"},
}

// bbhLetters are the numbers of lettered choices.
var bbhLetters = map[string]int{
	"date_understanding": 6, "disambiguation_qa": 3, "geometric_shapes": 11, "hyperbaton": 2,
	"logical_deduction_five_objects": 5, "logical_deduction_seven_objects": 7, "logical_deduction_three_objects": 3,
	"movie_recommendation": 6, "penguins_in_a_table": 5, "reasoning_about_colored_objects": 18, "ruin_names": 6,
	"salient_translation_error_detection": 6, "snarks": 2, "temporal_sequences": 4,
	"tracking_shuffled_objects_five_objects": 5, "tracking_shuffled_objects_seven_objects": 7,
	"tracking_shuffled_objects_three_objects": 3,
}

// numbers are 0 to n-1 as texts.
func numbers(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = strconv.Itoa(i)
	}
	return list
}

func bbhParts() []part {
	var names []string
	for name := range bbhChoices {
		names = append(names, name)
	}
	for name := range bbhLetters {
		names = append(names, name)
	}
	slices.Sort(names)
	parts := make([]part, len(names))
	for i, name := range names {
		parts[i] = part{task: name, stems: []string{name}, split: name}
	}
	return parts
}

func bbhAnswers(task string) []string {
	if n := bbhLetters[task]; n > 0 {
		return letters(n, "(", ")")
	}
	return bbhChoices[task]
}

func readBBH(task string, document json.RawMessage) (Item, bool, error) {
	var record struct {
		Input  *string `json:"input"`
		Target *string `json:"target"`
	}
	if err := decode(document, &record); err != nil {
		return Item{}, false, err
	}
	if record.Input == nil || record.Target == nil {
		return Item{}, false, missing(document, "input", "target")
	}
	item := Item{Question: bbhQuestion(*record.Input), Choices: bbhAnswers(task), Target: *record.Target}
	item.Gold = slices.Index(item.Choices, item.Target)
	return item, true, nil
}

func bbhQuestion(input string) string { return "Q: " + input + "\nA:" }

// bbhShots reads description and examples from the file of the task's chain-of-thought prompt.
func bbhShots(task *Task, l *loader, p part, _ []string) error {
	path, err := l.prompts(p.task + ".txt")
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return usage.Errorf("read examples: %w", err)
	}
	if task.Description, task.Shots, err = parsePrompt(string(text)); err != nil {
		return usage.Errorf("%s: %w", path, err)
	}
	return nil
}

// parsePrompt takes a chain-of-thought prompt apart: after a line of hyphens the description, then examples that begin with
// "Q: ", whose answers reason and then say what the answer is.
func parsePrompt(text string) (description string, shots []Shot, err error) {
	const (
		rule     = "-----\n"
		question = "\n\nQ: "
		thought  = "\nA: Let's think step by step."
		verdict  = "the answer is "
	)
	if _, after, found := strings.Cut(text, rule); found {
		text = after
	}
	blocks := strings.Split(strings.TrimRight(text, "\n"), question)
	for i, block := range blocks[1:] {
		input, reasoning, found := strings.Cut(block, thought)
		at := strings.LastIndex(reasoning, verdict)
		if !found || at < 0 {
			return "", nil, fmt.Errorf("example %d has no answer; expected %q and, at its end, %q with the answer", i+1, strings.TrimSpace(thought), verdict)
		}
		answer := strings.TrimRight(strings.TrimRight(reasoning[at+len(verdict):], " \n"), ".")
		shots = append(shots, Shot{bbhQuestion(input), answer})
	}
	if len(shots) == 0 {
		return "", nil, fmt.Errorf("no examples; expected paragraphs that begin with \"Q: \"")
	}
	return blocks[0], shots, nil
}

// promptFolder is where the prompts lie in the folder of the data.
const promptFolder = "cot-prompts"

// prompts finds a file of BIG-Bench Hard's prompts.
func (l *loader) prompts(name string) (string, error) {
	folders := []string{l.source.Examples, filepath.Join(l.source.Examples, promptFolder)}
	if l.source.Examples == "" {
		folder := l.source.Name
		if info, err := os.Stat(folder); err == nil && !info.IsDir() {
			folder = filepath.Dir(folder)
		}
		folders = []string{filepath.Join(folder, promptFolder), filepath.Join(folder, string(BBH), promptFolder)}
	}
	for _, folder := range folders {
		path := filepath.Join(folder, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", noExamples(usage.Errorf("no examples for BIG-Bench Hard: %s not found in %s", name, strings.Join(folders, ", ")))
}

func noExamples(err error) error {
	return usage.Hint(err, "give --examples FOLDER, the folder cot-prompts of the repository suzgunmirac/BIG-Bench-Hard")
}

// checkBBH refuses the hub's data set without a folder of examples, which it lacks.
func checkBBH(source Source) error {
	if _, err := os.Stat(source.Name); err != nil && source.Examples == "" && source.Files != nil {
		return noExamples(usage.Errorf("no examples for BIG-Bench Hard: the data set on the hub has none"))
	}
	return nil
}
