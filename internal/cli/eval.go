package cli

import "github.com/spf13/cobra"

// evaluations are the constructors of the subcommands of "eval".
var evaluations = []func(*App) *cobra.Command{
	newEvalLeaderboardCommand,
	newEvalBBHCommand,
	newEvalMATHCommand,
	newEvalGPQACommand,
	newEvalMuSRCommand,
	newEvalMMLUProCommand,
	newEvalIFEvalCommand,
	newEvalHumanEvalCommand,
	newEvalMBPPCommand,
	newEvalTextCommand,
	newEvalFrontierCommand,
	newEvalCompareCommand,
}

// newEvalCommand holds the commands that measure models.
func newEvalCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "Benchmarks, text metrics, and comparisons of results",
		Long: `Measure models on benchmarks and texts by metrics, and compare results. docs/evaluation.md and docs/metrics.md list
every metric with its source, and where it departs from that.`,
		Example: `  sparsepo eval bbh --model run/final --data data/bbh --out bbh.jsonl
  sparsepo eval compare sft.jsonl dpo.jsonl`,
	}
	for _, construct := range evaluations {
		cmd.AddCommand(construct(app))
	}
	return cmd
}
