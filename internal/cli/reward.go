package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/reward"
)

// newRewardCommand fits and applies reward models.
func newRewardCommand(app *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reward",
		Short: "Fit or apply a reward model",
		Long: `Fit or apply a reward model, which gives a response one number, higher meaning better.

"train" fits the built-in one, a linear classifier over word n-grams, on texts of two classes; "score" applies any reward
model: the built-in one, or a Hugging Face sequence classifier (RoBERTa), a folder or a hub id.`,
		Example: `  sparsepo reward train --data reviews.jsonl --out reward
  sparsepo reward score --reward reward < responses.jsonl`,
	}
	cmd.AddCommand(newRewardTrainCommand(app), newRewardScoreCommand(app))
	return cmd
}

// rewardTrain is the work of "reward train".
type rewardTrain struct {
	data, evalData, out   string
	textField, labelField string
	options               reward.TrainOptions
}

// rewardTrainResult is what "reward train --json" prints.
type rewardTrainResult struct {
	Out           string   `json:"out"`
	Examples      int      `json:"examples"`
	NGrams        int      `json:"ngrams"`
	Seconds       float64  `json:"seconds"`                 // of fitting, reading excluded
	TrainAccuracy float64  `json:"train_accuracy"`          // share of examples, on the data fitted to
	EvalExamples  int      `json:"eval_examples,omitempty"` // with --eval-data
	EvalAccuracy  *float64 `json:"eval_accuracy,omitempty"` // with --eval-data
}

