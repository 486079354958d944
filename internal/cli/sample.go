package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/metrics"
	"github.com/sparsepo/sparsepo/internal/sample"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/model"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// sampleWork is the work of "sample".
type sampleWork struct {
	model, data, out string
	texts, stop      []string
	options          sample.Options

	config    *model.Config
	tokenizer *tokenizer.Tokenizer // nil where the model folder has none
	template  data.Template        // of prompts in chat messages; nil where the model folder has none
}

// sampleRecord is one line of sample's output.
type sampleRecord struct {
	Prompt        any     `json:"prompt"`     // as it was given: text, or token ids
	Completion    any     `json:"completion"` // text; the ids where the model has no tokenizer
	CompletionIDs []int32 `json:"completion_ids"`
	LogProb       float64 `json:"logp"`     // of the completion and its end, nats, under the model's own distribution
	Finished      bool    `json:"finished"` // it ended by itself or at a stop string, before --max-new-tokens
}

// sampleResult is what "sample --out FILE --json" prints.
type sampleResult struct {
	Out             string  `json:"out"`
	Completions     int     `json:"completions"`
	Tokens          int     `json:"tokens"`
	Seconds         float64 `json:"seconds"`
	TokensPerSecond float64 `json:"tokens_per_second"`
}

// newSampleCommand draws responses.
func newSampleCommand(app *App) *cobra.Command {
	work := sampleWork{options: sample.Options{N: 1, Temperature: 1, TopP: 1, MaxNewTokens: 64}}
	cmd := &cobra.Command{
		Use:   "sample --model MODEL {--prompt TEXT | --data FILE}",
		Short: "Sample responses for prompts",
		Long: `Draw --n responses for every prompt: those of --prompt, which may be given several times, then those of the
records of --data, in any format that training reads: a field "prompt" of text, chat messages or token ids, or what stands before
a pair's responses or a conversation's last turn. Lists of ids need no tokenizer, and messages are written by the model's chat
template. A response depends on the seed, the place of its prompt and its own number alone, not on the other prompts.

One JSON object a response goes to --out, or else to standard output: "prompt", "completion", "completion_ids" (without the
end-of-sequence token), "logp" (log-probability of the response, its end included, in nats, at temperature 1 over the whole
vocabulary) and "finished". A response ends before the first of the strings of --stop in its text; "completion_ids" and
"logp" are then those of the tokens that the text left needs. On a terminal the texts are printed instead, unless --json is given.`,
		Example: `  sparsepo sample --model sft/final --prompt "The film was" --n 4 --temperature 0.7
  sparsepo sample --model run/final --data prompts.jsonl --top-p 0.95 --max-new-tokens 128 --out samples.jsonl
  sparsepo sample --model run/final --data HuggingFaceH4/ultrafeedback_binarized:test_prefs --out samples.jsonl
  sparsepo sample --model run/final --prompt "The film was" --temperature 0 --stop . --stop "!"`,
		RunE: func(cmd *cobra.Command, _ []string) error { return work.run(cmd.Context(), app) },
	}
	flags := cmd.Flags()
	flags.StringVar(&work.model, "model", "", "model or adapter folder, or hub id")
	flags.StringArrayVar(&work.texts, "prompt", nil, "text to go on with; may be given several times")
	flags.StringVar(&work.data, "data", "", "records with prompts: a file (.jsonl, .json, .parquet, the first two also .gz), a folder, a hub id, or - for JSON lines from standard input")
	addSamplingFlags(flags, &work.options, "responses for each prompt", "responses")
	flags.StringArrayVar(&work.stop, "stop", nil, "end responses before this text; may be given several times")
	flags.Uint64Var(&work.options.Seed, "seed", 42, "seed of the draws")
	flags.IntVar(&work.options.BatchRows, "batch", sample.DefaultBatchRows, "responses decoded at once")
	flags.StringVar(&work.out, "out", "", "file to write (.jsonl, .jsonl.gz; default: standard output)")
	requireFlags(cmd, "model")
	return cmd
}

