package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/internal/config"
	"github.com/sparsepo/sparsepo/internal/train"
	"github.com/sparsepo/sparsepo/loss"
)

// newTrainCommand optimises preferences.
func newTrainCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "train --method METHOD --model MODEL --data DATA --out RUN",
		Short: "Optimise preferences with DPO, TDPO, SimPO, DPOP, MaPO or SparsePO",
		Long: `Train a model on preference pairs and write a run folder: config.yaml, metrics.jsonl, TensorBoard events, log.txt,
checkpoints and the finished model in final/.

Settings come from --preset, then --config, then --set key=value, then the flags; later ones win.

` + methodsHelp() + config.Help(train.Objectives, loss.Names()),
		Example: `  sparsepo train --method sparse-independent --model sft/final --data pairs.jsonl --out run --set beta=0.7
  sparsepo train --preset imdb --method tdpo2 --model sft/final --data pairs.jsonl --eval-data test.jsonl --out run
  sparsepo train --config run/config.yaml --out again
  sparsepo train --out run --resume`,
	}
	config.Flags(cmd, "engine")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runTraining(app, cmd) }
	return cmd
}

// methodsHelp lists the objectives with their formulas.
func methodsHelp() string {
	text := "Methods:\n"
	for _, o := range loss.All() {
		text += fmt.Sprintf("  %-20s %s\n  %-20s (%s)\n", o.Name, o.Summary, "", o.Source)
	}
	return text + "\n"
}

// newSFTCommand fine-tunes on responses.
func newSFTCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sft --model MODEL --data DATA --out RUN",
		Short: "Fine-tune a model on texts or on prompts with completions",
		Long: `Fine-tune a model on records with text, with prompt and completion, or on the chosen side of preference pairs. The loss is
the mean over records of each record's mean negative log-likelihood, over response tokens. It writes the same run folder as
sparsepo train.

` + config.Help(train.Objectives, []string{"sft"}),
		Example: `  sparsepo sft --model gpt2 --data reviews.jsonl --out sft --set num_train_epochs=1 --set max_length=128`,
	}
	config.Flags(cmd, "engine", "method", "reference", "beta")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return runTraining(app, cmd, config.Fixed("method", "sft", "sparsepo sft always trains with sft"))
	}
	return cmd
}

// runTraining is the work of both.
func runTraining(app *App, cmd *cobra.Command, extra ...config.Source) error {
	if cmd.Flags().Changed("engine") {
		extra = append(extra, config.Flag("engine", "engine", app.Engine))
	}
	settings, err := config.FromFlags(cmd, extra...)
	if err != nil {
		return err
	}
	if err := train.Validate(settings); err != nil {
		return err
	}
	app.Engine = settings.Engine
	backend, err := app.Backend()
	if err != nil {
		return err
	}
	result, err := train.Run(cmd.Context(), settings, train.Options{Backend: backend, Log: app.Stderr})
	if err != nil {
		return err
	}
	if app.JSON {
		return app.PrintJSON(result)
	}
	fmt.Fprintf(app.Stdout, "%d steps in %.0f s; the model is in %s/final\n", result.Steps, result.Seconds, result.Out)
	return nil
}
