package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/internal/bootstrap"
	"github.com/sparsepo/sparsepo/internal/evaluation"
	"github.com/sparsepo/sparsepo/internal/metrics"
	"github.com/sparsepo/sparsepo/internal/textmetric"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// evalText is the work of "eval text".
type evalText struct {
	samples, references string
	out                 string
	limit               int
	bootstrap           bootstrap.Options
	fields              textmetric.Fields
	suite               textmetric.Suite
	encoder, idf        string
	bert                textmetric.BERTScoreOptions
	nli, form, weights  string
	labels              textmetric.NLIOptions

	given func(flag string) bool
	judge *textmetric.NLI // nil: none
}

func newEvalTextCommand(app *App) *cobra.Command {
	work := evalText{fields: textmetric.DefaultFields()}
	cmd := &cobra.Command{
		Use:   "text --samples FILE",
		Short: "Metrics of generated texts",
		Long: `Measure samples, JSONL records with "prompt" and "completion" as sample --out writes them; those of one prompt belong together.

  rouge      ROUGE-1, 2, L and Lsum against references, as rouge-score computes them
  bleu       BLEU against references, of the corpus and of single responses, as sacreBLEU computes it
  self-bleu  BLEU of each sample against the other samples of its prompt: lower is more diverse
  distinct   share of different words, word pairs and triples
  bertscore  similarity of hidden states of an encoder (--encoder, such as RoBERTa or BERT) to those of references
  summac     whether the response follows from the prompt, by a classifier of sentence pairs (--nli)
  edna       summac against the prompt and between samples: responses that follow from it and differ

References are JSONL records with the same "prompt" and "reference" or "references" (or "completion", or "chosen"), a text or a
list of texts. Of several, the best counts for rouge and bertscore; bleu counts against all. docs/metrics.md has the sources.

The table has each score's interval by a bootstrap over prompts. With --out every prompt's record goes to a file, one JSON object
a line, with the scores of its responses, and an evaluation that was broken off goes on where it was. "sparsepo eval compare"
compares two such files, prompt by prompt.`,
		Example: `  sparsepo eval text --samples samples.jsonl --references test.jsonl --metrics rouge,bleu,self-bleu --out texts.jsonl
  sparsepo eval text --samples samples.jsonl --references test.jsonl --metrics bertscore --encoder FacebookAI/roberta-large --idf train.jsonl --baseline roberta-large.tsv
  sparsepo eval text --samples samples.jsonl --metrics edna --nli FacebookAI/roberta-large-mnli --json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return work.run(cmd.Context(), app) },
	}
	work.addFlags(cmd)
	work.given = cmd.Flags().Changed
	requireFlags(cmd, "samples")
	return cmd
}

// formNames are SummaC's forms.
var formNames = []string{"zero-shot", "contrast", "conv"}

func (w *evalText) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&w.samples, "samples", "", "responses to measure (.jsonl, .jsonl.gz)")
	flags.StringVar(&w.references, "references", "", "what they should have been (.jsonl, .jsonl.gz)")
	flags.StringVar(&w.out, "out", "", "file for every prompt's record (.jsonl); one that exists is gone on with")
	flags.IntVar(&w.limit, "limit", 0, "only so many prompts, the first ones (0: all)")
	addBootstrap(flags, &w.bootstrap, bootstrap.Default())
	flags.StringSliceVar(&w.suite.Metrics, "metrics", []string{"self-bleu", "distinct"}, "metrics, separated by commas: "+strings.Join(textmetric.Metrics(), ", "))
	flags.StringVar(&w.fields.Prompt, "prompt-field", w.fields.Prompt, "field of the prompt, in both files")
	flags.StringVar(&w.fields.Completion, "completion-field", w.fields.Completion, "field of a sample's text")
	flags.StringVar(&w.fields.Reference, "reference-field", "", "field of the references (default: the first of reference, references, completion, chosen)")
	flags.BoolVar(&w.suite.Stem, "stem", true, "rouge: compare stems")
	flags.StringVar(&w.encoder, "encoder", "", "bertscore: encoder, a folder or a hub id")
	flags.IntVar(&w.bert.Layer, "layer", 0, "bertscore: layer whose output stands for a token (0: the one that bert_score takes for that model or its size)")
	flags.StringVar(&w.idf, "idf", "none", "bertscore: weigh tokens by how rare they are in the references (references), or in those of another file (its name)")
	flags.StringVar(&w.bert.Baseline, "baseline", "", "bertscore: file of scores of unrelated texts, which become 0 (bert_score's rescale_baseline/*.tsv)")
	flags.StringVar(&w.nli, "nli", "", "summac, edna: classifier of sentence pairs, a folder or a hub id")
	flags.StringVar(&w.form, "summac", "zero-shot", "summac, edna: form of the score: "+strings.Join(formNames, ", "))
	flags.StringVar(&w.weights, "summac-weights", "", "summac, edna: weights of --summac conv (.safetensors)")
	flags.StringVar(&w.labels.Entailment, "entailment-label", "", "summac, edna: class that says that the second sentence follows (default: entailment, or supports)")
	flags.StringVar(&w.labels.Contradiction, "contradiction-label", "", "summac, edna: class that says that it contradicts the first (default: contradiction, or refutes)")
}

// readers are the metrics that read flags.
var readers = []struct{ flags, metrics []string }{
	{[]string{"references", "reference-field"}, []string{"rouge", "bleu", "bertscore"}},
	{[]string{"stem"}, []string{"rouge"}},
	{[]string{"encoder", "layer", "idf", "baseline"}, []string{"bertscore"}},
	{[]string{"nli", "summac", "summac-weights", "entailment-label", "contradiction-label"}, []string{"summac", "edna"}},
}

// checkUnused refuses flags that none of the metrics reads.
func (w *evalText) checkUnused() error {
	for _, r := range readers {
		if slices.ContainsFunc(r.metrics, w.has) {
			continue
		}
		if i := slices.IndexFunc(r.flags, w.given); i >= 0 {
			return usage.Errorf("--%s is for %s; add one to --metrics, found %s, or leave it out", r.flags[i], strings.Join(r.metrics, ", "), strings.Join(w.suite.Metrics, ", "))
		}
	}
	return nil
}

// check compares the flags with each other, before anything is read.
func (w *evalText) check() (withReferences bool, err error) {
	withReferences, err = textmetric.Needs(w.suite.Metrics)
	switch {
	case err != nil:
		return false, fmt.Errorf("--metrics: %w", err)
	case withReferences && w.references == "":
		return false, usage.Errorf("--references: rouge, bleu and bertscore compare with references; name their file")
	case w.has("bertscore") && w.encoder == "":
		return false, usage.Errorf("--encoder: bertscore needs an encoder, such as FacebookAI/roberta-large")
	case (w.has("summac") || w.has("edna")) && w.nli == "":
		return false, usage.Errorf("--nli: summac and edna need a classifier of sentence pairs, such as FacebookAI/roberta-large-mnli")
	case !slices.Contains(formNames, w.form):
		return false, usage.Errorf("--summac: found %q, expected one of %s", w.form, strings.Join(formNames, ", "))
	case w.has("edna") && w.form == "contrast":
		return false, usage.Errorf("--summac contrast gives scores below 0, which edna cannot take; use zero-shot or conv")
	case (w.form == "conv") != (w.weights != ""):
		return false, usage.Errorf("--summac conv and --summac-weights go together")
	case w.limit < 0:
		return false, usage.Errorf("--limit: found %d, expected 0 or more", w.limit)
	}
	if err := w.checkUnused(); err != nil {
		return false, err
	}
	return withReferences, w.bootstrap.Validate()
}

func (w *evalText) run(ctx context.Context, app *App) error {
	withReferences, err := w.check()
	if err != nil {
		return err
	}
	groups, err := textmetric.ReadSamples(w.samples, w.fields)
	if err != nil {
		return err
	}
	if withReferences {
		if err := textmetric.AddReferences(groups, w.references, w.fields); err != nil {
			return err
		}
	}
	folders, err := w.open(ctx, app, groups)
	defer w.close(app)
	if err != nil {
		return err
	}
	if err := w.suite.Check(groups); err != nil {
		return err
	}
	file, err := w.file(groups, folders)
	if err != nil {
		return err
	}
	run := &evaluation.TextRun{Run: evaluation.Run{File: file, Limit: w.limit}, Suite: &w.suite}
	total := len(groups)
	if w.limit > 0 {
		total = min(total, w.limit)
	}
	display := metrics.NewProgress(app.Stderr, "prompts", 0, total)
	run.Progress = func(done, _ int) { display.Update(done, nil) }
	err = run.Groups(ctx, groups)
	display.Finish()
	return w.finish(app, file, err)
}

// textResult is what "eval text" prints.
type textResult struct {
	Out     string                 `json:"out,omitempty"`
	Scores  []evaluation.TextScore `json:"scores"`
	Level   float64                `json:"level"` // of the intervals
	Cut     int                    `json:"cut,omitempty"`
	Records []evaluation.Record    `json:"records,omitempty"` // where there is no --out
}

// finish closes the file and prints what came out, unless the evaluation was broken off.
func (w *evalText) finish(app *App, file *evaluation.File, err error) error {
	if err := closeResults(file, w.out, err); err != nil {
		return err
	}
	result := textResult{Out: w.out, Scores: evaluation.TextScores(file.Records, w.bootstrap), Level: w.bootstrap.Level}
	for _, r := range file.Records {
		if r.Cut {
			result.Cut++
		}
	}
	if app.JSON {
		if w.out == "" {
			result.Records = file.Records
		}
		return app.PrintJSON(result)
	}
	table := tabwriter.NewWriter(app.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "metric\tvalue\t%s interval\tover\n", w.bootstrap.Percent())
	for _, score := range result.Scores {
		over, interval := fmt.Sprintf("%d %s", score.Items, score.Over), ""
		if score.Over == "corpus" {
			over = fmt.Sprintf("%d responses as one text", score.Items)
		}
		if score.Low != nil {
			interval = fmt.Sprintf("[%.4f, %.4f]", *score.Low, *score.High)
		}
		fmt.Fprintf(table, "%s\t%.4f\t%s\t%s\n", score.Name, score.Value, interval, over)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if result.Cut > 0 {
		fmt.Fprintf(app.Stderr, "bertscore: prompts with texts that are longer than the encoder reads and were cut: %d\n", result.Cut)
	}
	if w.out != "" {
		fmt.Fprintln(app.Stdout, w.out)
	}
	return nil
}