func (w *sampleWork) run(ctx context.Context, app *App) error {
	if err := w.check(); err != nil {
		return err
	}
	checkpoint, err := source.Open(ctx, w.model, app.Stderr)
	if err != nil {
		return err
	}
	defer checkpoint.Close()
	w.config = checkpoint.Config
	if w.tokenizer, err = checkpoint.Tokenizer(); err != nil {
		return err
	}
	if w.template, err = checkpoint.Template(); err != nil {
		return err
	}
	if len(w.stop) > 0 && w.tokenizer == nil {
		return usage.Errorf("--stop: model %s has no tokenizer to look for text with; put tokenizer.json beside the weights", w.model)
	}
	list, err := w.prompts(ctx, app)
	if err != nil {
		return err
	}
	w.options.EOS = w.config.EOS
	if w.tokenizer != nil {
		w.options.Decode = w.tokenizer.DecodeAfter
		if eos, ok := w.tokenizer.EOS(); ok {
			w.options.EOS = eos
		}
	}
	sampler, err := newSampler(app, checkpoint, w.options)
	if err != nil {
		return err
	}
	defer sampler.Close()
	return w.draw(ctx, app, sampler, list)
}

// check refuses what needs no model to be seen.
func (w *sampleWork) check() error {
	switch {
	case len(w.texts) == 0 && w.data == "":
		return usage.Errorf("no prompts: give --prompt TEXT or --data FILE")
	case w.options.N < 1:
		return usage.Errorf("--n: found %d, expected a positive number of responses", w.options.N)
	case w.options.BatchRows < 1:
		return usage.Errorf("--batch: found %d, expected a positive number of rows", w.options.BatchRows)
	case slices.Contains(w.stop, ""):
		return usage.Errorf("--stop: found an empty text, which would end every response at once")
	}
	return w.options.Validate()
}

// draw samples and writes the result.
func (w *sampleWork) draw(ctx context.Context, app *App, sampler *sample.Sampler, list []samplePrompt) error {
	requests := make([]sample.Request, len(list))
	for i, p := range list {
		requests[i] = sample.Request{Prompt: p.ids, Stop: w.stop, Stream: i}
	}
	start := time.Now()
	display := metrics.NewProgress(app.Stderr, "sampling", 0, len(list)*w.options.N)
	drawn, err := sampler.Answer(ctx, requests, func(done, _ int) { display.Update(done, nil) })
	display.Finish()
	if err != nil {
		return err
	}
	result := sampleResult{Out: w.out, Seconds: time.Since(start).Seconds()}
	var records []sampleRecord
	for i, some := range drawn {
		for _, c := range some {
			records = append(records, w.newRecord(list[i], c))
			result.Tokens += len(c.IDs)
		}
	}
	result.Completions = len(records)
	result.TokensPerSecond = float64(result.Tokens) / result.Seconds
	if w.out == "" {
		return w.print(app, records)
	}
	if err := jsonl.Save(w.out, records); err != nil {
		return err
	}
	if app.JSON {
		return app.PrintJSON(result)
	}
	_, err = fmt.Fprintf(app.Stdout, "%s: %d responses, %d tokens in %.1f s (%.0f tokens/s)\n",
		result.Out, result.Completions, result.Tokens, result.Seconds, result.TokensPerSecond)
	return err
}

func (w *sampleWork) newRecord(p samplePrompt, c sample.Completion) sampleRecord {
	r := sampleRecord{Prompt: p.given, CompletionIDs: append([]int32{}, c.IDs...), LogProb: c.LogProb(), Finished: c.Finished || c.Stopped}
	r.Completion = r.CompletionIDs
	if w.tokenizer != nil {
		r.Completion = c.Text
	}
	return r
}

// print writes the responses on standard output: as texts on a terminal, else as JSON lines.
func (w *sampleWork) print(app *App, records []sampleRecord) error {
	file, ok := app.Stdout.(*os.File)
	if app.JSON || !ok || !term.IsTerminal(int(file.Fd())) {
		return jsonl.WriteAll(app.Stdout, records)
	}
	for i, r := range records {
		between := "\n"
		if i == len(records)-1 {
			between = ""
		}
		if _, err := fmt.Fprintf(app.Stdout, "%v%v\n%s", r.Prompt, r.Completion, between); err != nil {
			return err
		}
	}
	return nil
}
