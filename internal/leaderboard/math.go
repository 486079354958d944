package leaderboard

import (
	"encoding/json"
	"strings"
)

// math5 is the hardest level of MATH (Hendrycks et al. 2021, arXiv 2103.03874). Its four examples are those of Minerva
// (Lewkowycz et al. 2022, arXiv 2206.14858, appendix D.2), with every backslash of a line end halved, as the harness has them.
var math5 = definition{
	family:     MATH,
	tasks:      mathParts(),
	hub:        "DigitalLearningGmbH/MATH-lighteval",
	read:       readMATH,
	shots:      func(task *Task, _ *loader, _ part) error { task.Shots = minerva(); return nil },
	generation: &Generation{Stop: []string{"Problem:"}, MaxTokens: 1024},
}

// mathSubjects are the subjects by the names of the tasks.
var mathSubjects = []struct{ task, subject string }{
	{"algebra", "Algebra"},
	{"counting_and_prob", "Counting & Probability"},
	{"geometry", "Geometry"},
	{"intermediate_algebra", "Intermediate Algebra"},
	{"num_theory", "Number Theory"},
	{"prealgebra", "Prealgebra"},
	{"precalculus", "Precalculus"},
}

func mathParts() []part {
	var parts []part
	for _, s := range mathSubjects {
		parts = append(parts, part{task: s.task, stems: []string{"test", "math500"}, split: "test"})
	}
	return parts
}

func readMATH(task string, document json.RawMessage) (Item, bool, error) {
	var record struct {
		Problem  *string         `json:"problem"`
		Solution *string         `json:"solution"`
		Level    json.RawMessage `json:"level"` // "Level 5" or 5
		Type     string          `json:"type"`
		Subject  string          `json:"subject"` // some files call the type so
	}
	if err := decode(document, &record); err != nil {
		return Item{}, false, err
	}
	if record.Problem == nil || record.Solution == nil {
		return Item{}, false, missing("problem", "solution")
	}
	level := strings.Trim(string(record.Level), `"`)
	if level != "Level 5" && level != "5" {
		return Item{}, false, nil
	}
	for _, s := range mathSubjects {
		if s.task == task {
			belongs := record.Type == s.subject || record.Type == "" && record.Subject == s.subject
			return Item{Question: mathQuestion(*record.Problem), Gold: -1, Target: *record.Solution}, belongs, nil
		}
	}
	return Item{}, false, nil
}

func mathQuestion(problem string) string { return "Problem:\n" + problem + "\n\nSolution:" }
