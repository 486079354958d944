package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/metrics"
	"github.com/sparsepo/sparsepo/internal/prompts"
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
}

// samplePrompt is a prompt as it was given, and its tokens.
type samplePrompt struct {
	source string
	given  any // text, or ids
	ids    []int32
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
		Long: `Draw --n responses for every prompt: those of --prompt, which may be given several times, then the field "prompt" of the
records of --data, each a string or a list of token ids. Lists need no tokenizer. A response depends on the seed, the
place of its prompt and its own number alone, not on the other prompts.

One JSON object a response goes to --out, or else to standard output: "prompt", "completion", "completion_ids" (without the
end-of-sequence token), "logp" (log-probability of the response, its end included, in nats, at temperature 1 over the whole
vocabulary) and "finished". A response ends before the first of the strings of --stop in its text; "completion_ids" and
"logp" are then those of the tokens that the text left needs. On a terminal the texts are printed instead, unless --json is given.`,
		Example: `  sparsepo sample --model sft/final --prompt "The film was" --n 4 --temperature 0.7
  sparsepo sample --model run/final --data prompts.jsonl --top-p 0.95 --max-new-tokens 128 --out samples.jsonl
  sparsepo sample --model run/final --prompt "The film was" --temperature 0 --stop . --stop "!"`,
		RunE: func(cmd *cobra.Command, _ []string) error { return work.run(cmd.Context(), app) },
	}
	flags := cmd.Flags()
	flags.StringVar(&work.model, "model", "", "model or adapter folder, or hub id")
	flags.StringArrayVar(&work.texts, "prompt", nil, "text to go on with; may be given several times")
	flags.StringVar(&work.data, "data", "", "records with the field prompt: a file (.jsonl, .jsonl.gz), a hub id, or - for standard input")
	addSamplingFlags(flags, &work.options, "responses for each prompt", "responses")
	flags.StringArrayVar(&work.stop, "stop", nil, "end responses before this text; may be given several times")
	flags.Uint64Var(&work.options.Seed, "seed", 42, "seed of the draws")
	flags.IntVar(&work.options.BatchRows, "batch", sample.DefaultBatchRows, "responses decoded at once")
	flags.StringVar(&work.out, "out", "", "file to write (.jsonl; default: standard output)")
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
	if len(w.stop) > 0 && w.tokenizer == nil {
		return usage.Errorf("--stop: model %s has no tokenizer to look for text with; put tokenizer.json beside the weights", w.model)
	}
	list, err := w.prompts(ctx, app)
	if err != nil {
		return err
	}
	backend, err := app.Backend()
	if err != nil {
		return err
	}
	store := gomodel.NewStore()
	network, err := checkpoint.Bind(backend, store, "/policy", model.Binding{})
	if err != nil {
		return err
	}
	w.options.EOS = w.config.EOS
	if w.tokenizer != nil {
		w.options.Decode = w.tokenizer.Decode
		if eos, ok := w.tokenizer.EOS(); ok {
			w.options.EOS = eos
		}
	}
	sampler, err := sample.New(backend, store, network, w.options)
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

// prompts are those of the flags, then those of the files.
func (w *sampleWork) prompts(ctx context.Context, app *App) ([]samplePrompt, error) {
	var list []samplePrompt
	for i, text := range w.texts {
		p, err := w.prompt(fmt.Sprintf("--prompt %d of %d", i+1, len(w.texts)), text)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	switch w.data {
	case "":
		return list, nil
	case "-":
		more, err := w.records(app.Stdin, "standard input")
		return append(list, more...), err
	}
	files, err := source.Files(ctx, w.data, app.Stderr)
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		input, err := jsonl.Open(path)
		if err != nil {
			return nil, err
		}
		more, err := w.records(input, path)
		input.Close()
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}

// records reads the prompts of a file's records.
func (w *sampleWork) records(input io.Reader, name string) ([]samplePrompt, error) {
	var list []samplePrompt
	err := jsonl.Each(input, name, func(o jsonl.Object, line int) error {
		p, err := w.record(o)
		p.source = fmt.Sprintf("%s:%d", name, line)
		list = append(list, p)
		return err
	})
	if err == nil && len(list) == 0 {
		err = usage.Errorf("%s: no records; every line needs an object with the field %q", name, prompts.Field)
	}
	return list, err
}

// record reads the prompt of a record; the caller names its place in errors.
func (w *sampleWork) record(o jsonl.Object) (samplePrompt, error) {
	var text string
	if o.Decode(prompts.Field, &text, "") == nil {
		return w.prompt("", text)
	}
	var ids []int32
	if err := o.Decode(prompts.Field, &ids, "a string or a list of token ids"); err != nil {
		return samplePrompt{}, usage.Wrap(err)
	}
	p := samplePrompt{given: ids, ids: ids}
	return p, w.fits(p)
}

// prompt makes a prompt of text. A text without tokens begins with the token that begins texts, or ends them.
func (w *sampleWork) prompt(source, text string) (samplePrompt, error) {
	p := samplePrompt{source: source, given: text}
	if w.tokenizer == nil {
		return p, p.wrong("model %s has no tokenizer for a prompt in text; put tokenizer.json beside the weights, or give lists of token ids with --data", w.model)
	}
	p.ids = prompts.Begin(w.tokenizer, text)
	for _, first := range []func() (int32, bool){w.tokenizer.BOS, w.tokenizer.EOS} {
		if id, ok := first(); ok && len(p.ids) == 0 {
			p.ids = []int32{id}
		}
	}
	return p, w.fits(p)
}

// fits refuses a prompt that the model has no room for or no embedding of.
func (w *sampleWork) fits(p samplePrompt) error {
	if len(p.ids) == 0 {
		return p.wrong("the prompt has no tokens, and the tokenizer none that begins or ends a text; give a longer prompt")
	}
	if need := len(p.ids) + w.options.MaxNewTokens; need > w.config.MaxPositions {
		return p.wrong("the prompt has %d tokens, which with %d new ones exceeds the model's %d positions; lower --max-new-tokens or shorten the prompt",
			len(p.ids), w.options.MaxNewTokens, w.config.MaxPositions)
	}
	for _, id := range p.ids {
		if id < 0 || int(id) >= w.config.Vocab {
			return p.wrong("token id %d is outside the model's vocabulary of %d", id, w.config.Vocab)
		}
	}
	return nil
}

// wrong is an error about the prompt, with its source where that is known.
func (p samplePrompt) wrong(format string, args ...any) error {
	if p.source == "" {
		return usage.Errorf(format, args...)
	}
	return usage.Errorf("%s: %w", p.source, fmt.Errorf(format, args...))
}

// draw samples and writes the result.
func (w *sampleWork) draw(ctx context.Context, app *App, sampler *sample.Sampler, list []samplePrompt) error {
	requests := make([]sample.Request, len(list))
	for i, p := range list {
		requests[i] = sample.Request{Prompt: p.ids, Stop: w.stop}
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
	if err := atomicfile.Write(w.out, func(out io.Writer) error { return writeLines(out, records) }); err != nil {
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
		return writeLines(app.Stdout, records)
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

func writeLines[T any](out io.Writer, records []T) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for _, r := range records {
		if err := encoder.Encode(r); err != nil {
			return err
		}
	}
	return nil
}
