package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/prompts"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// samplePrompt is a prompt as it was given, and its tokens.
type samplePrompt struct {
	source string
	given  any // text, or ids
	ids    []int32
}

// prompts are those of the flags, then those of the records.
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
		reader, err := data.NewReader(app.Stdin, "standard input", data.Preference)
		if err != nil {
			return nil, err
		}
		more, err := w.records(app, reader, "standard input")
		return append(list, more...), err
	}
	files, err := source.Files(ctx, w.data, app.Stderr)
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		reader, err := data.Open(path, data.Preference)
		if err != nil {
			return nil, err
		}
		more, err := w.records(app, reader, path)
		reader.Close()
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}

// records reads the prompts of a file's records. Those that training passes over are told of.
func (w *sampleWork) records(app *App, reader *data.Reader, name string) ([]samplePrompt, error) {
	var list []samplePrompt
	odd := 0
	for given, err := range reader.Prompts(w.template) {
		var bad *data.BadRecord
		if errors.As(err, &bad) && bad.Known() {
			odd++
			continue
		}
		if err != nil {
			return nil, err
		}
		p, err := w.record(given)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	if odd > 0 {
		fmt.Fprintf(app.Stderr, "%s: %d records without a prompt, which training passes over\n", name, odd)
	}
	return list, nil
}

// record makes a prompt of a record's.
func (w *sampleWork) record(given data.Prompt) (samplePrompt, error) {
	if given.IDs == nil {
		return w.prompt(given.Source, given.Text)
	}
	p := samplePrompt{source: given.Source, given: given.IDs, ids: given.IDs}
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
