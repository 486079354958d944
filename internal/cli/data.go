package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// newDataCommand holds the commands about data sets.
func newDataCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "data",
		Short:   "Look at data sets",
		Long:    "Look at data sets before training on them.",
		Example: "  sparsepo data check --model gpt2 pairs.jsonl",
	}
	cmd.AddCommand(newDataCheckCommand(app))
	return cmd
}

// checkWork is a check of data sets.
type checkWork struct {
	model, task string
	options     data.CheckOptions
}

func newDataCheckCommand(app *App) *cobra.Command {
	work := &checkWork{}
	cmd := &cobra.Command{
		Use:   "check [--model MODEL] DATA...",
		Short: "Count, measure and show what training would make of data sets",
		Long: `Read data sets as training does and report, for each: records by format, those dropped and why, lengths, prompts and responses
cut, tokens that would straddle the border of prompt and response, duplicates, pairs that contradict each other, and examples
with every token that is learned in brackets.

A data set is a file (.jsonl, .json, either with .gz, .parquet), a folder, FOLDER:SPLIT, a pattern or a hub id; [:90%] after
it takes a share of its prompts, and commas join several (docs/data.md). Without --model there is no tokenizer: lengths are
bytes. Records that cannot be used are counted here, while training stops at most of them unless on_bad_record is skip.`,
		Example: `  sparsepo data check pairs.jsonl
  sparsepo data check --model gpt2 --max-length 512 hh/harmless-base.train.jsonl.gz hh/helpful-base.train.jsonl.gz
  sparsepo data check --model gpt2 --rated-pairs all --max-response-words 100 --json tldr.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return seeHelp(cmd, usage.Errorf("%s: no data set; give a file, a folder or a hub id", cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return work.run(cmd.Context(), app, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&work.model, "model", "", "folder of the tokenizer, or folder or hub id of the model it belongs to")
	flags.StringVar(&work.task, "task", "auto", "what the records are for: preference, sft, or auto to see by the first ones")
	flags.IntVar(&work.options.Limits.MaxLength, "max-length", 0, "longest prompt and response together; 0 for no limit")
	flags.IntVar(&work.options.Limits.MaxPromptLength, "max-prompt-length", 0, "longest prompt; 0 for no limit")
	flags.StringVar((*string)(&work.options.Limits.TruncationMode), "truncation-mode", string(data.KeepEnd), "which end of a too long prompt stays: keep_end or keep_start")
	flags.StringVar((*string)(&work.options.RatedPairs), "rated-pairs", string(data.BestWorst), "pairs of rated responses: best_worst, all or first")
	flags.IntVar(&work.options.MaxResponseWords, "max-response-words", 0, "longest response, in words; 0 for no limit")
	flags.BoolVar(&work.options.Masks, "masks", false, "records bring the masks of mask.source file: check chosen_mask and rejected_mask (give --model too, unless records are token ids)")
	flags.IntVar(&work.options.Examples, "examples", 2, "examples to show of each data set")
	return cmd
}

func (w *checkWork) run(ctx context.Context, app *App, names []string) error {
	if err := w.prepare(ctx, app); err != nil {
		return err
	}
	var checks []*data.Check
	var problems []error
	for _, name := range names {
		check, err := w.check(ctx, app, name)
		if check != nil {
			checks = append(checks, check)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			problems = append(problems, err)
		}
		if check != nil && !app.JSON {
			printCheck(app.Stdout, check)
		}
	}
	if app.JSON {
		if err := app.PrintJSON(checks); err != nil {
			return err
		}
	}
	return errors.Join(problems...)
}

// prepare reads the flags and the tokenizer.
func (w *checkWork) prepare(ctx context.Context, app *App) error {
	switch w.task {
	case "auto":
		w.options.AnyTask = true
	case "preference":
		w.options.Task = data.Preference
	case "sft":
		w.options.Task = data.Supervised
	default:
		return unknownChoice("task", w.task, []string{"auto", "preference", "sft"})
	}
	if w.options.Examples < 0 {
		return usage.Errorf("--examples: found %d, expected 0 or more", w.options.Examples)
	}
	if w.model == "" {
		return nil
	}
	folder, err := source.TokenizerFolder(ctx, w.model, app.Stderr)
	if err != nil {
		return err
	}
	t, err := source.Tokenizer(ctx, w.model, app.Stderr)
	if err != nil {
		return err
	}
	w.options.Tokenizer, w.options.VocabSize = t, t.VocabSize()
	w.options.Text = func(ids []int32) []string {
		texts := make([]string, len(ids))
		for i, id := range ids {
			texts[i] = t.Token(id)
		}
		return texts
	}
	if w.options.Template, err = source.Template(folder); err != nil {
		return err
	}
	w.options.MarkedTemplate, err = source.MarkedTemplate(folder)
	return err
}

func (w *checkWork) check(ctx context.Context, app *App, name string) (*data.Check, error) {
	parts, err := source.Parts(ctx, name, app.Stderr)
	if err != nil {
		return nil, err
	}
	return data.CheckMixture(ctx, name, parts, w.options)
}

// printCheck writes a check for people.
func printCheck(out io.Writer, c *data.Check) {
	task := "preference pairs"
	if c.Task == "sft" {
		task = "supervised examples"
	}
	fmt.Fprintf(out, "%v\n  read as %s; lengths in %s\n", c.Report, task, c.Unit)
	for _, format := range slices.Sorted(maps.Keys(c.Formats)) {
		fmt.Fprintf(out, "  %d records of the format: %s\n", c.Formats[format], format)
	}
	fmt.Fprintf(out, "  duplicates: %d; prompts that occur before: %d", c.Duplicates, c.DuplicatePrompts)
	if c.Task == "preference" {
		fmt.Fprintf(out, "; pairs that an earlier one contradicts: %d", c.Contradictions)
	}
	fmt.Fprintln(out)
	for _, e := range c.Examples {
		fmt.Fprintf(out, "  %s\n    prompt    %s\n", e.Source, endOf(strings.Join(e.Prompt, "")))
		from := 0
		for _, s := range e.Given {
			fmt.Fprintf(out, "    chosen    %s\n    given     %s\n", bracketed(e.Chosen[from:s.First]), endOf(strings.Join(e.Chosen[s.First:s.End], "")))
			from = s.End
		}
		fmt.Fprintf(out, "    chosen    %s\n", bracketed(e.Chosen[from:]))
		if e.Rejected != nil {
			fmt.Fprintf(out, "    rejected  %s\n", bracketed(e.Rejected))
		}
	}
}

// shownRunes is how much of a prompt or a response an example shows.
const shownRunes = 200

// endOf shows the end of a text on one line.
func endOf(text string) string {
	if runes := []rune(text); len(runes) > shownRunes {
		text = "…" + string(runes[len(runes)-shownRunes:])
	}
	return oneLine(text)
}

// bracketed shows tokens on one line, each in brackets; of long responses the beginning and the last token.
func bracketed(tokens []string) string {
	var b strings.Builder
	for i, token := range tokens {
		if b.Len() > shownRunes && i < len(tokens)-1 {
			fmt.Fprintf(&b, " … %d more … ", len(tokens)-1-i)
			token, tokens = tokens[len(tokens)-1], nil
		}
		if runes := []rune(token); len(runes) > shownRunes {
			token = string(runes[:shownRunes]) + "…"
		}
		b.WriteString("[" + oneLine(token) + "]")
		if tokens == nil {
			break
		}
	}
	return b.String()
}

// oneLine writes line ends and other control characters as Go does.
func oneLine(text string) string {
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
