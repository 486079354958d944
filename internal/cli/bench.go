package cli

import (
	"context"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/internal/bench"
	"github.com/sparsepo/sparsepo/internal/prompts"
	"github.com/sparsepo/sparsepo/loss"
)

// newBenchCommand measures speed and memory.
func newBenchCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the speed and memory of training and sampling",
		Long: `Measure the speed and memory of training and sampling with random weights, GPT-2 family, float32, on the engine in use.
Steps that warm up or build graphs are not counted.`,
		Example: `  sparsepo bench pairs --vocab 8192 --prompt 8:32 --response 16:96 --out random.jsonl
  sparsepo bench train --pairs random.jsonl --json
  sparsepo bench sample --batch 32 --prompt 16 --new 64`,
	}
	cmd.AddCommand(newBenchTrainCommand(app), newBenchSampleCommand(app), newBenchPairsCommand(app))
	return cmd
}

// measuredOn says which engine a measurement was made on.
type measuredOn struct {
	Engine  string `json:"engine"`
	Version string `json:"engine_version,omitempty"`
}

func onEngine(e *engine.Engine) measuredOn {
	return measuredOn{Engine: string(e.Kind()), Version: e.Version()}
}

func (m measuredOn) String() string {
	if m.Version == "" {
		return m.Engine
	}
	return m.Engine + " " + m.Version
}

// addShapeFlags adds the flags of a model's size.
func addShapeFlags(flags *pflag.FlagSet, s *bench.Shape) {
	flags.IntVar(&s.Layers, "layers", 6, "transformer layers")
	flags.IntVar(&s.Dim, "dim", 512, "width of the residual stream")
	flags.IntVar(&s.Heads, "heads", 8, "attention heads; must divide --dim")
	flags.IntVar(&s.Vocab, "vocab", 8192, "entries of the vocabulary")
	flags.IntVar(&s.Context, "ctx", 1024, "positions of the model")
}