func newRewardTrainCommand(app *App) *cobra.Command {
	work := rewardTrain{options: reward.DefaultTrainOptions()}
	cmd := &cobra.Command{
		Use:   "train --data FILE --out FOLDER",
		Short: "Fit the linear n-gram classifier on labelled texts",
		Long: `Fit the built-in reward model, logistic regression over words and word pairs, on a JSONL file (.jsonl or .jsonl.gz) whose
records have a text and a label: 1, true or "positive"; 0, false or "negative". 20,000 film reviews take a few seconds on
one core. The result depends on the data and the flags alone.

The folder gets one file, ` + reward.FileName + `; the reward of a text is its probability of the positive class.`,
		Example: `  sparsepo reward train --data train.jsonl.gz --eval-data test.jsonl.gz --out reward
  sparsepo reward train --data reviews.jsonl --text-field review --label-field positive --out reward --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			result, err := work.run(cmd.Context(), app.Stderr)
			if err != nil {
				return err
			}
			if app.JSON {
				return app.PrintJSON(result)
			}
			return result.print(app.Stdout)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&work.data, "data", "", "labelled texts to fit to (.jsonl, .jsonl.gz)")
	flags.StringVar(&work.evalData, "eval-data", "", "labelled texts to report the accuracy on")
	flags.StringVar(&work.out, "out", "", "folder to write the reward model to")
	flags.StringVar(&work.textField, "text-field", "text", "field of the text")
	flags.StringVar(&work.labelField, "label-field", "label", "field of the label")
	flags.IntVar(&work.options.Order, "ngram-order", work.options.Order, "words of the longest n-grams, 1 to 3")
	flags.IntVar(&work.options.MinTexts, "min-texts", work.options.MinTexts, "leave out n-grams that occur in fewer texts")
	flags.IntVar(&work.options.MaxNGrams, "max-ngrams", work.options.MaxNGrams, "keep the most frequent n-grams only (0: all)")
	flags.Float64Var(&work.options.L2, "l2", work.options.L2, "coefficient of the squared weights in the loss")
	flags.IntVar(&work.options.MaxSteps, "max-steps", work.options.MaxSteps, "steps of the optimiser at most")
	requireFlags(cmd, "data", "out")
	return cmd
}

func (w *rewardTrain) run(ctx context.Context, log io.Writer) (rewardTrainResult, error) {
	result := rewardTrainResult{Out: w.out}
	examples, err := reward.ReadExamples(w.data, w.textField, w.labelField)
	if err != nil {
		return result, err
	}
	var evalExamples []reward.Example
	if w.evalData != "" {
		if evalExamples, err = reward.ReadExamples(w.evalData, w.textField, w.labelField); err != nil {
			return result, err
		}
	}
	fmt.Fprintf(log, "fitting to %d examples\n", len(examples))
	start := time.Now()
	model, err := reward.Train(ctx, examples, w.options)
	if err != nil {
		return result, err
	}
	result.Seconds = time.Since(start).Seconds()
	result.Examples, result.NGrams = len(examples), model.NumNGrams()
	if result.TrainAccuracy, err = reward.Accuracy(ctx, model, examples); err != nil {
		return result, err
	}
	if len(evalExamples) > 0 {
		accuracy, err := reward.Accuracy(ctx, model, evalExamples)
		if err != nil {
			return result, err
		}
		result.EvalExamples, result.EvalAccuracy = len(evalExamples), &accuracy
	}
	return result, model.Save(w.out)
}

func (r rewardTrainResult) print(out io.Writer) error {
	_, err := fmt.Fprintf(out, "fitted %d n-grams to %d examples in %.1f s; accuracy on them %.4f\n", r.NGrams, r.Examples, r.Seconds, r.TrainAccuracy)
	if err == nil && r.EvalAccuracy != nil {
		_, err = fmt.Fprintf(out, "accuracy on %d evaluation examples: %.4f\n", r.EvalExamples, *r.EvalAccuracy)
	}
	if err == nil {
		_, err = fmt.Fprintf(out, "reward model: %s\n", r.Out)
	}
	return err
}

// rewardScore is the work of "reward score".
type rewardScore struct {
	model  rewardFlags
	data   string
	fields reward.Fields
}

func newRewardScoreCommand(app *App) *cobra.Command {
	work := rewardScore{fields: reward.DefaultFields()}
	cmd := &cobra.Command{
		Use:   "score --reward MODEL",
		Short: "Add rewards to responses",
		Long: `Read JSONL records from standard input or --data, and write each with the field "reward" added to standard output. A record
has "prompt" and "completion", which are joined as they are, with nothing between, or else "text".

The reward is the probability p of the positive class (--output probability), its log-odds (logit), or p + 1 where p is
above 0.5 and p elsewhere (offset), as in the public preference data of the IMDB experiment. The output is JSONL with or
without --json.

Of a Hugging Face sequence classifier with two labels, the positive class is the one called POSITIVE or POS, else the second;
of one with more labels, --label says which. A regression, as a classifier with one label is, gives its value as it is. Texts
longer than the classifier reads are cut at their end.`,
		Example: `  sparsepo reward score --reward reward < responses.jsonl
  sparsepo reward score --reward reward --data RUN/samples/step-000100.jsonl --output logit
  sparsepo reward score --reward reward --data samples.jsonl --prompt-field question --completion-field answer
  sparsepo reward score --reward siebert/sentiment-roberta-large-english --data responses.jsonl`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return work.run(cmd.Context(), app)
		},
	}
	flags := cmd.Flags()
	work.model.add(flags)
	flags.StringVar(&work.data, "data", "-", "records to score (.jsonl, .jsonl.gz; -: standard input)")
	flags.StringVar(&work.fields.Text, "text-field", work.fields.Text, "field of the text, in records without a completion")
	flags.StringVar(&work.fields.Prompt, "prompt-field", work.fields.Prompt, "field of the prompt")
	flags.StringVar(&work.fields.Completion, "completion-field", work.fields.Completion, "field of the completion")
	requireFlags(cmd, "reward")
	return cmd
}

func (w *rewardScore) run(ctx context.Context, app *App) error {
	scorer, err := w.model.open(ctx, app)
	if err != nil {
		return err
	}
	defer reward.Close(scorer)
	input, name := app.Stdin, "standard input"
	if w.data != "-" {
		file, err := jsonl.Open(w.data)
		if err != nil {
			return err
		}
		defer file.Close()
		input, name = file, w.data
	}
	shown := time.Now()
	count, err := reward.ScoreRecords(ctx, scorer, w.fields, input, name, app.Stdout, func(written int) {
		if time.Since(shown) >= scoreInterval {
			shown = time.Now()
			fmt.Fprintf(app.Stderr, "scored %d records so far\n", written)
		}
	})
	fmt.Fprintf(app.Stderr, "scored %d records\n", count)
	return err
}

// scoreInterval is the time between two lines about how far scoring has come.
const scoreInterval = 10 * time.Second

// rewardFlags name a reward model and the form of its rewards.
type rewardFlags struct{ name, label, output string }

func (f *rewardFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.name, "reward", "", "reward model: a folder or a hub id")
	flags.StringVar(&f.label, "label", "", "class whose probability is the reward, of a sequence classifier (default: the positive one of two)")
	flags.StringVar(&f.output, "output", string(reward.Probability), "form of the reward: probability, logit or offset")
}

// open loads the reward model; the caller closes it.
func (f *rewardFlags) open(ctx context.Context, app *App) (reward.Scorer, error) {
	output, err := reward.ParseOutput(f.output)
	if err != nil {
		return nil, err
	}
	options := reward.Options{
		Backend: app.Backend, Label: f.label, Notice: func(message string) { fmt.Fprintln(app.Stderr, message) },
	}
	scorer, err := source.Reward(ctx, f.name, options, app.Stderr)
	if err != nil {
		return nil, err
	}
	if what, ok := scorer.(fmt.Stringer); ok {
		fmt.Fprintf(app.Stderr, "reward model %s: %s\n", f.name, what)
	}
	converted, err := reward.WithOutput(scorer, output)
	if err != nil {
		reward.Close(scorer)
		return nil, err
	}
	return converted, nil
}

// requireFlags marks flags of cmd that must be given.
func requireFlags(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // no such flag: a mistake in the command's own lines
		}
	}
}
