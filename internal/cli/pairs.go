package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/pairs"
	"github.com/sparsepo/sparsepo/internal/prompts"
	"github.com/sparsepo/sparsepo/internal/sample"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/reward"
)

// pairsWork is the work of "pairs".
type pairsWork struct {
	prompts      promptFlags
	model        string
	reward       rewardFlags
	out, evalOut string
	evalShare    float64
	minMargin    float64
	sampling     sample.Options
}

// pairsResult is what "pairs --json" prints.
type pairsResult struct {
	Out       string  `json:"out"`
	Pairs     int     `json:"pairs"` // in Out
	EvalOut   string  `json:"eval_out,omitempty"`
	EvalPairs int     `json:"eval_pairs,omitempty"`
	Seconds   float64 `json:"seconds"`
	*pairs.Report
}

// newPairsCommand builds preference data.
func newPairsCommand(app *App) *cobra.Command {
	work := pairsWork{sampling: sample.Options{N: 2, Temperature: 1, TopP: 1, MaxNewTokens: 64}}
	cmd := &cobra.Command{
		Use:   "pairs --model MODEL --reward MODEL --data FILE --out FILE",
		Short: "Build preference data by sampling and scoring completions",
		Long: `Sample completions of prompts, score each with a reward model (prompt and completion joined as they are), and write a
preference record for each prompt: the best completion as chosen, the worst one as rejected. Completions without text are
left out; a prompt without two completions of different reward, or with a margin below --min-margin, gives no record.

The records hold token ids, so that training sees what was sampled: a completion that ended by itself has the
end-of-sequence token as its last id, one that was cut at --max-new-tokens has not. The texts stand beside them as
prompt_text, chosen_text and rejected_text, the rewards as chosen_score and rejected_score.

Prompts are the field "prompt" of records, or with --text-field the beginnings of texts (see sparsepo prompts).
With --eval-share, about that share of the prompts goes to a second file for evaluation.

Programs are judged by their tests instead: see sparsepo pairs code.`,
		Example: `  sparsepo pairs --model sft/final --reward reward --data prompts.jsonl --out pairs.jsonl
  sparsepo pairs --model sft/final --reward reward --data train.jsonl.gz --text-field text --prefix-tokens 5:8 \
    --max-new-tokens 64 --eval-share 0.05 --out pairs.jsonl`,
		RunE: func(cmd *cobra.Command, _ []string) error { return work.run(cmd.Context(), app) },
	}
	flags := cmd.Flags()
	flags.StringVar(&work.model, "model", "", "model to sample from: a model or adapter folder, or hub id")
	work.reward.add(flags)
	work.prompts.add(flags)
	flags.StringVar(&work.out, "out", "", "file to write (.jsonl, .jsonl.gz)")
	addSamplingFlags(flags, &work.sampling, "completions for each prompt", "completions")
	flags.Float64Var(&work.minMargin, "min-margin", 0, "leave out pairs whose rewards differ by less")
	flags.Float64Var(&work.evalShare, "eval-share", 0, "share of the prompts to take aside for evaluation")
	flags.StringVar(&work.evalOut, "eval-out", "", "file for them (default: -eval before the ending of --out)")
	requireFlags(cmd, "model", "reward", "data", "out")
	cmd.AddCommand(newPairsCodeCommand(app))
	return cmd
}

func (w *pairsWork) run(ctx context.Context, app *App) error {
	if err := w.check(); err != nil {
		return err
	}
	options, err := w.prompts.options()
	if err != nil {
		return err
	}
	scorer, err := w.reward.open(ctx, app)
	if err != nil {
		return err
	}
	defer reward.Close(scorer)
	checkpoint, err := source.Open(ctx, w.model, app.Stderr)
	if err != nil {
		return err
	}
	defer checkpoint.Close()
	maker := &pairs.Maker{Scorer: scorer, EOS: -1, MinMargin: w.minMargin}
	list, err := w.readPrompts(ctx, app, checkpoint, options, maker)
	if err != nil {
		return err
	}
	w.sampling.Seed, w.sampling.EOS = w.prompts.seed, maker.EOS
	sampler, err := newSampler(app, checkpoint, w.sampling)
	if err != nil {
		return err
	}
	defer sampler.Close()
	maker.Sampler = sampler
	start := time.Now()
	progress := newStages(app.Stderr, len(list)*w.sampling.N, "scoring")
	maker.Scoring = progress.judged
	records, report, err := maker.Make(ctx, list, progress.sampled)
	progress.finish()
	if err != nil {
		return err
	}
	result := pairsResult{Out: w.out, Seconds: time.Since(start).Seconds(), Report: report}
	if err := w.write(records, &result); err != nil {
		return err
	}
	return result.print(app)
}

