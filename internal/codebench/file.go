package codebench

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// humanEvalRecord is a line of HumanEval's file.
type humanEvalRecord struct {
	TaskID            string `json:"task_id"`
	Prompt            string `json:"prompt"`
	EntryPoint        string `json:"entry_point"`
	CanonicalSolution string `json:"canonical_solution"`
	Test              string `json:"test"`
}

func (r humanEvalRecord) check() error {
	return needed([][2]string{{"task_id", r.TaskID}, {"prompt", r.Prompt}, {"entry_point", r.EntryPoint}, {"test", r.Test}})
}

// mbppRecord is a line of MBPP's file, or an element of the sanitized one, which calls the text a prompt.
type mbppRecord struct {
	TaskID        int      `json:"task_id"`
	Text          string   `json:"text"`
	Prompt        string   `json:"prompt"`
	Code          string   `json:"code"`
	TestList      []string `json:"test_list"`
	TestSetupCode string   `json:"test_setup_code"`
	TestImports   []string `json:"test_imports"`
}

func (r mbppRecord) description() string {
	if r.Text == "" {
		return r.Prompt
	}
	return r.Text
}

func (r mbppRecord) check() error {
	first := ""
	if len(r.TestList) > 0 {
		first = r.TestList[0]
	}
	return needed([][2]string{{"text", r.description()}, {"test_list", first}})
}

// needed refuses empty fields, given as pairs of name and value.
func needed(fields [][2]string) error {
	for _, f := range fields {
		if strings.TrimSpace(f[1]) == "" {
			return fmt.Errorf("field %q: missing or empty", f[0])
		}
	}
	return nil
}

// Open reads a benchmark's file: JSON lines or one JSON array, gzipped if its name ends in .gz. What it cannot use is a
// usage error.
func (b Benchmark) Open(path string) ([]Task, error) {
	file, err := jsonl.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return b.Read(file, path)
}

// Read reads a benchmark's tasks; name stands for the input in errors.
func (b Benchmark) Read(r io.Reader, name string) ([]Task, error) {
	var tasks []Task
	err := each(r, name, func(text json.RawMessage, place int) error {
		var err error
		if b == MBPP {
			var rec mbppRecord
			if err = json.Unmarshal(text, &rec); err == nil {
				err = rec.check()
			}
			if err == nil {
				tasks = append(tasks, mbppTask(rec))
			}
			return err
		}
		var rec humanEvalRecord
		if err = json.Unmarshal(text, &rec); err == nil {
			err = rec.check()
		}
		if err == nil {
			tasks = append(tasks, humanEvalTask(rec, place, b == HumanEval))
		}
		return err
	})
	if err == nil && len(tasks) == 0 {
		err = usage.Errorf("%s: no tasks; expected the file of %s", name, b)
	}
	if err != nil {
		return nil, err
	}
	return tasks, nil
}

// each calls use with every record and its place, counted from 0.
func each(r io.Reader, name string, use func(text json.RawMessage, place int) error) error {
	input := bufio.NewReader(r)
	for {
		c, err := input.ReadByte()
		if err != nil {
			return endOf(err, name)
		}
		if c == ' ' || c == '\n' || c == '\r' || c == '\t' {
			continue
		}
		if err := input.UnreadByte(); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		decoder := json.NewDecoder(input)
		if c == '[' {
			return eachElement(decoder, name, use)
		}
		for place := 0; ; place++ {
			var text json.RawMessage
			if err := decoder.Decode(&text); err != nil {
				return endOf(err, fmt.Sprintf("%s: record %d", name, place+1))
			}
			if err := use(text, place); err != nil {
				return usage.Errorf("%s: record %d: %w", name, place+1, err)
			}
		}
	}
}

func eachElement(decoder *json.Decoder, name string, use func(text json.RawMessage, place int) error) error {
	if _, err := decoder.Token(); err != nil {
		return usage.Errorf("%s: %w", name, err)
	}
	for place := 0; decoder.More(); place++ {
		var text json.RawMessage
		err := decoder.Decode(&text)
		if err == nil {
			err = use(text, place)
		}
		if err != nil {
			return usage.Errorf("%s: element %d: %w", name, place+1, err)
		}
	}
	if _, err := decoder.Token(); err != nil {
		return usage.Errorf("%s: the array does not end: %w", name, err)
	}
	return nil
}

// endOf turns the end of a file into success.
func endOf(err error, where string) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return usage.Errorf("%s: %w", where, err)
}
