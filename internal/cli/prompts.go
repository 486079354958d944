package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/prompts"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// promptFlags are the flags that say which prompts are made of a data file.
type promptFlags struct {
	data, textField           string
	prefixTokens, prefixWords string
	limit                     int
	seed                      uint64
}

func (f *promptFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.data, "data", "", "records to take prompts from: a file (.jsonl, .jsonl.gz) or a hub id")
	flags.StringVar(&f.textField, "text-field", "", `field of running text that prompts are the beginnings of (default: the field "prompt", whole)`)
	flags.StringVar(&f.prefixTokens, "prefix-tokens", "", "with --text-field, tokens of the beginning, such as 5:8: drawn anew for each record")
	flags.StringVar(&f.prefixWords, "prefix-words", "", "with --text-field, words of the beginning, such as 5:8")
	flags.IntVar(&f.limit, "limit", 0, "prompts wanted, taken at random from the records (0: all, in file order)")
	flags.Uint64Var(&f.seed, "seed", 42, "seed of everything drawn at random")
}

// options checks the flags against each other.
func (f *promptFlags) options() (prompts.Options, error) {
	o := prompts.Options{TextField: f.textField, Limit: f.limit, Seed: f.seed}
	var err error
	switch {
	case f.limit < 0:
		return o, usage.Errorf("--limit: found %d, expected 0 or more", f.limit)
	case f.prefixTokens != "" && f.prefixWords != "":
		return o, usage.Errorf("--prefix-tokens and --prefix-words: give one of them")
	case f.textField == "" && f.prefixTokens+f.prefixWords != "":
		return o, usage.Errorf("--prefix-tokens and --prefix-words shorten running text; name its field with --text-field")
	case f.textField != "" && f.prefixTokens+f.prefixWords == "":
		return o, usage.Errorf("--text-field: say how much of each text is the prompt, with --prefix-tokens or --prefix-words")
	case f.prefixTokens != "":
		o.Prefix, err = prompts.ParsePrefix("--prefix-tokens", prompts.Tokens, f.prefixTokens)
	case f.prefixWords != "":
		o.Prefix, err = prompts.ParsePrefix("--prefix-words", prompts.Words, f.prefixWords)
	}
	return o, err
}

// read makes the prompts.
func (f *promptFlags) read(ctx context.Context, app *App, t *tokenizer.Tokenizer, o prompts.Options) ([]prompts.Prompt, *prompts.Report, error) {
	files, err := source.Files(ctx, f.data, app.Stderr)
	if err != nil {
		return nil, nil, err
	}
	return prompts.ReadFiles(f.data, files, t, o)
}

// promptRecord is one line of a file of prompts.
type promptRecord struct {
	Prompt string `json:"prompt"`
}

// newPromptsCommand makes a file of prompts.
func newPromptsCommand(app *App) *cobra.Command {
	work := promptFlags{}
	var model, out string
	cmd := &cobra.Command{
		Use:   "prompts --model MODEL --data FILE --out FILE",
		Short: "Make prompts of the beginnings of texts",
		Long: `Write a file of distinct prompts, one record with the field "prompt" a line, made of the beginnings of texts: so many
tokens of the model's tokenizer, or words, drawn for each text. HTML line breaks in a text become spaces.

Without --text-field the prompts are those of the records, in any format that training reads (docs/data.md); chat messages are
written by the model's chat template.

A text is skipped, and counted, when it is too short, when its beginning is not the same tokens on its own as in the text,
or when its prompt is there already. The same file, tokenizer and flags give the same prompts.`,
		Example: `  sparsepo prompts --model sft/final --data test.jsonl.gz --text-field text --prefix-tokens 5:8 --limit 512 --out prompts.jsonl`,
		RunE:    func(cmd *cobra.Command, _ []string) error { return work.write(cmd.Context(), app, model, out) },
	}
	cmd.Flags().StringVar(&model, "model", "", "folder of the tokenizer, or folder or hub id of the model it belongs to")
	work.add(cmd.Flags())
	cmd.Flags().StringVar(&out, "out", "", "file to write (.jsonl)")
	requireFlags(cmd, "model", "data", "out")
	return cmd
}

func (f *promptFlags) write(ctx context.Context, app *App, model, out string) error {
	options, err := f.options()
	if err != nil {
		return err
	}
	options.Distinct = true
	folder, err := source.TokenizerFolder(ctx, model, app.Stderr)
	if err != nil {
		return err
	}
	t, err := tokenizer.Load(folder)
	if err != nil {
		return err
	}
	if options.Template, err = source.Template(folder); err != nil {
		return err
	}
	list, report, err := f.read(ctx, app, t, options)
	if err != nil {
		return err
	}
	records := make([]promptRecord, len(list))
	for i, p := range list {
		records[i].Prompt = p.Text
	}
	if err := jsonl.Save(out, records); err != nil {
		return err
	}
	if app.JSON {
		return app.PrintJSON(struct {
			Out string `json:"out"`
			*prompts.Report
		}{out, report})
	}
	_, err = fmt.Fprintf(app.Stdout, "%s: %s\n", out, report)
	return err
}
