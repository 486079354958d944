package leaderboard

import (
	"encoding/json"
	"strings"

	"github.com/sparsepo/sparsepo/internal/mathanswer"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// math5 is the hardest level of MATH (Hendrycks et al. 2021, arXiv 2103.03874). The published task shows the four examples
// of Minerva (Lewkowycz et al. 2022, arXiv 2206.14858, appendix D.2).
var math5 = definition{
	family:     MATH,
	tasks:      mathParts(),
	hub:        "DigitalLearningGmbH/MATH-lighteval",
	read:       readMATH,
	shots:      mathShots,
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

// problem is a document of MATH.
type problem struct {
	Problem  *string         `json:"problem"`
	Solution *string         `json:"solution"`
	Level    json.RawMessage `json:"level"` // "Level 5" or 5
	Type     string          `json:"type"`
	Subject  string          `json:"subject"` // some files call the type so
}

func readProblem(document json.RawMessage) (problem, error) {
	var record problem
	if err := decode(document, &record); err != nil {
		return record, err
	}
	if record.Problem == nil || record.Solution == nil {
		return record, missing(document, "problem", "solution")
	}
	return record, nil
}

func (p problem) hardest() bool {
	level := strings.Trim(string(p.Level), `"`)
	return level == "Level 5" || level == "5"
}

func readMATH(task string, document json.RawMessage) (Item, bool, error) {
	record, err := readProblem(document)
	if err != nil || !record.hardest() {
		return Item{}, false, err
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

// mathExamples is the number of examples.
const mathExamples = 4

// mathShots takes the examples from a file of problems with solutions, Minerva's where the scores are to be those of the
// harness, or, where there is none, from the task's own file: its first problems below the hardest level, which no task asks.
func mathShots(task *Task, l *loader, p part, documents []string) error {
	files, found, err := l.examples(MATH, "", part{stems: []string{"minerva"}})
	if err != nil {
		return err
	}
	examples := &definition{read: func(_ string, document json.RawMessage) (Item, bool, error) {
		record, err := readProblem(document)
		if err != nil {
			return Item{}, false, err
		}
		return Item{Question: mathQuestion(*record.Problem), Target: *record.Solution}, found || !record.hardest(), nil
	}}
	if !found {
		files = documents
		task.Note = "Minerva's four examples are not beside the data: the first four problems below level 5 stand for them, " +
			"and the scores are not those of published tables; docs/evaluation.md says how to get them"
	}
	shots, _, err := l.items(examples, p, files)
	if err != nil {
		return err
	}
	for _, item := range shots {
		if answer, ok := mathSolution(item.Target); ok && len(task.Shots) < mathExamples {
			task.Shots = append(task.Shots, Shot{item.Question, answer})
		}
	}
	if len(task.Shots) < mathExamples {
		return usage.Hint(usage.Errorf("%s: %d problems for the examples of MATH, expected %d with the answer in a box", strings.Join(files, ", "), len(task.Shots), mathExamples),
			"give --examples FILE with four problems and their solutions")
	}
	return nil
}

// mathSolution is a solution that ends in the sentence by which Minerva's rule finds answers; ok is false where the solution
// has neither the sentence nor a box.
func mathSolution(solution string) (text string, ok bool) {
	if strings.Contains(solution, "Final Answer: The final answer is") {
		return solution, true
	}
	answer := mathanswer.Unbox(mathanswer.LastBoxed(solution))
	return solution + "\nFinal Answer: The final answer is $" + answer + "$. I hope it is correct.", answer != mathanswer.Invalid
}
