package step

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/device"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/loss"
	"github.com/sparsepo/sparsepo/mask"
	"github.com/sparsepo/sparsepo/model"
)

// invariantPairs have prompts and responses of different lengths, one response of a single token.
var invariantPairs = []data.TokenPair{
	{Source: "a", Prompt: []int32{1, 2, 3}, Chosen: []int32{4, 5}, Rejected: []int32{6, 7, 8, 9}},
	{Source: "b", Prompt: []int32{5}, Chosen: []int32{6, 6, 2, 0}, Rejected: []int32{3}},
	{Source: "c", Prompt: []int32{9, 9}, Chosen: []int32{1, 0}, Rejected: []int32{2, 10, 0}},
}

// smallProgram is an objective on random models of one layer, width 16, policy and reference apart.
func smallProgram(t testing.TB, e golden.Engine, o loss.Objective, s Settings) *Program {
	t.Helper()
	config, err := model.GPT2Config(11, 16, 1, 2, 32, 0)
	if err != nil {
		t.Fatal(err)
	}
	return smallProgramOf(t, e, config, o, s)
}

func smallProgramOf(t testing.TB, e golden.Engine, config *model.Config, o loss.Objective, s Settings) *Program {
	t.Helper()
	store := gomodel.NewStore()
	bind := func(path string, seed uint64, trainable bool) *model.Network {
		n, err := model.Random(config, seed).Bind(e.Backend, store, path, model.Binding{Trainable: trainable})
		if err != nil {
			t.Fatal(err)
		}
		shake(t, e, n, seed)
		return n
	}
	s.Objective = o
	s.Options = loss.Options{Beta: 0.5, Alpha: 0.5, Gamma: 0.3, Lambda: 5}
	if o.Mask.Learned() {
		s.Learned = mask.Learned{
			Hidden: config.Hidden, Layers: config.Layers, AllLayers: true, Depth: 1, Norm: true, Eps: config.NormEps, Dropout: s.Learned.Dropout, Binary: o.Mask == loss.BinaryMask,
		}
	}
	if s.Map == "" {
		s.Map = mask.MinMax
	}
	s.Optimiser.Beta1, s.Optimiser.Beta2, s.Optimiser.Epsilon = 0.9, 0.999, 1e-8
	p, err := New(e.Backend, store, bind("/policy", 1, true), bind("/reference", 2, false), s, nil, 3)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// shake moves every parameter off its initial value: the mean of a LayerNorm's output with gains of one and shifts of zero,
// say, is nothing but rounding, which the activation-based mask would map to [0, 1].
func shake(t testing.TB, e golden.Engine, n *model.Network, seed uint64) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 4))
	for _, v := range n.Variables() {
		value, err := v.Value()
		if err != nil {
			t.Fatal(err)
		}
		flat := tensors.MustCopyFlatData[float32](value)
		for i := range flat {
			flat[i] += float32(0.2 * rnd.NormFloat64())
		}
		placed, err := device.Float32(e.Backend, flat, v.Shape().Dimensions...)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.SetValue(placed); err != nil {
			t.Fatal(err)
		}
	}
}

func collate(t testing.TB, pairs []data.TokenPair, shape data.Shape) *data.Batch {
	t.Helper()
	b, err := data.Collate(pairs, shape)
	if err != nil {
		t.Fatal(err)
	}
	return &b
}

// fed are the inputs of a batch.
func fed(t testing.TB, p *Program, b *data.Batch, noise func() float32) []any {
	t.Helper()
	args, err := p.feed(b, noise)
	if err != nil {
		t.Fatal(err)
	}
	return args
}

// perToken lists a batch's values by the token they belong to.
func perToken(b *data.Batch, x []float32) map[string]float64 {
	place, list := map[int64]int{}, map[string]float64{}
	for i, owner := range b.Owner {
		if owner >= int64(2*b.Pairs) {
			continue
		}
		side := "chosen"
		if owner >= int64(b.Pairs) {
			side = "rejected"
		}
		list[tokenName(side, int(owner)%b.Pairs, place[owner])] = float64(x[i])
		place[owner]++
	}
	return list
}

func tokenName(side string, pair, token int) string {
	return fmt.Sprintf("%s of pair %d, token %d", side, pair, token)
}

// noiseOf feeds a random mask the same number for the same token in every layout: its noise follows the token, not the place.
func noiseOf(b *data.Batch) func() float32 {
	next := 0
	place := map[int64]int{}
	return func() float32 {
		owner := b.Owner[next%len(b.Owner)]
		next++
		pair, side := owner%int64(b.Pairs), owner/int64(b.Pairs)
		place[owner]++
		return float32(math.Mod(0.37*float64(1+pair)+0.23*float64(1+side)+0.11*float64(place[owner]), 1))
	}
}

// outcome is what must not depend on how a batch is laid out.
type outcome struct {
	pairs     map[string]float64
	tokens    map[string]map[string]float64
	gradients [][]float32
}

