package cli

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/evaluation"
	"github.com/sparsepo/sparsepo/internal/likelihood"
	"github.com/sparsepo/sparsepo/internal/reference"
	"github.com/sparsepo/sparsepo/internal/sample"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/model"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// evalWork is what the commands have in common that ask a model.
type evalWork struct {
	model, out string
	limit      int
	batch      evaluation.Batch

	template data.Template // the model's; nil where it has none
}

// batchesAtOnce is the number of batches of responses whose records are written together: of more, the rows of responses that
// end are filled again, of fewer, less is lost when an evaluation is broken off. Ours.
const batchesAtOnce = 2

// evalResult is what they print.
type evalResult struct {
	Out   string `json:"out,omitempty"`
	Limit int    `json:"limit,omitempty"` // items of a task that were asked for, where not all were
	evaluation.Summary
	Records []evaluation.Record `json:"records,omitempty"` // where there is no --out
}

// add adds the flags; those of the batches only where choices are scored or responses generated.
func (w *evalWork) add(cmd *cobra.Command, scores, generates bool) {
	flags := cmd.Flags()
	flags.StringVar(&w.model, "model", "", "model or adapter folder, or hub id")
	flags.StringVar(&w.out, "out", "", "file for every item's record (.jsonl); one that exists is gone on with")
	flags.IntVar(&w.limit, "limit", 0, "only so many items of each task, the first ones (0: all)")
	w.batch = evaluation.Batch{Tokens: likelihood.DefaultBatchTokens, Rows: sample.DefaultBatchRows}
	if scores {
		flags.IntVar(&w.batch.Tokens, "batch-tokens", w.batch.Tokens, "tokens of texts that are scored at once")
	}
	if generates {
		flags.IntVar(&w.batch.Rows, "batch", w.batch.Rows, "responses that are generated at once")
	}
	requireFlags(cmd, "model")
}

func (w *evalWork) check() error {
	switch {
	case w.limit < 0:
		return usage.Errorf("--limit: found %d, expected 0 or more", w.limit)
	case w.batch.Tokens < 1:
		return usage.Errorf("--batch-tokens: found %d, expected a positive number of tokens", w.batch.Tokens)
	case w.batch.Rows < 1:
		return usage.Errorf("--batch: found %d, expected a positive number of rows", w.batch.Rows)
	}
	return nil
}

// open reads the model, and opens the file of results.
func (w *evalWork) open(ctx context.Context, app *App, settings map[string]string) (*evaluation.Network, *evaluation.File, error) {
	checkpoint, err := source.Open(ctx, w.model, app.Stderr)
	if err != nil {
		return nil, nil, err
	}
	defer checkpoint.Close()
	t, err := tokenizerOf(checkpoint, w.model)
	if err != nil {
		return nil, nil, err
	}
	if w.template, err = checkpoint.Template(); err != nil {
		return nil, nil, err
	}
	if settings["chat"] != "" && w.template == nil {
		return nil, nil, usage.Errorf("--chat: model %s has no chat template; put chat_template.jinja beside the tokenizer, or leave --chat out", w.model)
	}
	file, err := w.file(checkpoint, settings)
	if err != nil {
		return nil, nil, err
	}
	network, err := w.bind(app, checkpoint, t)
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return network, file, nil
}

// bind puts the model's weights into the engine.
func (w *evalWork) bind(app *App, checkpoint *source.Model, t *tokenizer.Tokenizer) (*evaluation.Network, error) {
	backend, err := app.Backend()
	if err != nil {
		return nil, err
	}
	store := gomodel.NewStore()
	network, err := checkpoint.Bind(backend, store, "/policy", model.Binding{})
	if err != nil {
		return nil, err
	}
	return evaluation.NewNetwork(backend, store, network, t, w.batch), nil
}

func (w *evalWork) file(checkpoint *source.Model, settings map[string]string) (*evaluation.File, error) {
	header := evaluation.Header{Model: w.model}
	if len(settings) > 0 {
		header.Settings = settings
	}
	if w.out == "" {
		return evaluation.Memory(header), nil
	}
	cache, err := reference.Folder()
	if err != nil {
		return nil, err
	}
	folders := []string{checkpoint.Folder}
	if checkpoint.Adapter != nil {
		folders = append(folders, checkpoint.Adapter.Folder)
	}
	if header.Digest, err = reference.Digest(cache, folders...); err != nil {
		return nil, err
	}
	return evaluation.Create(w.out, header)
}

// closeResults closes the file of an evaluation that may have been broken off by an error.
func closeResults(file *evaluation.File, out string, err error) error {
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil && !usage.Is(err) && out != "" && len(file.Records) > 0 {
		err = usage.Hint(err, fmt.Sprintf("%s holds what was done; the same command goes on from there", out))
	}
	return err
}

// finish closes the file and prints what came out, unless the evaluation was broken off.
func (w *evalWork) finish(app *App, file *evaluation.File, err error) error {
	if err := closeResults(file, w.out, err); err != nil {
		return err
	}
	result := evalResult{Out: w.out, Limit: w.limit, Summary: evaluation.Summarise(file.Records)}
	if app.JSON {
		if w.out == "" {
			result.Records = file.Records
		}
		return app.PrintJSON(result)
	}
	return printSummary(app, result)
}

func printSummary(app *App, result evalResult) error {
	table := tabwriter.NewWriter(app.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "task\titems\tmetric\tscore\t± s.e.\tnormalised")
	cut, most := 0, 0
	for _, task := range result.Tasks {
		cut, most = cut+task.Cut, max(most, task.Items)
		for i, metric := range task.Order() {
			e, normalised := task.Metrics[metric], ""
			if i == 0 && task.Normalised != nil {
				normalised = fmt.Sprintf("%.2f", *task.Normalised)
			}
			fmt.Fprintf(table, "%s\t%d\t%s\t%.4f\t%.4f\t%s\n", task.Task, task.Items, metric, e.Value, e.StdErr, normalised)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, name := range evaluation.ColumnNames {
		if value, ok := result.Columns[name]; ok {
			fmt.Fprintf(app.Stdout, "%s: %.2f\n", name, value)
		}
	}
	if result.Average != nil {
		fmt.Fprintf(app.Stdout, "average of seven columns: %.2f; leaderboard's average of six: %.2f\n", *result.Average, *result.LeaderboardAverage)
	}
	if most <= result.Limit { // the file may hold more, from an earlier call
		fmt.Fprintf(app.Stderr, "these are scores of the first %d items of each task (--limit), not of whole tasks\n", result.Limit)
	}
	if cut > 0 {
		fmt.Fprintf(app.Stderr, "the model had no room for the whole prompt or response of %d items\n", cut)
	}
	if result.Out != "" {
		fmt.Fprintln(app.Stdout, result.Out)
	}
	return nil
}