func newBenchTrainCommand(app *App) *cobra.Command {
	work := bench.TrainOptions{}
	var dtype string
	cmd := &cobra.Command{
		Use:   "train --pairs FILE",
		Short: "Measure optimiser steps on given pairs",
		Long: `Measure optimiser steps on preference records of token ids, taken in file order: forward passes of policy and reference,
loss, backward pass, clipping and AdamW. tokens_per_s counts the prompt and response tokens of both sides, padding never.

useful_gflops counts the floating-point operations of the matrix products that the steps needed: prompts once, no padding, no
positions that do not see one another, logits of response tokens only. product_gflops is the engine's speed in a plain product.

Not counted are the first two steps and, for each shape of batch, two steps more; the first of those builds its graph.

With --precompute-ref-log-probs the reference's passes are not among the steps. reference_s is the time that they took before
the first step, for all reference_pairs different pairs of the batches; in a training each epoch after the first, and each
further run, has them for nothing.`,
		Example: `  sparsepo bench train --layers 6 --dim 512 --heads 8 --vocab 8192 --pairs random.jsonl --method sparse-independent --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			types := map[string]dtypes.DType{"float32": dtypes.Float32, "bfloat16": dtypes.BFloat16}
			var known bool
			if work.DType, known = types[dtype]; !known {
				return unknownChoice("dtype", dtype, []string{"float32", "bfloat16"})
			}
			return benchTrain(cmd.Context(), app, work)
		},
	}
	addShapeFlags(cmd.Flags(), &work.Shape)
	cmd.Flags().StringVar(&work.Pairs, "pairs", "", "records of token ids (see sparsepo bench pairs)")
	cmd.Flags().StringVar(&work.Method, "method", "sparse-independent", fmt.Sprintf("objective, one of %v", loss.Names()))
	cmd.Flags().IntVar(&work.Batch, "batch", 8, "pairs a step")
	cmd.Flags().IntVar(&work.Steps, "steps", 8, "counted steps")
	cmd.Flags().StringVar(&work.Config, "model-config", "", "config.json of a model whose shape counts instead, but for --layers")
	cmd.Flags().IntVar(&work.Rank, "lora-r", 0, "train LoRA adapters of this rank on every linear layer (0: all weights)")
	cmd.Flags().BoolVar(&work.FourBit, "load-in-4bit", false, "keep the adapters' base in four bits")
	cmd.Flags().BoolVar(&work.Recompute, "gradient-checkpointing", false, "compute activations again for the gradients")
	cmd.Flags().BoolVar(&work.Precompute, "precompute-ref-log-probs", false, "compute what the objective needs of the reference before the first step")
	cmd.Flags().StringVar(&dtype, "dtype", "float32", "type of the passes and of frozen weights: float32 or bfloat16")
	requireFlags(cmd, "pairs")
	return cmd
}

func benchTrain(ctx context.Context, app *App, o bench.TrainOptions) error {
	opened, err := app.OpenEngine()
	if err != nil {
		return err
	}
	r, err := bench.Train(ctx, opened.Backend(), o)
	if err != nil {
		return err
	}
	on := onEngine(opened)
	if app.JSON {
		return app.PrintJSON(struct {
			measuredOn
			*bench.TrainResult
		}{on, r})
	}
	_, err = fmt.Fprintf(app.Stdout, "%s, %s, %.2f M parameters: %.3f s a step, %.1f tokens/s, %d MiB at most (first step %.1f s, %d graphs, %.0f %% padding)\n",
		on, r.Method, float64(r.Params)/1e6, r.MedianStep, r.TokensPerSec, r.PeakRSS, r.FirstStep, r.Graphs, 100*r.Padding)
	if err == nil {
		_, err = fmt.Fprintf(app.Stdout, "needed work: %.1f GFLOP/s, %.0f %% of the %.1f GFLOP/s of a plain product of matrices\n",
			r.Useful, 100*r.Useful/r.Product, r.Product)
	}
	if err == nil && r.ReferencePairs > 0 {
		_, err = fmt.Fprintf(app.Stdout, "before the first step: the reference's values of %d pairs in %.1f s, %.1f MB\n",
			r.ReferencePairs, r.ReferenceTime, float64(r.ReferenceBytes)/1e6)
	}
	return err
}

func newBenchSampleCommand(app *App) *cobra.Command {
	work := bench.SampleOptions{}
	cmd := &cobra.Command{
		Use:     "sample",
		Short:   "Measure sampling",
		Long:    `Measure sampling at temperature 1 for a batch of random prompts of one length, from the prompt to the last token.`,
		Example: `  sparsepo bench sample --layers 6 --dim 256 --heads 4 --vocab 8192 --batch 32 --prompt 16 --new 64 --json`,
		RunE:    func(cmd *cobra.Command, _ []string) error { return benchSample(cmd.Context(), app, work) },
	}
	addShapeFlags(cmd.Flags(), &work.Shape)
	cmd.Flags().IntVar(&work.Batch, "batch", 32, "prompts decoded at once")
	cmd.Flags().IntVar(&work.Prompt, "prompt", 16, "tokens of each prompt")
	cmd.Flags().IntVar(&work.New, "new", 64, "tokens sampled for each prompt")
	cmd.Flags().IntVar(&work.Steps, "steps", 8, "counted batches")
	return cmd
}

func benchSample(ctx context.Context, app *App, o bench.SampleOptions) error {
	opened, err := app.OpenEngine()
	if err != nil {
		return err
	}
	r, err := bench.Sample(ctx, opened.Backend(), o)
	if err != nil {
		return err
	}
	on := onEngine(opened)
	if app.JSON {
		return app.PrintJSON(struct {
			measuredOn
			*bench.SampleResult
		}{on, r})
	}
	_, err = fmt.Fprintf(app.Stdout, "%s, %.2f M parameters: %.1f new tokens/s, %d MiB at most (first batch %.1f s)\n",
		on, float64(r.Params)/1e6, r.NewTokensPerSec, r.PeakRSS, r.FirstBatch)
	return err
}

// benchPairs is the work of "bench pairs".
type benchPairs struct {
	prompt, response, out string
	options               bench.PairsOptions
}

func newBenchPairsCommand(app *App) *cobra.Command {
	work := benchPairs{}
	cmd := &cobra.Command{
		Use:     "pairs --out FILE",
		Short:   "Make random preference records of token ids",
		Long:    `Make preference records of random token ids, with lengths drawn evenly from the given ranges, to measure training on.`,
		Example: `  sparsepo bench pairs --count 512 --vocab 8192 --prompt 8:32 --response 16:96 --seed 1 --out random.jsonl`,
		RunE:    func(*cobra.Command, []string) error { return work.run(app) },
	}
	flags := cmd.Flags()
	flags.IntVar(&work.options.Count, "count", 512, "records")
	flags.IntVar(&work.options.Vocab, "vocab", 8192, "entries of the vocabulary; ids are drawn from 2 on")
	flags.StringVar(&work.prompt, "prompt", "8:32", "tokens of a prompt")
	flags.StringVar(&work.response, "response", "16:96", "tokens of a response")
	flags.Uint64Var(&work.options.Seed, "seed", 1, "seed of lengths and ids")
	flags.StringVar(&work.out, "out", "", "file to write (.jsonl, .jsonl.gz)")
	requireFlags(cmd, "out")
	return cmd
}

func (w *benchPairs) run(app *App) error {
	for _, length := range []struct {
		flag, text string
		into       *bench.Range
	}{{"--prompt", w.prompt, &w.options.Prompt}, {"--response", w.response, &w.options.Response}} {
		r, err := prompts.ParsePrefix(length.flag, prompts.Tokens, length.text)
		if err != nil {
			return err
		}
		*length.into = bench.Range{Min: r.Min, Max: r.Max}
	}
	if err := bench.WritePairs(w.out, w.options); err != nil {
		return err
	}
	if app.JSON {
		return app.PrintJSON(map[string]any{"out": w.out, "records": w.options.Count})
	}
	_, err := fmt.Fprintf(app.Stdout, "%s: %d records\n", w.out, w.options.Count)
	return err
}