// valuesAndGradients is one graph for both: what Evaluate gives, and the gradients of the mean loss with respect to all that
// is trained.
func valuesAndGradients(t testing.TB, e golden.Engine, p *Program) *gomodel.Exec {
	t.Helper()
	exec, err := gomodel.NewExec(e.Backend, p.store, func(_ *gomodel.Scope, nodes []*Node) []*Node {
		c := p.compute(p.newInputs(nodes), false)
		trained := make([]*Node, len(p.trained))
		for i, x := range p.trained {
			trained[i] = x.variable.NodeValue(nodes[0].Graph())
		}
		return append(p.outputs(c), Gradient(c.mean, trained...)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	return exec
}

func (p *Program) outcome(t testing.TB, exec *gomodel.Exec, b *data.Batch, noise func() float32) outcome {
	t.Helper()
	out, err := exec.Call(fed(t, p, b, noise)...)
	if err != nil {
		t.Fatal(err)
	}
	v, err := p.values(out, false)
	if err != nil {
		t.Fatal(err)
	}
	o := outcome{pairs: map[string]float64{}, tokens: map[string]map[string]float64{}}
	for name, x := range map[string][]float32{"loss": v.Loss, "chosen": v.Chosen, "rejected": v.Rejected} {
		if x == nil {
			continue
		}
		for slot := range b.Index {
			o.pairs[fmt.Sprintf("%s of pair %d", name, slot)] = float64(x[slot])
		}
	}
	for name, x := range map[string][]float32{
		"policy": v.LogProb, "reference": v.Reference, "forward KL": v.ForwardKL, "reverse KL": v.ReverseKL, "reward mask": v.RewardMask, "KL mask": v.KLMask,
	} {
		if x != nil {
			o.tokens[name] = perToken(b, x)
		}
	}
	for _, x := range out[len(out)-len(p.trained):] {
		o.gradients = append(o.gradients, tensors.MustCopyFlatData[float32](x))
	}
	return o
}

func compare(t testing.TB, what string, got, want outcome, bound float64) {
	t.Helper()
	if len(got.pairs) != len(want.pairs) || len(got.tokens) != len(want.tokens) {
		t.Fatalf("%s: %d and %d values, want %d and %d", what, len(got.pairs), len(got.tokens), len(want.pairs), len(want.tokens))
	}
	for name, x := range want.pairs {
		golden.Close(t, what+": "+name, got.pairs[name], x, bound)
	}
	for name, list := range want.tokens {
		if len(got.tokens[name]) != len(list) {
			t.Errorf("%s: %s of %d tokens, want %d", what, name, len(got.tokens[name]), len(list))
		}
		for token, x := range list {
			golden.Close(t, what+": "+name+" of "+token, got.tokens[name][token], x, bound)
		}
	}
	for i := range want.gradients {
		worst, size := 0.0, 0.0
		for j, x := range want.gradients[i] {
			worst = max(worst, math.Abs(float64(got.gradients[i][j]-x)))
			size = max(size, math.Abs(float64(x)))
		}
		if worst > bound*(1+size) {
			t.Errorf("%s: gradient %d is off by %.2g, bound %.2g", what, i, worst, bound*(1+size))
		}
	}
}

// Neither the layout of a batch nor its padding changes a value or a gradient; nor does the company of the other pairs.
func TestBatchInvariance(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for _, o := range loss.All() {
			t.Run(o.Name, func(t *testing.T) { checkInvariance(t, e, smallProgram(t, e, o, Settings{})) })
		}
	})
}

// The same for every family, by the objectives that read the most of a model: its activations, its hidden states.
func TestBatchInvarianceOfFamilies(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for name, text := range golden.TinyConfigs(golden.Size{Vocab: 11, Hidden: 16, Layers: 1, Heads: 4, Positions: 32}) {
			t.Run(name, func(t *testing.T) {
				config, err := model.ParseConfig(text)
				if err != nil {
					t.Fatal(err)
				}
				for _, method := range []string{"mapo", "sparse-independent"} {
					if o, _ := loss.Lookup(method); e.Name == "go" || method == "mapo" { // preparing a graph takes long elsewhere
						t.Run(method, func(t *testing.T) { checkInvariance(t, e, smallProgramOf(t, e, config, o, Settings{})) })
					}
				}
			})
		}
	})
}

func checkInvariance(t *testing.T, e golden.Engine, p *Program) {
	t.Helper()
	exec := valuesAndGradients(t, e, p)
	bound := 2e-6 * e.Slack
	check := func(what string, shape data.Shape, want outcome) outcome {
		b := collate(t, invariantPairs, shape)
		got := p.outcome(t, exec, b, noiseOf(b))
		if what != "" {
			compare(t, what, got, want, bound)
		}
		return got
	}
	tight := data.Fit(invariantPairs, len(invariantPairs), data.SharedPrompt)
	want := check("", tight, outcome{})
	check("separate rows", data.Fit(invariantPairs, len(invariantPairs), data.Separate), want)
	padded := tight
	padded.Slots, padded.Rows, padded.Seq, padded.Responses = tight.Slots+2, tight.Rows+2, tight.Seq+7, tight.Responses+5
	check("padding", padded, want)
	packed := tight
	packed.Rows, packed.Seq = 2, 17
	check("two pairs in a row", packed, want)
	if e.Name == "go" { // preparing a graph takes long elsewhere
		packed.Rows, packed.Seq, packed.Responses = 1, 40, tight.Responses+3 // longer than the model has positions
		check("all pairs in a row", packed, want)
	}
	for i, pair := range invariantPairs {
		alone := collate(t, []data.TokenPair{pair}, padded)
		got := p.outcome(t, exec, alone, noiseAs(alone, i))
		golden.Close(t, fmt.Sprintf("loss of pair %d alone", i), got.pairs["loss of pair 0"], want.pairs[fmt.Sprintf("loss of pair %d", i)], bound)
	}
}

// noiseAs is noiseOf for a batch whose first slot holds another batch's pair of that number.
func noiseAs(b *data.Batch, pair int) func() float32 {
	as := *b
	as.Pairs = len(invariantPairs)
	as.Owner = make([]int64, len(b.Owner))
	for i, owner := range b.Owner {
		as.Owner[i] = owner/int64(b.Pairs)*int64(as.Pairs) + int64(pair)
	}
	return noiseOf(&as)
}
