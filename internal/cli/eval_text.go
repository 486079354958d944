package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/internal/hub"
	"github.com/sparsepo/sparsepo/internal/sentence"
	"github.com/sparsepo/sparsepo/internal/textmetric"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// evalText is the work of "eval text".
type evalText struct {
	samples, references string
	fields              textmetric.Fields
	suite               textmetric.Suite
	encoder, idf        string
	bert                textmetric.BERTScoreOptions
	nli, form, weights  string
	labels              textmetric.NLIOptions
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
list of texts. Of several, the best counts for rouge and bertscore; bleu counts against all. docs/metrics.md has the sources.`,
		Example: `  sparsepo eval text --samples samples.jsonl --references test.jsonl --metrics rouge,bleu,self-bleu
  sparsepo eval text --samples samples.jsonl --references test.jsonl --metrics bertscore --encoder FacebookAI/roberta-large --idf train.jsonl --baseline roberta-large.tsv
  sparsepo eval text --samples samples.jsonl --metrics edna --nli FacebookAI/roberta-large-mnli --json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return work.run(cmd.Context(), app) },
	}
	work.addFlags(cmd)
	requireFlags(cmd, "samples")
	return cmd
}

// formNames are SummaC's forms.
var formNames = []string{"zero-shot", "contrast", "conv"}

func (w *evalText) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&w.samples, "samples", "", "responses to measure (.jsonl, .jsonl.gz)")
	flags.StringVar(&w.references, "references", "", "what they should have been (.jsonl, .jsonl.gz)")
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

// check compares the flags with each other, before anything is read.
func (w *evalText) check() (withReferences bool, err error) {
	withReferences, err = textmetric.Needs(w.suite.Metrics)
	has := func(metric string) bool { return slices.Contains(w.suite.Metrics, metric) }
	switch {
	case err != nil:
		return false, fmt.Errorf("--metrics: %w", err)
	case withReferences && w.references == "":
		return false, usage.Errorf("--references: rouge, bleu and bertscore compare with references; name their file")
	case has("bertscore") && w.encoder == "":
		return false, usage.Errorf("--encoder: bertscore needs an encoder, such as FacebookAI/roberta-large")
	case (has("summac") || has("edna")) && w.nli == "":
		return false, usage.Errorf("--nli: summac and edna need a classifier of sentence pairs, such as FacebookAI/roberta-large-mnli")
	case !slices.Contains(formNames, w.form):
		return false, usage.Errorf("--summac: found %q, expected one of %s", w.form, strings.Join(formNames, ", "))
	case has("edna") && w.form == "contrast":
		return false, usage.Errorf("--summac contrast gives scores below 0, which edna cannot take; use zero-shot or conv")
	case (w.form == "conv") != (w.weights != ""):
		return false, usage.Errorf("--summac conv and --summac-weights go together")
	}
	return withReferences, nil
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
	if slices.Contains(w.suite.Metrics, "bertscore") {
		if err := w.openEncoder(ctx, app, groups); err != nil {
			return err
		}
		defer w.suite.BERT.Close()
	}
	if w.nli != "" {
		judge, err := w.openJudge(ctx, app)
		if err != nil {
			return err
		}
		defer func() {
			if judge.NumCut > 0 {
				fmt.Fprintf(app.Stderr, "summac: %d pairs of sentences are longer than %s reads and were cut\n", judge.NumCut, w.nli)
			}
			judge.Close()
		}()
	}
	found, err := w.suite.Evaluate(ctx, groups)
	if err != nil {
		return err
	}
	if found.NumCut > 0 {
		fmt.Fprintf(app.Stderr, "bertscore: %d texts are longer than %s reads and were cut\n", found.NumCut, w.encoder)
	}
	if app.JSON {
		return app.PrintJSON(found)
	}
	table := tabwriter.NewWriter(app.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "metric\tvalue\tover")
	for _, score := range found.Scores {
		over := fmt.Sprintf("%d %s", score.Items, score.Over)
		if score.Over == "corpus" {
			over = fmt.Sprintf("%d responses as one text", score.Items)
		}
		fmt.Fprintf(table, "%s\t%.4f\t%s\n", score.Name, score.Value, over)
	}
	return table.Flush()
}

// openEncoder prepares BERTScore.
func (w *evalText) openEncoder(ctx context.Context, app *App, groups []textmetric.Group) error {
	switch w.idf {
	case "none":
	case "references":
		for _, group := range groups {
			w.bert.IDF = append(w.bert.IDF, group.References...)
		}
	default:
		var err error
		if w.bert.IDF, err = textmetric.ReadTexts(w.idf, w.fields); err != nil {
			return fmt.Errorf("--idf: %w", err)
		}
	}
	w.bert.Name = w.encoder
	folder, err := hub.Model(ctx, w.encoder, hub.Options{Log: app.Stderr})
	if err != nil {
		return err
	}
	backend, err := app.Backend()
	if err != nil {
		return err
	}
	if w.suite.BERT, err = textmetric.OpenBERTScore(folder, backend, w.bert); err != nil {
		return err
	}
	fmt.Fprintf(app.Stderr, "bertscore: layer %d of %s\n", w.suite.BERT.Layer, w.encoder)
	return nil
}

// openJudge prepares SummaC; the caller closes what it returns.
func (w *evalText) openJudge(ctx context.Context, app *App) (*textmetric.NLI, error) {
	form := textmetric.SummaCForm(textmetric.ZeroShot)
	switch w.form {
	case "contrast":
		form = textmetric.ZeroShotContrast
	case "conv":
		var err error
		if form, err = textmetric.Convolution(w.weights); err != nil {
			return nil, err
		}
	}
	folder, err := hub.Model(ctx, w.nli, hub.Options{Log: app.Stderr})
	if err != nil {
		return nil, err
	}
	backend, err := app.Backend()
	if err != nil {
		return nil, err
	}
	judge, err := textmetric.OpenNLI(folder, backend, w.labels)
	if err != nil {
		return nil, err
	}
	w.suite.SummaC = &textmetric.SummaC{Judge: judge, Form: form, Split: sentence.Split}
	return judge, nil
}
