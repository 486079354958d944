package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/internal/answers"
	"github.com/sparsepo/sparsepo/internal/codebench"
	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/pairs"
	"github.com/sparsepo/sparsepo/internal/prompts"
	"github.com/sparsepo/sparsepo/internal/sample"
	"github.com/sparsepo/sparsepo/internal/sandbox"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// codeWork is the work of "pairs code".
type codeWork struct {
	benchmark        string
	model, data, out string
	part             string
	limit            int
	minPassed        int
	minFailed        int
	sampling         sample.Options
	sandbox          sandboxFlags
}

// codeResult is what "pairs code --json" prints.
type codeResult struct {
	Out     string  `json:"out"`
	Seconds float64 `json:"seconds"`
	*answers.Report
}

// newPairsCodeCommand builds preference data of programs.
func newPairsCodeCommand(app *App) *cobra.Command {
	work := codeWork{sampling: sample.Options{N: 20, Temperature: 0.8, TopP: 0.95, MaxNewTokens: 256}}
	cmd := &cobra.Command{
		Use:   "code --model MODEL --data FILE --out FILE",
		Short: "Build preference data of programs that pass or fail their tests",
		Long: `Sample solutions for the tasks of a code benchmark (--benchmark mbpp or humaneval, --data its file), run each distinct one
against the task's tests in a sandbox, and write a record for each task with enough passed and failed solutions:
{"task_id", "question", "answers": [{"text", "votes", "verdict"}]}, votes 1 where the tests passed and null where not. Training
draws pairs of a passed and a failed answer from it, new ones every epoch.

Prompts and the words that end a solution are those of bigcode-evaluation-harness. The programs run isolated from this machine
(docs/sandbox.md); where that is not possible the command refuses, unless --unsafe-no-sandbox is given.`,
		Example: `  sparsepo pairs code --model sft/final --data mbpp.jsonl --n 100 --out answers.jsonl
  sparsepo pairs code --model sft/final --data mbpp.jsonl --part validation --out answers-eval.jsonl
  sparsepo pairs code --model sft/final --benchmark humaneval --data HumanEval.jsonl.gz --out answers.jsonl`,
		RunE: func(cmd *cobra.Command, _ []string) error { return work.run(cmd.Context(), app) },
	}
	flags := cmd.Flags()
	flags.StringVar(&work.model, "model", "", "model to sample from: a model or adapter folder, or hub id")
	flags.StringVar(&work.benchmark, "benchmark", string(codebench.MBPP), "whose tasks the data are: "+strings.Join(benchmarkNames(), ", "))
	flags.StringVar(&work.data, "data", "", "the benchmark's file (.jsonl, .json, .gz)")
	flags.StringVar(&work.part, "part", "", "of MBPP: train (default), validation, test, prompt or all")
	flags.IntVar(&work.limit, "limit", 0, "take only so many tasks, the first ones (0: all)")
	flags.StringVar(&work.out, "out", "", "file to write (.jsonl, .jsonl.gz)")
	addSamplingFlags(flags, &work.sampling, "solutions for each task", "solutions")
	flags.Uint64Var(&work.sampling.Seed, "seed", 42, "seed of the draws")
	flags.IntVar(&work.minPassed, "min-passed", 2, "leave out tasks with fewer distinct solutions that passed")
	flags.IntVar(&work.minFailed, "min-failed", 1, "leave out tasks with fewer distinct solutions that failed")
	work.sandbox.add(flags)
	requireFlags(cmd, "model", "data", "out")
	return cmd
}

func benchmarkNames() []string {
	var names []string
	for _, b := range codebench.Benchmarks {
		names = append(names, string(b))
	}
	return names
}

func (w *codeWork) run(ctx context.Context, app *App) error {
	if err := w.check(); err != nil {
		return err
	}
	tasks, err := w.tasks()
	if err != nil {
		return err
	}
	judge, err := w.sandbox.open(ctx, app)
	if err != nil {
		return err
	}
	defer judge.Close()
	if err := w.try(ctx, judge, tasks); err != nil {
		return err
	}
	checkpoint, err := source.Open(ctx, w.model, app.Stderr)
	if err != nil {
		return err
	}
	defer checkpoint.Close()
	maker := &answers.Maker{Judge: judge, StopWords: codebench.Benchmark(w.benchmark).StopWords(), MinPassed: w.minPassed, MinFailed: w.minFailed}
	if err := w.read(checkpoint, tasks, maker); err != nil {
		return err
	}
	sampler, err := newSampler(app, checkpoint, w.sampling)
	if err != nil {
		return err
	}
	defer sampler.Close()
	maker.Sampler = sampler
	return w.make(ctx, app, maker, tasks)
}

