package cli

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/internal/config"
	"github.com/sparsepo/sparsepo/internal/frontier"
	"github.com/sparsepo/sparsepo/internal/report"
	"github.com/sparsepo/sparsepo/internal/sweep"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// newSweepCommand trains a grid of runs.
func newSweepCommand(app *App) *cobra.Command {
	var methods, betas []string
	var grid []string
	var out string
	cmd := &cobra.Command{
		Use:   "sweep --methods M,M --betas B,B --model MODEL --data DATA --out FOLDER",
		Short: "Train a grid of methods and settings and measure their frontier",
		Long: `Train one run for every combination of methods, β and other settings, one after the other, then write the frontier of reward
against KL (frontier.json) and a report page (report.html). Runs measure the frontier while they train where frontier.every,
frontier.prompts and frontier.reward are set.

The same command continues an interrupted sweep: finished runs are left as they are. A setting given to all runs may go
unread by some of the methods.`,
		Example: `  sparsepo sweep --methods dpo,tdpo2,mapo,sparse-common,sparse-independent --betas 0.1,1 --model sft/final \
      --data pairs.jsonl --out sweep --set frontier.every=100 --set frontier.prompts=prompts.jsonl --set frontier.reward=reward
  sparsepo sweep --methods sparse-common --grid mask.weight_decay=0,0.01,0.1,1 --config base.yaml --out decay`,
	}
	config.Flags(cmd, "engine", "method", "beta", "out")
	flags := cmd.Flags()
	flags.StringSliceVar(&methods, "methods", nil, "methods, separated by commas")
	flags.StringSliceVar(&betas, "betas", nil, "values of beta, separated by commas")
	flags.StringArrayVar(&grid, "grid", nil, "another setting and its values as KEY=V,V; may be repeated")
	flags.StringVar(&out, "out", "", "folder of the sweep")
	if err := flags.MarkHidden("resume"); err != nil {
		panic(err)
	}
	requireFlags(cmd, "methods", "out")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		axes := []sweep.Axis{{Key: "method", Values: methods}}
		if len(betas) > 0 {
			axes = append(axes, sweep.Axis{Key: "beta", Values: betas})
		}
		for _, text := range grid {
			axis, err := sweep.ParseAxis(text)
			if err != nil {
				return err
			}
			axes = append(axes, axis)
		}
		return runSweep(app, cmd, axes, out)
	}
	return cmd
}

func runSweep(app *App, cmd *cobra.Command, axes []sweep.Axis, out string) error {
	if resume, err := cmd.Flags().GetBool("resume"); err != nil || resume {
		return usage.Errorf("--resume: a sweep always continues; run the same command again")
	}
	shared, err := config.Sources(cmd)
	if err != nil {
		return err
	}
	backend, err := app.Backend()
	if err != nil {
		return err
	}
	folders, err := sweep.Run(cmd.Context(), sweep.Options{Axes: axes, Shared: shared, Out: out, Backend: backend, Log: app.Stderr})
	if err != nil {
		return err
	}
	result, err := measureFrontier(folders, frontier.Options{Bootstrap: frontier.DefaultBootstrap()})
	if err != nil {
		return err
	}
	if err := sweep.WriteFrontier(result, out); err != nil {
		return err
	}
	page := filepath.Join(out, "report.html")
	if err := report.Write(page, folders, nil); err != nil {
		return err
	}
	if app.JSON {
		return app.PrintJSON(result)
	}
	if len(result.Points) == 0 {
		fmt.Fprintln(app.Stderr, "the frontier was not measured; set frontier.every, frontier.prompts and frontier.reward")
	} else if err := printFrontier(app, result); err != nil {
		return err
	}
	fmt.Fprintf(app.Stdout, "report: %s\n", page)
	return nil
}
