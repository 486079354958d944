package cli

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/atomicfile"
	"github.com/sparsepo/sparsepo/internal/inspection"
	"github.com/sparsepo/sparsepo/internal/maskfile"
	"github.com/sparsepo/sparsepo/internal/report"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/internal/step"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/loss"
	"github.com/sparsepo/sparsepo/mask"
	"github.com/sparsepo/sparsepo/model"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// inspectWork is the work of "inspect".
type inspectWork struct {
	policy, reference, data string
	method, kl, mask, mapo  string
	html                    string
	options                 loss.Options
	limit                   int
	seed                    uint64

	objective loss.Objective
	tokenizer *tokenizer.Tokenizer // nil where the policy's folder has none
	template  data.Template        // nil where there is none
}

// inspectSettings are the flags that only some methods read, by the names of the settings.
var inspectSettings = map[string]string{
	"alpha": "alpha", "gamma": "gamma", "lambda": "lambda", "kl": "kl", "l1-u": "l1_u", "l1-d": "l1_d",
	"label-smoothing": "label_smoothing", "rpo-alpha": "rpo_alpha",
	"mask": "mask.init", "mapo-map": "mask.map",
}

// newInspectCommand shows per-token values of pairs.
func newInspectCommand(app *App) *cobra.Command {
	work := inspectWork{}
	cmd := &cobra.Command{
		Use:   "inspect --policy MODEL --reference MODEL --data FILE --method METHOD",
		Short: "Show per-token log-ratios, KL and masks of preference pairs",
		Long: `Evaluate an objective on preference pairs and show the values of every response token: log-probabilities under policy and
reference, their log-ratio, KL(reference ‖ policy) and KL(policy ‖ reference) at the position that predicts it, in nats, and
the masks. A method without masks has masks of 1; a learned mask is read from --mask, or from mask.safetensors in the
policy's folder.

--json prints one JSON object, --html writes a page of heat maps; without them a table is printed. A flag that the method
does not read has no effect, and a line on standard error says so.`,
		Example: `  sparsepo inspect --policy run/final --reference sft/final --data test.jsonl --method sparse-common --beta 0.7 --json
  sparsepo inspect --policy run/final --reference sft/final --data test.jsonl --method mapo --limit 5 --html tokens.html`,
	}
	flags := cmd.Flags()
	flags.StringVar(&work.policy, "policy", "", "model or adapter folder of the policy, or hub id")
	flags.StringVar(&work.reference, "reference", "", "model folder or hub id of the reference, base, or adapter:FOLDER; sft, simpo and orpo do without")
	flags.StringVar(&work.data, "data", "", "preference pairs: a file (.jsonl, .json, .jsonl.gz) or a hub id")
	flags.StringVar(&work.method, "method", "", "objective: "+strings.Join(loss.Names(), ", "))
	flags.Float64Var(&work.options.Beta, "beta", 0.1, "strength of the pull towards the reference, the scale of the rewards")
	flags.Float64Var(&work.options.Alpha, "alpha", 0.5, "tdpo2: weight of the sequence KL term")
	flags.Float64Var(&work.options.Gamma, "gamma", 0.3, "simpo, sparse-simpo: margin the reward difference should reach")
	flags.Float64Var(&work.options.Lambda, "lambda", 50, "dpop, sparse-dpop: penalty where the chosen response falls below the reference")
	flags.StringVar(&work.kl, "kl", "forward", "masked objectives: forward, KL(reference ‖ policy), or reverse, with Eq. 8's sign as printed")
	flags.Float64Var(&work.options.L1U, "l1-u", 0, "learned masks: L1 coefficient of the reward mask")
	flags.Float64Var(&work.options.L1D, "l1-d", 0, "learned masks: L1 coefficient of the KL mask")
	flags.Float64Var(&work.options.LabelSmoothing, "label-smoothing", 0, "dpo, robust: share of the pairs taken to have their sides exchanged")
	flags.Float64Var(&work.options.RPOAlpha, "rpo-alpha", 0, "objectives on pairs: weight of the chosen response's mean negative log-likelihood")
	flags.StringVar(&work.mask, "mask", "", "mask.safetensors of a learned mask (default: the one in the policy's folder)")
	flags.StringVar(&work.mapo, "mapo-map", "minmax", "mapo: map of activations to mask values, minmax or zscore")
	flags.Uint64Var(&work.seed, "seed", 42, "sparse-random: seed of the mask")
	flags.IntVar(&work.limit, "limit", 0, "pairs to show, from the first (0: all)")
	flags.StringVar(&work.html, "html", "", "page of heat maps to write")
	requireFlags(cmd, "policy", "data", "method")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := work.check(); err != nil {
			return err
		}
		cmd.Flags().Visit(func(flag *pflag.Flag) {
			if setting, some := inspectSettings[flag.Name]; some && !slices.Contains(work.objective.Reads, setting) {
				fmt.Fprintf(app.Stderr, "note: %s does not read --%s\n", work.method, flag.Name)
			}
		})
		return work.run(cmd.Context(), app)
	}
	return cmd
}

