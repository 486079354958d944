package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/internal/codebench"
	"github.com/sparsepo/sparsepo/internal/evaluation"
	"github.com/sparsepo/sparsepo/internal/metrics"
	"github.com/sparsepo/sparsepo/internal/sandbox"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// codeEvalWork is the work of "eval humaneval" and "eval mbpp".
type codeEvalWork struct {
	evalWork
	benchmark  codebench.Benchmark
	unstripped bool
	part       string
	data       string
	ks         []int
	sampling   evaluation.Sampling
	sandbox    sandboxFlags
}

const codeHelp = `

Prompts and the ends of programs are those of bigcode-evaluation-harness. pass@k is the probability that one of k programs
passes, estimated without bias from --n of them. The paper draws 100 at temperature 0.6.

With --out every task's programs and verdicts go to a file, one JSON object a line, and an evaluation that was broken off goes
on where it was.`

func newCodeEvalCommand(app *App, work *codeEvalWork, short, long, example string) *cobra.Command {
	cmd := &cobra.Command{
		Use:     string(work.benchmark) + " --model MODEL --data FILE",
		Short:   short,
		Long:    long + codeHelp,
		Example: example,
		RunE:    func(cmd *cobra.Command, _ []string) error { return work.run(cmd.Context(), app) },
	}
	flags := cmd.Flags()
	work.add(cmd, false, true)
	flags.StringVar(&work.data, "data", "", "the benchmark's file (.jsonl, .json, .gz)")
	flags.IntSliceVar(&work.ks, "k", []int{1, 10, 100}, "the k of pass@k; those above --n are left out")
	flags.IntVar(&work.sampling.N, "n", 1, "programs for each task")
	flags.Float64Var(&work.sampling.Temperature, "temperature", 0.2, "divides the logits; 0 takes the most likely token")
	flags.Float64Var(&work.sampling.TopP, "top-p", 0.95, "sample from the likeliest tokens of this probability in all (1: off)")
	flags.IntVar(&work.sampling.TopK, "top-k", 0, "sample from so many likeliest tokens (0: off)")
	flags.IntVar(&work.sampling.MaxTokens, "max-new-tokens", 512, "cut programs at so many tokens")
	flags.Uint64Var(&work.sampling.Seed, "seed", 42, "seed of the draws")
	work.sandbox.add(flags)
	requireFlags(cmd, "data")
	return cmd
}

func newEvalHumanEvalCommand(app *App) *cobra.Command {
	work := &codeEvalWork{benchmark: codebench.HumanEval}
	cmd := newCodeEvalCommand(app, work, "HumanEval: pass@k of programs that are run in the sandbox",
		"Have the model complete HumanEval's functions, and run their tests in the sandbox.",
		"  sparsepo eval humaneval --model run/final --data data/humaneval/HumanEval.jsonl.gz --n 20 --temperature 0.6 --out humaneval.jsonl")
	cmd.Flags().BoolVar(&work.unstripped, "unstripped", false, "keep the white space around prompts")
	return cmd
}

func newEvalMBPPCommand(app *App) *cobra.Command {
	work := &codeEvalWork{benchmark: codebench.MBPP}
	cmd := newCodeEvalCommand(app, work, "MBPP: pass@k of programs that are run in the sandbox",
		"Have the model write MBPP's functions, and run their tests in the sandbox.",
		"  sparsepo eval mbpp --model run/final --data data/mbpp/mbpp.jsonl --n 20 --temperature 0.6 --out mbpp.jsonl")
	cmd.Flags().StringVar(&work.part, "part", "test", "test, validation, train, prompt or all")
	return cmd
}

func (w *codeEvalWork) run(ctx context.Context, app *App) error {
	if err := w.check(); err != nil {
		return err
	}
	tasks, err := openTasks(w.benchmark, w.data, w.part)
	if err != nil {
		return err
	}
	judge, err := w.sandbox.open(ctx, app)
	if err != nil {
		return err
	}
	defer judge.Close()
	network, file, err := w.open(ctx, app, w.settings())
	if err != nil {
		return err
	}
	defer network.Close()
	run := &evaluation.CodeRun{Run: evaluation.Run{Model: network, File: file, Limit: w.limit, Responses: batchesAtOnce * w.batch.Rows}, Benchmark: w.benchmark, Sampling: w.sampling, Ks: w.ks}
	run.Judge = func(ctx context.Context, programs []sandbox.Program) ([]sandbox.Verdict, error) {
		return judge.RunAll(ctx, programs, nil)
	}
	total := len(tasks)
	if w.limit > 0 {
		total = min(total, w.limit)
	}
	display := metrics.NewProgress(app.Stderr, "tasks", 0, total)
	run.Progress = func(done, _ int) { display.Update(done, nil) }
	err = run.Tasks(ctx, tasks)
	display.Finish()
	return w.finish(app, file, err)
}

// settings are what programs and metrics depend on besides model and tasks.
func (w *codeEvalWork) settings() map[string]string {
	s := w.sampling
	return map[string]string{
		"k": strings.Trim(fmt.Sprint(w.ks), "[]"), "n": fmt.Sprint(s.N), "temperature": fmt.Sprint(s.Temperature), "top_p": fmt.Sprint(s.TopP),
		"top_k": fmt.Sprint(s.TopK), "max_new_tokens": fmt.Sprint(s.MaxTokens), "seed": fmt.Sprint(s.Seed), "timeout": fmt.Sprint(w.sandbox.seconds),
	}
}

func (w *codeEvalWork) check() error {
	possible := 0
	for _, k := range w.ks {
		if k < 1 {
			return usage.Errorf("--k: found %d, expected positive numbers", k)
		}
		if k <= w.sampling.N {
			possible++
		}
	}
	switch {
	case w.sampling.N < 1:
		return usage.Errorf("--n: found %d, expected a positive number of programs", w.sampling.N)
	case possible == 0:
		return usage.Errorf("--k: found %v, none of which is at most --n %d", w.ks, w.sampling.N)
	}
	if err := errors.Join(w.sandbox.check(), w.sampling.Validate()); err != nil {
		return err
	}
	if w.unstripped {
		w.benchmark = codebench.HumanEvalUnstripped
	}
	return w.evalWork.check()
}

// openTasks reads a benchmark's file; of MBPP's the tasks of one part.
func openTasks(b codebench.Benchmark, path, part string) ([]codebench.Task, error) {
	list, err := b.Open(path)
	if err != nil || b != codebench.MBPP || part == "all" {
		return list, err
	}
	if list, err = codebench.Split(list, part); err != nil {
		return nil, usage.Errorf("--part: %w", err)
	}
	if len(list) == 0 {
		return nil, usage.Errorf("%s: no tasks of the part %s; give --part all for a file with other numbers", path, part)
	}
	return list, nil
}
