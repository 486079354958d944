package cli

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sparsepo/sparsepo/internal/bootstrap"
	"github.com/sparsepo/sparsepo/internal/evaluation"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/reward"
)

// compareWork is the work of "eval compare".
type compareWork struct {
	bootstrap bootstrap.Options
	reward    rewardFlags
}

func newEvalCompareCommand(app *App) *cobra.Command {
	work := compareWork{}
	cmd := &cobra.Command{
		Use:   "compare A B",
		Short: "Compare two models by their results, item by item",
		Long: `Compare B with A on the items that both files of results have (eval TASK --out). For each task and metric: both means, the
difference B - A with its interval by a paired bootstrap over items (the same items are drawn for both), the items at which B is
better, the same and worse, and B's win rate, in which a tie counts half. A family of tasks has a row of its own: the mean of
its tasks, each drawn from by itself. Results of "eval text" are compared prompt by prompt; corpus BLEU, which no prompt has
alone, has an interval and no wins.

With --reward, A and B are files of samples (records with "prompt" and "completion", as sample --out writes them), and the
reward model judges them: the k-th response of one to a prompt against the k-th of the other.`,
		Example: `  sparsepo eval compare sft.jsonl dpo.jsonl
  sparsepo eval compare samples-dpo.jsonl samples-sparse.jsonl --reward reward --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return seeHelp(cmd, usage.Errorf("%s: found %d arguments, expected two files of results", cmd.CommandPath(), len(args)))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range []string{"label", "output"} {
				if work.reward.name == "" && cmd.Flags().Changed(name) {
					return usage.Errorf("--%s says what the reward model's reward is; give --reward too", name)
				}
			}
			return work.run(cmd.Context(), app, args[0], args[1])
		},
	}
	flags := cmd.Flags()
	work.reward.add(flags)
	addBootstrap(flags, &work.bootstrap, bootstrap.Default())
	return cmd
}

// addBootstrap adds the flags of a bootstrap.
func addBootstrap(flags *pflag.FlagSet, o *bootstrap.Options, standard bootstrap.Options) {
	flags.IntVar(&o.Resamples, "resamples", standard.Resamples, "samples of the bootstrap")
	flags.Float64Var(&o.Level, "level", standard.Level, "share of the bootstrap's samples in the interval")
	flags.Uint64Var(&o.Seed, "seed", standard.Seed, "seed of the bootstrap")
}

func (w *compareWork) run(ctx context.Context, app *App, pathA, pathB string) error {
	if err := w.bootstrap.Validate(); err != nil {
		return err
	}
	a, b, err := w.read(ctx, app, pathA, pathB)
	if err != nil {
		return err
	}
	result, err := evaluation.Compare(a, b, w.bootstrap)
	if err != nil {
		return fmt.Errorf("compare %s with %s: %w", pathB, pathA, err)
	}
	if app.JSON {
		return app.PrintJSON(result)
	}
	return w.print(app, result)
}

// read gives the records of both files, judged by the reward model where there is one.
func (w *compareWork) read(ctx context.Context, app *App, pathA, pathB string) (a, b []evaluation.Record, err error) {
	if w.reward.name != "" {
		return w.judge(ctx, app, pathA, pathB)
	}
	files := [2]*evaluation.File{}
	for i, path := range []string{pathA, pathB} {
		if files[i], err = evaluation.Open(path); err != nil {
			return nil, nil, err
		}
	}
	if err := evaluation.CheckTextSettings(files[0], files[1]); err != nil {
		return nil, nil, fmt.Errorf("compare %s with %s: %w", pathB, pathA, err)
	}
	return files[0].Records, files[1].Records, nil
}

// judge reads two files of samples and has the reward model judge them.
func (w *compareWork) judge(ctx context.Context, app *App, pathA, pathB string) (a, b []evaluation.Record, err error) {
	lists, prompts := [2][]evaluation.Record{}, [2][]string{}
	for i, path := range []string{pathA, pathB} {
		if lists[i], prompts[i], err = evaluation.ReadSamples(path); err != nil {
			return nil, nil, err
		}
	}
	uneven, err := evaluation.CheckSamples(lists[0], lists[1])
	if err != nil {
		return nil, nil, fmt.Errorf("compare %s with %s: %w", pathB, pathA, err)
	}
	if uneven > 0 {
		fmt.Fprintf(app.Stderr, "prompts with more responses in one file than in the other: %d; the first ones of each are compared, as many as both have\n", uneven)
	}
	scorer, err := w.reward.open(ctx, app)
	if err != nil {
		return nil, nil, err
	}
	defer reward.Close(scorer)
	for i := range lists {
		if err := evaluation.JudgeSamples(ctx, scorer, lists[i], prompts[i]); err != nil {
			return nil, nil, err
		}
	}
	return lists[0], lists[1], nil
}

func (w *compareWork) print(app *App, result *evaluation.Comparison) error {
	table := tabwriter.NewWriter(app.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "task\tmetric\titems\tA\tB\tB - A\t%s interval\twins\tties\tlosses\twin rate\n", w.bootstrap.Percent())
	for _, r := range result.Rows {
		wins := fmt.Sprintf("%d\t%d\t%d\t%.3f", r.Wins, r.Ties, r.Losses, r.WinRate)
		if r.Corpus {
			wins = "\t\t\t"
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%.4f\t%.4f\t%+.4f\t[%+.4f, %+.4f]\t%s\n",
			r.Task, r.Metric, r.Items, r.A, r.B, r.Difference, r.Low, r.High, wins)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if result.OnlyA+result.OnlyB > 0 {
		fmt.Fprintf(app.Stderr, "not compared: %d items that only A has, %d that only B has\n", result.OnlyA, result.OnlyB)
	}
	return nil
}
