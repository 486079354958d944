package evaluation

import (
	"context"
	"fmt"

	"github.com/sparsepo/sparsepo/internal/codebench"
	"github.com/sparsepo/sparsepo/internal/sandbox"
)

// CodeRun has a model write programs, and judges them.
type CodeRun struct {
	Run
	Benchmark codebench.Benchmark
	Sampling  Sampling // Stop is the benchmark's own
	// Ks are the k of pass@k; those above Sampling.N are left out.
	Ks []int
	// Judge gives a verdict on each program.
	Judge func(ctx context.Context, programs []sandbox.Program) ([]sandbox.Verdict, error)
}

// Tasks asks for the programs that the file has no record of, and adds their records.
func (r *CodeRun) Tasks(ctx context.Context, tasks []codebench.Task) error {
	tasks = first(tasks, r.Limit)
	r.total = len(tasks)
	var pending []int
	for i, task := range tasks {
		done, err := r.File.has(string(r.Benchmark), i, digest(task.Prompt, task.Tests))
		if err != nil {
			return err
		}
		if !done {
			pending = append(pending, i)
		}
	}
	r.finished = len(tasks) - len(pending)
	atOnce := max(1, r.responses()/r.Sampling.N)
	for len(pending) > 0 {
		n := min(atOnce, len(pending))
		records, err := r.write(ctx, tasks, pending[:n])
		if err != nil {
			return err
		}
		if err := r.add(records); err != nil {
			return err
		}
		pending = pending[n:]
	}
	return nil
}

// write answers some tasks. What is drawn for one depends on the seed and on its place, not on the others.
func (r *CodeRun) write(ctx context.Context, tasks []codebench.Task, some []int) ([]Record, error) {
	prompts := make([]string, len(some))
	for i, index := range some {
		prompts[i] = tasks[index].Prompt
	}
	sampling := r.Sampling
	sampling.Stop = r.Benchmark.StopWords()
	sampling.Streams = some
	answers, err := r.Model.Generate(ctx, prompts, sampling)
	if err != nil {
		return nil, err
	}
	var programs []sandbox.Program
	for i, index := range some {
		for k, text := range answers[i].Texts {
			answers[i].Texts[k] = codebench.Truncate(text, sampling.Stop)
			programs = append(programs, tasks[index].Program(answers[i].Texts[k]))
		}
	}
	verdicts, err := r.Judge(ctx, programs)
	if err != nil {
		return nil, fmt.Errorf("judge programs of %s: %w", r.Benchmark, err)
	}
	records := make([]Record, len(some))
	for i, index := range some {
		n := len(answers[i].Texts)
		records[i] = r.record(index, tasks[index], answers[i], verdicts[:n])
		verdicts = verdicts[n:]
	}
	return records, nil
}

func (r *CodeRun) record(index int, task codebench.Task, answer Responses, verdicts []sandbox.Verdict) Record {
	record := Record{
		Task: string(r.Benchmark), Index: index, ID: task.ID, Item: digest(task.Prompt, task.Tests), Metrics: map[string]float64{},
		Responses: answer.Texts, Cut: answer.Cut,
	}
	passed := 0
	for _, v := range verdicts {
		record.Verdicts = append(record.Verdicts, string(v.Kind))
		if v.Passed() {
			passed++
		}
	}
	for _, k := range r.Ks {
		if k <= len(verdicts) {
			record.Metrics[fmt.Sprintf("pass@%d", k)] = codebench.PassAtK(len(verdicts), passed, k)
		}
	}
	return record
}
