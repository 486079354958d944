package data

import (
	"encoding/json"
	"strings"
)

// codeFormat is a programming task with its solution, for supervised training: MBPP's {"text" or "prompt", "code",
// "test_list"} and HumanEval's {"prompt", "canonical_solution"}. MBPP's prompt is written as its usual evaluation writes it:
// the task and its first test in a docstring.
var codeFormat = format{
	name: "programming task with a solution",
	fits: func(f fields, task Task) bool {
		return task == Supervised && (f.hasAll("code", "test_list") && (f.has("text") || f.has("prompt")) || f.hasAll("prompt", "canonical_solution"))
	},
	read: func(r *Record, f fields, _ Task) error {
		question, solution := "prompt", "canonical_solution"
		if f.has("code") {
			solution = "code"
			if f.has("text") {
				question = "text"
			}
		}
		prompt, err := r.text(f, question)
		if err != nil {
			return err
		}
		code, err := r.text(f, solution)
		if err != nil {
			return err
		}
		if solution == "code" {
			if prompt, err = r.docstring(f, prompt); err != nil {
				return err
			}
		}
		r.Prompt, r.Chosen, r.responseField = TextContent(prompt), TextContent(strings.ReplaceAll(code, "\r\n", "\n")), solution
		return nil
	},
}

// docstring is the prompt of an MBPP task.
func (r *Record) docstring(f fields, task string) (string, error) {
	var tests []string
	if json.Unmarshal(f["test_list"], &tests) != nil || len(tests) == 0 {
		return "", badRecord(r.Source, "test_list", ReasonType, "found %s; give a list of tests", f.found("test_list"))
	}
	return `"""` + "\n" + task + "\n" + tests[0] + "\n" + `"""` + "\n", nil
}