// check refuses what needs no file to be seen.
func (w *codeWork) check() error {
	switch {
	case !slices.Contains(benchmarkNames(), w.benchmark):
		return usage.Errorf("--benchmark: unknown %q; known: %s", w.benchmark, strings.Join(benchmarkNames(), ", "))
	case w.part != "" && w.benchmark != string(codebench.MBPP):
		return usage.Errorf("--part: %s has no parts", w.benchmark)
	case w.minPassed < 1 || w.minFailed < 1:
		return usage.Errorf("--min-passed and --min-failed: found %d and %d; a pair needs at least 1 of each", w.minPassed, w.minFailed)
	case w.sampling.N < w.minPassed+w.minFailed:
		return usage.Errorf("--n: found %d; a task needs at least %d solutions (--min-passed and --min-failed)", w.sampling.N, w.minPassed+w.minFailed)
	case w.limit < 0:
		return usage.Errorf("--limit: found %d, expected 0 or more", w.limit)
	}
	if err := errors.Join(w.sandbox.check(), w.sampling.Validate()); err != nil {
		return err
	}
	if err := pairs.CheckPath(w.out); err != nil {
		return usage.Errorf("--out: %w", err)
	}
	return nil
}

// tasks reads those that were asked for.
func (w *codeWork) tasks() ([]codebench.Task, error) {
	list, err := openTasks(codebench.Benchmark(w.benchmark), w.data, cmp.Or(w.part, "train"))
	if err != nil {
		return nil, err
	}
	if w.limit > 0 && w.limit < len(list) {
		list = list[:w.limit]
	}
	return list, nil
}

// try runs every task without a solution, so that tests which cannot be run are found before the sampling.
func (w *codeWork) try(ctx context.Context, judge *sandbox.Sandbox, tasks []codebench.Task) error {
	var programs []sandbox.Program
	for _, task := range tasks {
		programs = append(programs, task.Program(""))
	}
	if _, err := judge.RunAll(ctx, programs, nil); err != nil {
		return fmt.Errorf("%s: %w", w.data, err)
	}
	return nil
}

// read prepares sampling with the model's tokenizer, and checks that the model has room for every task.
func (w *codeWork) read(checkpoint *source.Model, tasks []codebench.Task, maker *answers.Maker) error {
	t, err := tokenizerOf(checkpoint, w.model)
	if err != nil {
		return err
	}
	w.sampling.EOS = checkpoint.Config.EOS
	if eos, ok := t.EOS(); ok {
		w.sampling.EOS = eos
	}
	w.sampling.Decode = t.DecodeAfter
	maker.Encode = func(prompt string) []int32 { return prompts.Begin(t, prompt) }
	for _, task := range tasks {
		ids := len(maker.Encode(task.Prompt))
		if need := ids + w.sampling.MaxNewTokens; need > checkpoint.Config.MaxPositions {
			return usage.Errorf("%s: the prompt of task %s has %d tokens, which with %d new ones exceeds the model's %d positions; lower --max-new-tokens",
				w.data, task.ID, ids, w.sampling.MaxNewTokens, checkpoint.Config.MaxPositions)
		}
	}
	return nil
}

// make samples, judges and writes.
func (w *codeWork) make(ctx context.Context, app *App, maker *answers.Maker, tasks []codebench.Task) error {
	start := time.Now()
	progress := newStages(app.Stderr, len(tasks)*w.sampling.N, "judging")
	maker.Judging = progress.judged
	records, report, err := maker.Make(ctx, tasks, progress.sampled)
	progress.finish()
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return fmt.Errorf("no tasks for %s:\n%s", w.out, report)
	}
	if err := jsonl.Save(w.out, records); err != nil {
		return err
	}
	result := codeResult{Out: w.out, Seconds: time.Since(start).Seconds(), Report: report}
	if app.JSON {
		return app.PrintJSON(result)
	}
	_, err = fmt.Fprintf(app.Stdout, "%s\n%d tasks in %s; %.0f s\n", report, report.Kept, w.out, result.Seconds)
	return err
}
