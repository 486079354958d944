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
}

func newReportCommand(app *App) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "report RUN...",
		Short: "Write one HTML page about run folders",
		Long: `Write one self-contained HTML page about finished or running runs: a summary, the frontier of mean reward against KL with
each method's upper hull, the training curves, the sparsity of the masks, token heat maps, sampled texts and settings.

A RUN is a run folder (it holds metrics.jsonl) or a folder of them at any depth, such as that of a sweep. The page is made
of the runs' files alone: config.yaml, metrics.jsonl, samples/ and inspect.json. What a run lacks is shown as not measured.
The page needs no network and no other file.`,
		Example: `  sparsepo report runs/sweep --out report.html
  sparsepo report runs/dpo runs/sparse-common --out compare.html`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return seeHelp(cmd, usage.Errorf("%s: no run folder given", cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, folders []string) error {
			runs, err := report.Find(folders)
			if err != nil {
				return fmt.Errorf("report: %w", err)
			}
			if err := report.Write(out, runs); err != nil {
				return err
			}
			if app.JSON {
				return app.PrintJSON(reportResult{Out: out, Runs: runs})
			}
			noun := "runs"
			if len(runs) == 1 {
				noun = "run"
			}
			_, err = fmt.Fprintf(app.Stdout, "report of %d %s: %s\n", len(runs), noun, out)
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "report.html", "page to write")
	return cmd
}
