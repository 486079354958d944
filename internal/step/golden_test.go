package step

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/maskfile"
	"github.com/sparsepo/sparsepo/loss"
	"github.com/sparsepo/sparsepo/mask"
	"github.com/sparsepo/sparsepo/model"
)

// Errors that a float32 PyTorch run keeps to, from the cases' README; an engine's slack multiplies them.
const (
	lossBound     = 1e-5
	tokenBound    = 2e-5
	maskBound     = 1e-5
	gradientBound = 1e-6
	stepBound     = 4e-5
)

// fixture is one golden case ready to run.
type fixture struct {
	*Program
	batch    data.Batch
	expected golden.Expected
	policy   *model.Network
}

func newFixture(t *testing.T, e golden.Engine, folder string, expected golden.Expected, c golden.Case, layout data.Layout) *fixture {
	t.Helper()
	store := gomodel.NewStore()
	bind := func(name string) *model.Network {
		checkpoint, err := model.Open(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		defer checkpoint.Close()
		n, err := checkpoint.Bind(e.Backend, store, "/"+name, model.Binding{Trainable: name == "policy"})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	policy, reference := bind("policy"), bind("reference")
	objective, ok := loss.Lookup(c.Method)
	if !ok {
		t.Fatalf("no objective %q", c.Method)
	}
	s := expected.Settings
	settings := Settings{
		Objective: objective,
		Options:   loss.Options{Beta: s.Beta, Alpha: s.Alpha, Gamma: s.Gamma, Lambda: s.Lambda, ReverseKL: c.KL == "reverse"},
		Map:       mask.MinMax,
		Optimiser: Optimiser{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: s.WeightDecay, MaskWeightDecay: s.MaskWeightDecay},
	}
	if c.Map != "" {
		settings.Map = mask.Map(c.Map)
	}
	if c.L1 {
		settings.Options.L1U, settings.Options.L1D = s.L1U, s.L1D
	}
	var masks map[string][]float32
	if c.Mask != "" {
		file, err := maskfile.Read(filepath.Join(folder, c.Mask), reference.Config)
		if err != nil {
			t.Fatal(err)
		}
		settings.Learned, masks = file.Architecture, file.Tensors
		settings.Learned.Binary = objective.Mask == loss.BinaryMask
	}
	program, err := New(e.Backend, store, policy, reference, settings, masks, 1)
	if err != nil {
		t.Fatal(err)
	}
	set, _, err := data.Load(t.Context(), filepath.Join(folder, "pairs.jsonl"), data.LoadOptions{
		VocabSize: policy.Config.Vocab, Limits: data.Limits{MaxLength: policy.Config.MaxPositions},
	})
	if err != nil {
		t.Fatal(err)
	}
	pairs, err := set.First(set.Len())
	if err != nil {
		t.Fatal(err)
	}
	batch, err := data.Collate(pairs, data.Fit(pairs, len(pairs)+1, layout)) // one padding slot
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{Program: program, batch: batch, expected: expected, policy: policy}
}

// perPair splits values over tokens into one list a pair for a side.
func (f *fixture) perPair(x []float32, side string) [][]float32 {
	pairs := make([][]float32, len(f.batch.Index))
	first := int64(0)
	if side == "rejected" {
		first = int64(f.batch.Pairs)
	}
	for i, owner := range f.batch.Owner {
		if slot := owner - first; slot >= 0 && slot < int64(len(pairs)) {
			pairs[slot] = append(pairs[slot], x[i])
		}
	}
	return pairs
}

// evaluate gives the values of the batch and the mean loss's gradients, in the order of what is trained. Engines that take long
// to prepare a graph have both in one.
func (f *fixture) evaluate(t *testing.T, e golden.Engine) (Values, []*tensors.Tensor) {
	t.Helper()
	out, err := valuesAndGradients(t, e, f.Program).Call(fed(t, f.Program, &f.batch, nil)...)
	if err != nil {
		t.Fatal(err)
	}
	values, err := f.values(out, false)
	if e.Name == "go" {
		values, err = f.Evaluate(&f.batch, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return values, out[len(out)-len(f.trained):]
}

// gradientNorms computes the norm of the mean loss's gradient: in all, and for each tensor of the files.
func (f *fixture) gradientNorms(t *testing.T, out []*tensors.Tensor) (total float64, each map[string]float64) {
	t.Helper()
	flat := make([][]float32, len(out))
	for i := range out {
		flat[i] = tensors.MustCopyFlatData[float32](out[i])
	}
	joined, err := f.policy.Join(f.policy.Trained(), func(i int) ([]float32, error) { return flat[i], nil })
	if err != nil {
		t.Fatal(err)
	}
	for i, trained := range f.trained {
		if trained.mask {
			joined[trained.name] = flat[i]
		}
	}
	each = map[string]float64{}
	for name, values := range joined {
		sum := 0.0
		for _, v := range values {
			sum += float64(v) * float64(v)
		}
		each[name] = math.Sqrt(sum)
		total += sum
	}
	return math.Sqrt(total), each
}

func TestGolden(t *testing.T) {
	for _, family := range golden.Families(t) {
		t.Run(family, func(t *testing.T) {
			folder := golden.Shared(t, "golden", family)
			expected := golden.Read(t, folder)
			if len(expected.Cases) < 17 {
				t.Fatalf("%d cases in %s, want at least 17", len(expected.Cases), family)
			}
			golden.Engines(t, func(t *testing.T, e golden.Engine) {
				for name, c := range expected.Cases {
					if e.Name != "go" && !selected(family, name, expected) {
						continue // preparing a graph takes long
					}
					t.Run(name, func(t *testing.T) { checkCase(t, e, folder, expected, name, c) })
				}
			})
		})
	}
}

// selected chooses the cases for engines that take long to prepare a graph: all of two families that differ in most things;
// of the others every kind of mask and one method without; of variants what is stepped.
func selected(family, name string, expected golden.Expected) bool {
	if family == "gpt2" || family == "llama" {
		return true
	}
	_, stepped := expected.Step[name]
	return stepped || !strings.Contains(family, "-") && (name == "sparse-independent-depth2" || name == "sparse-independent-nonorm")
}

func checkCase(t *testing.T, e golden.Engine, folder string, expected golden.Expected, name string, c golden.Case) {
	f := newFixture(t, e, folder, expected, c, data.SharedPrompt)
	values, gradients := f.evaluate(t, e)
	pairs := len(f.batch.Index)
	golden.CloseAll(t, "loss", values.Loss[:pairs], expected.Loss[name].PerPair, lossBound*e.Slack)
	golden.CloseAll(t, "reward chosen", values.Chosen[:pairs], expected.Rewards[name]["chosen"], lossBound*e.Slack)
	golden.CloseAll(t, "reward rejected", values.Rejected[:pairs], expected.Rewards[name]["rejected"], lossBound*e.Slack)
	for _, side := range []string{"chosen", "rejected"} {
		for quantity, got := range map[string][]float32{
			"policy": values.LogProb, "ref": values.Reference, "kl_fwd": values.ForwardKL, "kl_rev": values.ReverseKL,
		} {
			for i, row := range f.perPair(got, side) {
				golden.CloseAll(t, side+" "+quantity, row, expected.Tokens[side][quantity][i], tokenBound*e.Slack)
			}
		}
		if want, ok := expected.Masks[name]; ok {
			for i := range want[side].Reward {
				golden.CloseAll(t, side+" mask", f.perPair(values.RewardMask, side)[i], want[side].Reward[i], maskBound*e.Slack)
				golden.CloseAll(t, side+" KL mask", f.perPair(values.KLMask, side)[i], want[side].KL[i], maskBound*e.Slack)
			}
		}
	}
	total, each := f.gradientNorms(t, gradients)
	golden.Close(t, "gradient norm", total/expected.GradNorm[name].Total, 1, gradientBound*e.Slack)
	seen := map[string]bool{}
	for tensor, want := range expected.GradNorm[name].Each {
		if _, bare := each["wte.weight"]; bare { // the gradients are listed under the full names in that variant too
			tensor = strings.TrimPrefix(tensor, "transformer.")
		}
		seen[tensor] = true
		got, ok := each[tensor]
		if !ok {
			t.Errorf("no gradient of %s", tensor)
			continue
		}
		golden.Close(t, "gradient of "+tensor, got, want, 10*gradientBound*e.Slack*expected.GradNorm[name].Total)
	}
	for tensor, got := range each {
		if !seen[tensor] && got != 0 {
			t.Errorf("gradient of %s is %g, want none", tensor, got)
		}
	}
	checkStep(t, e, f, name)
}

// checkStep compares the weights after one AdamW step.
func checkStep(t *testing.T, e golden.Engine, f *fixture, name string) {
	want, ok := f.expected.Step[name]
	if !ok {
		return
	}
	rate := f.expected.Settings.LearningRate
	_, norm, err := f.Update([]*data.Batch{&f.batch}, Rates{Policy: rate, Mask: rate, Step: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	golden.Close(t, "clipping's norm", norm/f.expected.GradNorm[name].Total, 1, gradientBound*e.Slack)
	weights, err := f.policy.Values()
	if err != nil {
		t.Fatal(err)
	}
	masks, err := f.MaskTensors()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range masks {
		weights["mask."+m.Name] = m.Values
	}
	for tensor, sums := range want {
		values, ok := weights[tensor]
		if !ok {
			t.Errorf("no tensor %s after the step", tensor)
			continue
		}
		sum, squares := 0.0, 0.0
		for _, v := range values {
			sum += float64(v)
			squares += float64(v) * float64(v)
		}
		golden.Close(t, "sum of "+tensor, sum, sums.Sum, stepBound*e.Slack)
		golden.Close(t, "squares of "+tensor, squares, sums.SumSq, stepBound*e.Slack)
	}
}
