package cli

import "github.com/spf13/cobra"

// evaluations are the constructors of the subcommands of "eval".
var evaluations = []func(*App) *cobra.Command{
	newEvalTextCommand,
}

// newEvalCommand holds the commands that measure models.
func newEvalCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "eval",
		Short:   "Benchmarks and text metrics",
		Long:    `Measure models and what they write. docs/metrics.md lists the metrics of texts with their sources.`,
		Example: `  sparsepo eval text --samples samples.jsonl --references test.jsonl --metrics rouge,bleu`,
	}
	for _, construct := range evaluations {
		cmd.AddCommand(construct(app))
	}
	return cmd
}
