package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/internal/report"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// reportResult is what "report --json" prints.
type reportResult struct {
	Out  string   `json:"out"`
	Runs []string `json:"runs"` // the run folders, as found
	Eval []string `json:"eval,omitempty"`
}

func newReportCommand(app *App) *cobra.Command {
	var out string
	var results []string
	cmd := &cobra.Command{
		Use:   "report [RUN...] [--eval FILE]",
		Short: "Write one HTML page about run folders and results of eval",
		Long: `Write one self-contained HTML page about finished or running runs: a summary, the frontier of mean reward against KL with
each method's upper hull and dominated area, the training curves, the sparsity of the masks, token heat maps, sampled texts,
results of evaluations and settings.

A RUN is a run folder (it holds metrics.jsonl) or a folder of them at any depth, such as that of a sweep. The page is made
of the runs' files alone: config.yaml, metrics.jsonl, samples/, inspect.json and eval/. What a run lacks is shown as not measured.
The page needs no network and no other file.

Results are files that "eval TASK --out" wrote. Those in a run's folder eval (RUN/eval/*.jsonl) are found there; --eval names
others, of models without a run. The models are compared item by item with the first one: that of the first --eval,
or else the first run that has results.`,
		Example: `  sparsepo report runs/sweep --out report.html
  sparsepo report runs/dpo runs/sparse-common --out compare.html
  sparsepo eval bbh --model runs/dpo/final --data data/bbh --out runs/dpo/eval/bbh.jsonl
  sparsepo report runs/dpo --eval sft-bbh.jsonl`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && len(results) == 0 {
				return seeHelp(cmd, usage.Errorf("%s: no run folder given", cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, folders []string) error {
			return writeReport(app, out, folders, results)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&out, "out", "report.html", "page to write")
	flags.StringArrayVar(&results, "eval", nil, "file of results, or folder of them, of a model without a run; may be repeated")
	return cmd
}

func writeReport(app *App, out string, folders, results []string) error {
	runs := []string{}
	if len(folders) > 0 {
		var err error
		if runs, err = report.Find(folders); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	if err := report.Write(out, runs, results); err != nil {
		return err
	}
	if app.JSON {
		return app.PrintJSON(reportResult{Out: out, Runs: runs, Eval: results})
	}
	about := fmt.Sprintf("%d runs", len(runs))
	switch len(runs) {
	case 0:
		about = "results"
	case 1:
		about = "1 run"
	}
	_, err := fmt.Fprintf(app.Stdout, "report of %s: %s\n", about, out)
	return err
}