// check refuses what needs no model to be seen.
func (w *inspectWork) check() error {
	var known bool
	if w.objective, known = loss.Lookup(w.method); !known {
		return unknownChoice("method", w.method, loss.Names())
	}
	if choices := []string{"forward", "reverse"}; !slices.Contains(choices, w.kl) {
		return unknownChoice("kl", w.kl, choices)
	}
	if choices := []string{string(mask.MinMax), string(mask.ZScore)}; !slices.Contains(choices, w.mapo) {
		return unknownChoice("mapo-map", w.mapo, choices)
	}
	w.options.ReverseKL = w.kl == "reverse"
	for _, flag := range []struct {
		name  string
		value float64
	}{
		{"alpha", w.options.Alpha},
		{"gamma", w.options.Gamma},
		{"lambda", w.options.Lambda},
		{"l1-u", w.options.L1U},
		{"l1-d", w.options.L1D},
		{"label-smoothing", w.options.LabelSmoothing},
		{"rpo-alpha", w.options.RPOAlpha},
		{"limit", float64(w.limit)},
	} {
		if !(flag.value >= 0) {
			return usage.Errorf("--%s: found %g, expected 0 or more", flag.name, flag.value)
		}
	}
	if w.options.LabelSmoothing >= 0.5 {
		return usage.Errorf("--label-smoothing: found %g, expected less than 0.5", w.options.LabelSmoothing)
	}
	if !(w.options.Beta > 0) {
		return usage.Errorf("--beta: found %g, expected more than 0", w.options.Beta)
	}
	if w.objective.Reference && w.reference == "" {
		return usage.Errorf("--reference: %s compares the policy with a reference model; give its folder", w.method)
	}
	return nil
}

// unknownChoice is the error for a flag's value that is none of the known ones.
func unknownChoice(flag, value string, known []string) error {
	text := fmt.Sprintf("--%s: unknown value %q; known: %s", flag, value, strings.Join(known, ", "))
	if nearest := usage.Nearest(value, known); nearest != "" {
		text += fmt.Sprintf(" (did you mean %q?)", nearest)
	}
	return usage.Errorf("%s", text)
}

func (w *inspectWork) run(ctx context.Context, app *App) error {
	models, err := source.OpenPair(ctx, w.policy, w.reference, nil, app.Stderr)
	if err != nil {
		return err
	}
	defer models.Close()
	policy, reference := models.Policy.Config, models.Reference()
	positions := policy.MaxPositions
	if reference != nil {
		positions = min(positions, reference.MaxPositions)
	}
	if w.tokenizer, err = models.Policy.Tokenizer(); err != nil {
		return err
	}
	if w.template, err = models.Policy.Template(); err != nil {
		return err
	}
	pairs, err := w.pairs(ctx, app, policy.Vocab, positions)
	if err != nil {
		return err
	}
	program, err := w.program(app, models)
	if err != nil {
		return err
	}
	defer program.Close()
	inspected, err := program.Inspect(pairs, w.text, rand.New(rand.NewPCG(w.seed, 0)).Float32)
	if err != nil {
		return err
	}
	return w.show(app, inspected)
}

func (w *inspectWork) pairs(ctx context.Context, app *App, vocab, positions int) ([]data.TokenPair, error) {
	options := data.LoadOptions{Task: data.Preference, VocabSize: vocab, Template: w.template, Limits: data.Limits{MaxLength: positions}}
	if w.tokenizer != nil {
		options.Tokenizer = w.tokenizer
	}
	set, read, err := source.Data(ctx, w.data, options, app.Stderr)
	if read != nil {
		fmt.Fprintln(app.Stderr, read)
	}
	if err != nil {
		return nil, err
	}
	defer set.Close()
	if w.limit > 0 {
		return set.First(w.limit)
	}
	return set.First(set.Len())
}