// check refuses what would only fail after the sampling.
func (w *pairsWork) check() error {
	switch {
	case w.sampling.N < 2:
		return usage.Errorf("--n: found %d; a pair needs at least 2 completions", w.sampling.N)
	case w.minMargin < 0:
		return usage.Errorf("--min-margin: found %g, expected 0 or more", w.minMargin)
	case w.evalShare < 0 || w.evalShare >= 1:
		return usage.Errorf("--eval-share: found %g, expected a share from 0 to below 1", w.evalShare)
	case w.evalOut != "" && w.evalShare == 0:
		return usage.Errorf("--eval-out: say how much goes there with --eval-share")
	}
	if err := w.sampling.Validate(); err != nil {
		return err
	}
	if err := pairs.CheckPath(w.out); err != nil {
		return usage.Errorf("--out: %w", err)
	}
	if w.evalShare == 0 {
		return nil
	}
	if w.evalOut == "" {
		folder, name := filepath.Split(w.out)
		stem, ending, _ := strings.Cut(name, ".")
		w.evalOut = folder + stem + "-eval." + ending
	}
	if err := pairs.CheckPath(w.evalOut); err != nil {
		return usage.Errorf("--eval-out: %w", err)
	}
	return nil
}

// readPrompts reads the prompts with the model's tokenizer, which it gives to the maker, and checks that the model has room
// for them.
func (w *pairsWork) readPrompts(ctx context.Context, app *App, checkpoint *source.Model, options prompts.Options, maker *pairs.Maker) ([]prompts.Prompt, error) {
	t, err := tokenizerOf(checkpoint, w.model)
	if err != nil {
		return nil, err
	}
	if eos, ok := t.EOS(); ok {
		maker.EOS = eos
	}
	maker.Decoder = t
	if options.Template, err = checkpoint.Template(); err != nil {
		return nil, err
	}
	list, report, err := w.prompts.read(ctx, app, t, options)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(app.Stderr, "%s: %s\n", w.prompts.data, report)
	for _, p := range list {
		if need := len(p.IDs) + w.sampling.MaxNewTokens; need > checkpoint.Config.MaxPositions {
			return nil, usage.Errorf("%s: the prompt has %d tokens, which with %d new ones exceeds the model's %d positions; lower --max-new-tokens or leave the prompt out",
				p.Source, len(p.IDs), w.sampling.MaxNewTokens, checkpoint.Config.MaxPositions)
		}
	}
	return list, nil
}

func (w *pairsWork) write(records []data.SampledRecord, result *pairsResult) error {
	kept, aside := pairs.Split(records, w.evalShare, w.prompts.seed)
	result.Pairs = len(kept)
	if len(kept) == 0 {
		return fmt.Errorf("no pairs for %s:\n%s", w.out, result.Report)
	}
	if w.evalOut != "" {
		if len(aside) == 0 {
			return fmt.Errorf("no pairs for %s among %d; raise --eval-share or give more prompts", w.evalOut, len(records))
		}
		result.EvalOut, result.EvalPairs = w.evalOut, len(aside)
		if err := pairs.Write(w.evalOut, aside); err != nil {
			return err
		}
	}
	return pairs.Write(w.out, kept)
}

func (r *pairsResult) print(app *App) error {
	if app.JSON {
		return app.PrintJSON(r)
	}
	fmt.Fprintf(app.Stdout, "%s\n%d pairs in %s", r.Report, r.Pairs, r.Out)
	if r.EvalOut != "" {
		fmt.Fprintf(app.Stdout, ", %d in %s", r.EvalPairs, r.EvalOut)
	}
	_, err := fmt.Fprintf(app.Stdout, "; %.0f s\n", r.Seconds)
	return err
}
