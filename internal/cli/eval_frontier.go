package cli

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/internal/bootstrap"
	"github.com/sparsepo/sparsepo/internal/frontier"
	"github.com/sparsepo/sparsepo/internal/report"
	"github.com/sparsepo/sparsepo/internal/usage"
)

func newEvalFrontierCommand(app *App) *cobra.Command {
	var options frontier.Options
	cmd := &cobra.Command{
		Use:   "frontier RUN...",
		Short: "Reward against KL of any runs: hulls, dominated areas, intervals",
		Long: `Set the methods of some runs against each other by the reward that they get for the KL divergence that they spend. Every
checkpoint that was measured during training (frontier.every) is a point: the mean reward of one sampled response a prompt, and
its mean divergence from the reference, by two estimators:

  kl          ` + frontier.Exact.Definition() + `
  kl_sampled  ` + frontier.Sampled.Definition() + `

For each the table has a method's highest reward, and as one number its dominated area: the integral of the upper hull of all
points of its runs, the untouched model at KL 0 included, over KL from 0 to a limit that all methods share (reward × nats). The
limit is the largest KL that any hull needs, or --max-kl. Intervals, and those of the areas' differences, come from a bootstrap
over prompts, which draws the same prompts for every point of every run; they need the runs' samples/. docs/evaluation.md has
the formulas.

A RUN is a run folder or a folder of them at any depth, as for "sparsepo report". --json has every point with its intervals, and
the vertices of the hulls.`,
		Example: `  sparsepo eval frontier sweep
  sparsepo eval frontier runs/dpo runs/mapo --max-kl 10 --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return seeHelp(cmd, usage.Errorf("%s: no run folder given", cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, folders []string) error { return evalFrontier(app, folders, options) },
	}
	flags := cmd.Flags()
	flags.Float64Var(&options.MaxKL, "max-kl", 0, "KL at which areas end, in nats (0: the largest of any hull's vertex)")
	flags.StringVar(&options.Against, "against", "", "method that differences are from (default: dpo, or the first)")
	addBootstrap(flags, &options.Bootstrap, frontier.DefaultBootstrap())
	return cmd
}

func evalFrontier(app *App, folders []string, options frontier.Options) error {
	if !(options.MaxKL >= 0) {
		return usage.Errorf("--max-kl: found %g, expected a number of nats, or 0 for the largest of any hull's vertex", options.MaxKL)
	}
	if err := options.Bootstrap.Validate(); err != nil {
		return err
	}
	runs, err := report.Find(folders)
	if err != nil {
		return err
	}
	result, err := measureFrontier(runs, options)
	if err != nil {
		return err
	}
	if len(result.Points) == 0 {
		return usage.Hint(usage.Errorf("no run has frontier records (%sreward and %s%s in metrics.jsonl)", frontier.MetricPrefix, frontier.MetricPrefix, frontier.Exact),
			"train with frontier.every, frontier.prompts and frontier.reward")
	}
	if app.JSON {
		return app.PrintJSON(result)
	}
	return printFrontier(app, result)
}

// measureFrontier reads run folders and measures their frontier.
func measureFrontier(folders []string, options frontier.Options) (*frontier.Result, error) {
	names := report.Names(folders)
	runs := make([]frontier.Run, len(folders))
	for i, folder := range folders {
		var err error
		if runs[i], err = frontier.Read(folder, names[i]); err != nil {
			return nil, err
		}
	}
	return frontier.Measure(runs, options)
}

// printFrontier writes a table for each estimator, and the notes.
func printFrontier(app *App, result *frontier.Result) error {
	for _, f := range result.Frontiers {
		fmt.Fprintf(app.Stdout, "%s: %s, nats; areas from KL 0 to %.4g\n", f.Estimator, f.Definition, f.MaxKL)
		if err := printMethods(app.Stdout, f, bootstrap.Options{Level: result.Bootstrap.Level}.Percent()); err != nil {
			return err
		}
	}
	if b := result.Bootstrap; b.Prompts > 0 {
		fmt.Fprintf(app.Stdout, "intervals: %d resamples of %d prompts\n", b.Resamples, b.Prompts)
	}
	for _, note := range result.Notes {
		fmt.Fprintln(app.Stderr, note)
	}
	return nil
}

func printMethods(out io.Writer, f *frontier.Frontier, percent string) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "method\tpoints\tbest reward\tat KL\tarea\t%s interval\tminus %s\t%s interval\n", percent, f.Against, percent)
	for _, m := range f.Methods {
		best := m.Hull[len(m.Hull)-1]
		fmt.Fprintf(table, "%s\t%d\t%.3f\t%.2f\t%.3f\t%s\t", m.Method, m.Points, best.Reward, best.KL, m.Area, intervalText("%.3f", m.AreaInterval))
		if m.Difference == nil {
			fmt.Fprint(table, "–\t–\n")
			continue
		}
		fmt.Fprintf(table, "%+.3f\t%s\n", *m.Difference, intervalText("%+.3f", m.DifferenceInterval))
	}
	return table.Flush()
}

func intervalText(format string, i *bootstrap.Interval) string {
	if i == nil {
		return "no samples"
	}
	return fmt.Sprintf("["+format+", "+format+"]", i.Low, i.High)
}