// program binds the models, and the mask where the objective has a learned one.
func (w *inspectWork) program(app *App, models *source.Pair) (*step.Program, error) {
	settings := step.Settings{Objective: w.objective, Options: w.options, Map: mask.Map(w.mapo)}
	var masks map[string][]float32
	if w.objective.Mask.Learned() {
		file, err := w.readMask(models)
		if err != nil {
			return nil, err
		}
		settings.Learned, masks = file.Architecture, file.Tensors
		settings.Learned.Binary = w.objective.Mask == loss.BinaryMask
	}
	backend, err := app.Backend()
	if err != nil {
		return nil, err
	}
	store := gomodel.NewStore()
	policy, reference, err := models.Bind(backend, store, model.Binding{}, w.seed)
	if err != nil {
		return nil, err
	}
	return step.New(backend, store, policy, reference, settings, masks, w.seed)
}

func (w *inspectWork) readMask(models *source.Pair) (*maskfile.File, error) {
	path := w.mask
	if path == "" {
		path = filepath.Join(models.Policy.Path, maskfile.Name)
		if _, err := os.Stat(path); err != nil {
			return nil, usage.Errorf("--mask: %s has a learned mask, and %s has no %s; name its file", w.method, w.policy, maskfile.Name)
		}
	}
	file, err := maskfile.Read(path, models.Reference())
	if err != nil {
		return nil, err
	}
	if w.objective.Mask == loss.IndependentMask && !file.Independent {
		return nil, usage.Errorf("--mask: %s has one mask and %s needs two; its tensors under \"kl.\" are missing", path, w.method)
	}
	return file, nil
}

// text is the text of a token, or its id where there is no tokenizer.
func (w *inspectWork) text(id int32) string {
	if w.tokenizer == nil {
		return strconv.Itoa(int(id))
	}
	return w.tokenizer.Token(id)
}

// show prints or writes the values.
func (w *inspectWork) show(app *App, inspected inspection.Inspect) error {
	if w.html != "" {
		err := atomicfile.Write(w.html, func(out io.Writer) error {
			return report.WriteHeatmap(out, inspected, fmt.Sprintf("%s: %s", w.method, w.data))
		})
		if err != nil {
			return err
		}
	}
	switch {
	case app.JSON:
		return inspected.Write(app.Stdout)
	case w.html != "":
		_, err := fmt.Fprintf(app.Stdout, "%s: mean loss %.4f over %d pairs; heat maps: %s\n", w.method, float64(inspected.Loss), len(inspected.Pairs), w.html)
		return err
	}
	return printInspection(app.Stdout, inspected)
}

// printInspection prints a table a response.
func printInspection(out io.Writer, inspected inspection.Inspect) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "%s, β %g: mean loss %.4f over %d pairs\n", inspected.Method, float64(inspected.Beta), float64(inspected.Loss), len(inspected.Pairs))
	for i, pair := range inspected.Pairs {
		for _, side := range []struct {
			name   string
			reward inspection.Number
			values inspection.Side
		}{{"chosen", pair.RewardChosen, pair.Chosen}, {"rejected", pair.RewardRejected, pair.Rejected}} {
			fmt.Fprintf(table, "\npair %d of %d, %s: loss %.4f, reward %.4f\n", i+1, len(inspected.Pairs), side.name, float64(pair.Loss), float64(side.reward))
			fmt.Fprint(table, "token\tid\tlogp\tlog-ratio\tKL forward\tKL reverse\tmask reward\tmask KL\t\n")
			for t, id := range side.values.IDs {
				fmt.Fprintf(table, "%q\t%d\t", side.values.Tokens[t], id)
				for _, list := range []inspection.Values{
					side.values.LogpPolicy, side.values.LogRatio, side.values.KLForward, side.values.KLReverse, side.values.MaskReward, side.values.MaskKL,
				} {
					text := "-"
					if len(list) > 0 {
						text = strconv.FormatFloat(list[t], 'f', 4, 64)
					}
					fmt.Fprintf(table, "%s\t", text)
				}
				fmt.Fprintln(table)
			}
		}
	}
	return table.Flush()
}
