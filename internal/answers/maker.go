package answers

import (
	"context"
	"fmt"

	"github.com/sparsepo/sparsepo/internal/codebench"
	"github.com/sparsepo/sparsepo/internal/sample"
	"github.com/sparsepo/sparsepo/internal/sandbox"
)

// Sampler draws the same number of responses for every request; package sample has one.
type Sampler interface {
	Answer(ctx context.Context, requests []sample.Request, progress func(done, total int)) ([][]sample.Completion, error)
}

// Judge gives verdicts on programs, in their order; package sandbox has one.
type Judge interface {
	RunAll(ctx context.Context, programs []sandbox.Program, progress func(done, total int)) ([]sandbox.Verdict, error)
}

// Record is a task with its answers, as a line of the file.
type Record struct {
	TaskID   string   `json:"task_id"`
	Question string   `json:"question"` // the prompt
	Answers  []Answer `json:"answers"`  // no text occurs twice
}

// Answer is one program without its prompt.
type Answer struct {
	Text    string       `json:"text"`
	Votes   *float64     `json:"votes"`   // 1 where it passed, else null
	Verdict sandbox.Kind `json:"verdict"` // more exactly
}

// Maker makes records of tasks.
type Maker struct {
	Sampler   Sampler
	Judge     Judge
	Encode    func(prompt string) []int32
	StopWords []string // end a response

	// A task is kept with so many distinct answers of each kind.
	MinPassed, MinFailed int
	// Judging, which may be nil, is told how many programs are judged, 0 at the beginning.
	Judging func(done, total int)
}

// drawn is what was sampled for a task: distinct texts, in the order in which they came, and how often each came.
type drawn struct {
	texts []string
	times map[string]int
}

// Make samples answers and judges them, in the order of the tasks. progress, which may be nil, is told how far sampling has
// come.
func (m *Maker) Make(ctx context.Context, tasks []codebench.Task, progress func(done, total int)) ([]Record, *Report, error) {
	requests := make([]sample.Request, len(tasks))
	for i, task := range tasks {
		requests[i] = sample.Request{Prompt: m.Encode(task.Prompt), Stop: m.StopWords, Stream: i}
	}
	responses, err := m.Sampler.Answer(ctx, requests, progress)
	if err != nil {
		return nil, nil, fmt.Errorf("sample answers: %w", err)
	}
	report := &Report{Tasks: len(tasks), Verdicts: map[sandbox.Kind]int{}}
	all := make([]drawn, len(tasks))
	var programs []sandbox.Program
	for i, task := range tasks {
		all[i] = report.count(responses[i])
		for _, text := range all[i].texts {
			programs = append(programs, task.Program(text))
		}
	}
	if m.Judging != nil {
		m.Judging(0, len(programs))
	}
	verdicts, err := m.Judge.RunAll(ctx, programs, m.Judging)
	if err != nil {
		return nil, report, fmt.Errorf("judge answers: %w", err)
	}
	var records []Record
	for i, task := range tasks {
		n := len(all[i].texts)
		record := newRecord(task, all[i].texts, verdicts[:n])
		verdicts = verdicts[n:]
		if report.add(record, all[i].times, m) {
			records = append(records, record)
		}
	}
	report.Kept = len(records)
	return records, report, nil
}

func newRecord(task codebench.Task, texts []string, verdicts []sandbox.Verdict) Record {
	record := Record{TaskID: task.ID, Question: task.Prompt}
	for i, v := range verdicts {
		answer := Answer{Text: texts[i], Verdict: v.Kind}
		if v.Passed() {
			one := 1.0
			answer.Votes = &one
		}
		record.Answers = append(record.Answers, answer)
	}
	return record
}
