package codebench

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/sandbox"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Benchmark is a set of tasks of one kind.
type Benchmark string

// The benchmarks.
const (
	HumanEval Benchmark = "humaneval"
	// HumanEvalUnstripped keeps the white space around HumanEval's prompts.
	HumanEvalUnstripped Benchmark = "humaneval-unstripped"
	MBPP                Benchmark = "mbpp"
)

// Benchmarks are all that are known.
var Benchmarks = []Benchmark{HumanEval, HumanEvalUnstripped, MBPP}

// StopWords are the texts that end a generation of a benchmark, beside the tokenizer's own end of text.
func (b Benchmark) StopWords() []string {
	if b == MBPP {
		return []string{"\nclass", "\nassert", "\n\"\"\"", "\nprint", "\nif", "\n<|/", "\n```"}
	}
	return []string{"\nclass", "\ndef", "\n#", "\n@", "\nprint", "\nif", "\n```", "<file_sep>"}
}

// Task is a problem for a model, with the tests of its solutions.
type Task struct {
	ID     string // as in the file: "HumanEval/7"; MBPP's numbers as text
	Number int    // of the task, as far as the file says; its place from 0 in HumanEval
	// Prompt is what the model goes on from.
	Prompt string
	// Reference is the benchmark's own solution: what follows HumanEval's prompt, a whole program in MBPP.
	Reference string
	// Tests follow the program.
	Tests string

	setup    string // runs before Tests
	preamble string
	names    []string
}

// Program joins the prompt and what a model made of it to a program with its tests.
func (t Task) Program(completion string) sandbox.Program { return t.program(t.Prompt + completion) }

// ReferenceProgram is the benchmark's own solution with its tests.
func (t Task) ReferenceProgram() sandbox.Program {
	if len(t.names) > 0 {
		return t.program(t.Prompt + t.Reference)
	}
	return t.program(t.Reference)
}

func (t Task) program(code string) sandbox.Program {
	return sandbox.Program{Code: code, Preamble: t.preamble, Tests: t.setup + t.Tests, Names: t.names}
}

// humanEvalTask makes a task of a record. Tests call helper functions of the prompt, which are trusted as the prompt has
// them; of the program they take the function that was asked for.
func humanEvalTask(rec humanEvalRecord, place int, stripped bool) Task {
	t := Task{
		ID: rec.TaskID, Number: place, Prompt: rec.Prompt, Reference: rec.CanonicalSolution,
		Tests:    "\n" + rec.Test + "\ncheck(" + rec.EntryPoint + ")",
		preamble: rec.Prompt, names: []string{rec.EntryPoint},
	}
	if stripped {
		t.Prompt = strings.TrimSpace(rec.Prompt)
		if rec.CanonicalSolution != "" {
			t.Reference = "\n" + rec.CanonicalSolution
		}
	}
	return t
}

// mbppTask makes a task of a record: its prompt is the description and the first test, as a comment of Python.
func mbppTask(rec mbppRecord) Task {
	t := Task{
		ID: fmt.Sprint(rec.TaskID), Number: rec.TaskID, Reference: rec.Code,
		Prompt: "\"\"\"\n" + rec.description() + "\n" + rec.TestList[0] + "\n\"\"\"\n",
		Tests:  strings.Join(rec.TestList, "\n"),
	}
	for _, line := range append(slices.Clone(rec.TestImports), rec.TestSetupCode) {
		if strings.TrimSpace(line) != "" {
			t.setup += line + "\n"
		}
	}
	return t
}

// Split is a part of MBPP by task number: "test" 11 to 510, "validation" 511 to 600, "train" 601 to 974, "prompt" 1 to 10.
func Split(tasks []Task, name string) ([]Task, error) {
	bounds, ok := map[string][2]int{"prompt": {1, 10}, "test": {11, 510}, "validation": {511, 600}, "train": {601, 974}}[name]
	if !ok {
		return nil, usage.Errorf("no part %q; MBPP has prompt, test, validation, train", name)
	}
	var part []Task
	for _, t := range tasks {
		if bounds[0] <= t.Number && t.Number <= bounds[1] {
			part = append(part, t)
		}
	}
	return part, nil
}

// Truncate cuts a generation, without its prompt, at the first place where a stop word begins.
func Truncate(generation string, stopWords []string) string {
	end := len(generation)
	for _, word := range stopWords {
		if i := strings.Index(generation, word); word != "" && i >= 0 && i < end {
			end = i
		}
	}
	return generation[:end]
}
