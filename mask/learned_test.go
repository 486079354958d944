package mask_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/mask"
)

// architectures lists every form a learned mask can have, small.
func architectures() map[string]mask.Learned {
	list := map[string]mask.Learned{}
	for _, all := range []bool{true, false} {
		for _, depth := range []int{1, 2} {
			for _, norm := range []bool{true, false} {
				a := mask.Learned{Hidden: 4, Layers: 3, AllLayers: all, Depth: depth, Norm: norm, Eps: 1e-5}
				if depth == 2 {
					a.Width = 5
				}
				list[fmt.Sprintf("all %v, depth %d, norm %v", all, depth, norm)] = a
			}
		}
	}
	return list
}

// randomTensors are parameters in general position: none is 0 or 1.
func randomTensors(a mask.Learned, seed uint64) map[string][]float32 {
	rnd := rand.New(rand.NewPCG(seed, 1))
	list := map[string][]float32{}
	for _, p := range a.Params() {
		size := 1
		for _, d := range p.Dims {
			size *= d
		}
		for range size {
			list[p.Name] = append(list[p.Name], float32(0.2+0.7*rnd.NormFloat64()))
		}
	}
	return list
}

// randomHidden are hidden states [layers][tokens][hidden].
func randomHidden(layers, tokens, width int, seed uint64) [][][]float64 {
	rnd := rand.New(rand.NewPCG(seed, 2))
	list := make([][][]float64, layers)
	for l := range list {
		list[l] = make([][]float64, tokens)
		for i := range list[l] {
			for range width {
				list[l][i] = append(list[l][i], float64(float32(rnd.NormFloat64())))
			}
		}
	}
	return list
}

// learnedResult is a mask with the gradients of the sum of its values.
type learnedResult struct {
	values  []float32
	tensors map[string][]float32 // gradients of the mask's tensors
	hidden  []float32            // gradients of the hidden states, all layers
	err     error
}

// runLearned evaluates a mask on an engine. layerNoise has one number for each layer and token, maskNoise one a token; nil
// drops nothing.
func runLearned(t testing.TB, e golden.Engine, a mask.Learned, params map[string][]float32, hidden [][][]float64, layerNoise, maskNoise []float32) learnedResult {
	t.Helper()
	names := slices.Sorted(maps.Keys(params))
	tokens, width := len(hidden[0]), len(hidden[0][0])
	var args []any
	dims := map[string][]int{}
	for _, p := range a.Params() {
		dims[p.Name] = p.Dims
	}
	for _, name := range names {
		args = append(args, tensors.FromFlatDataAndDimensions(params[name], dims[name]...))
	}
	for _, layer := range hidden {
		var flat []float32
		for _, row := range layer {
			for _, x := range row {
				flat = append(flat, float32(x))
			}
		}
		args = append(args, tensors.FromFlatDataAndDimensions(flat, tokens, width))
	}
	if layerNoise != nil {
		args = append(args, tensors.FromFlatDataAndDimensions(layerNoise, a.Used(), tokens))
	}
	if maskNoise != nil {
		args = append(args, tensors.FromFlatDataAndDimensions(maskNoise, tokens))
	}
	exec, err := NewExec(e.Backend, func(in []*Node) []*Node {
		var noise *mask.Noise
		inputs := in[:len(names)+len(hidden)]
		if layerNoise != nil {
			noise = &mask.Noise{Layers: in[len(inputs)]}
			if maskNoise != nil {
				noise.Mask = in[len(inputs)+1]
			}
		}
		values := a.Values(func(name string) *Node { return in[slices.Index(names, name)] }, in[len(names):len(inputs)], noise)
		return append([]*Node{values}, Gradient(ReduceAllSum(values), inputs...)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call(args...)
	if err != nil {
		return learnedResult{err: err}
	}
	r := learnedResult{values: tensors.MustCopyFlatData[float32](out[0]), tensors: map[string][]float32{}}
	for i, name := range names {
		r.tensors[name] = tensors.MustCopyFlatData[float32](out[1+i])
	}
	for _, x := range out[1+len(names):] {
		r.hidden = append(r.hidden, tensors.MustCopyFlatData[float32](x)...)
	}
	return r
}

// Two layers, three tokens, hidden size 2, worked out by hand:
//
//	layer 1: w (1, 0.5), b -0.5     1+1-0.5 = 1.5        -1+0.25-0.5 = -1.25    0+1.5-0.5 = 1
//	layer 2: w (-1, 1),  b 1        -2-1+1 = -2          -0.5+0.5+1 = 1         2+1+1 = 4
var (
	handHidden = [][][]float64{{{1, 2}, {-1, 0.5}, {0, 3}}, {{2, -1}, {0.5, 0.5}, {-2, 1}}}
	handAll    = mask.Learned{Hidden: 2, Layers: 2, AllLayers: true, Depth: 1}
	handLast   = mask.Learned{Hidden: 2, Layers: 2, Depth: 1}
	handParams = map[string][]float32{"layer.weight": {1, 0.5, -1, 1}, "layer.bias": {-0.5, 1}, "mixer.weight": {0.5, 2}}
)

func TestValuesByHand(t *testing.T) {
	binary := handAll
	binary.Binary = true
	depth2 := mask.Learned{Hidden: 2, Layers: 2, Depth: 2, Width: 2}
	tests := []struct {
		name   string
		a      mask.Learned
		params map[string][]float32
		want   []float64
	}{
		{"all layers", handAll, handParams, []float64{0.5 * 1.5, 2 * 1, 0.5*1 + 2*4}},
		{"a negative mixer", handAll, with(handParams, "mixer.weight", 1, -2), []float64{1.5, 0, 0}},
		{"binary", binary, with(handParams, "mixer.weight", 1, -2), []float64{1, 0, 0}},
		{"last layer", handLast, map[string][]float32{"layer.weight": {-1, 1}, "layer.bias": {1}}, []float64{0, 1, 4}},
		{ // inner units h1 + h2 + 1 and h1 - h2; score 2·(h1+h2+1) - (h1-h2) - 1 = h1 + 3 h2 + 1
			"depth 2", depth2, map[string][]float32{
				"layer.0.weight": {1, 1, 1, -1}, "layer.0.bias": {1, 0}, "layer.1.weight": {2, -1}, "layer.1.bias": {-1},
			}, []float64{0, 0.5 + 1.5 + 1, -2 + 3 + 1},
		},
	}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				got := runLearned(t, e, test.a, test.params, handHidden, nil, nil)
				golden.CloseAll(t, "mask", got.values, test.want, 1e-6)
				golden.CloseAll(t, "the plain computation", plainLearned(test.a, test.params, handHidden), test.want, 1e-6)
			})
		}
	})
}

func with(params map[string][]float32, name string, values ...float32) map[string][]float32 {
	changed := maps.Clone(params)
	changed[name] = values
	return changed
}

func TestValues(t *testing.T) {
	hidden := randomHidden(3, 6, 4, 7)
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for name, a := range architectures() {
			t.Run(name, func(t *testing.T) {
				params := randomTensors(a, 3)
				centre(a, params, hidden)
				got := runLearned(t, e, a, params, hidden, nil, nil)
				want := plainLearned(a, params, hidden)
				if !slices.Contains(want, 0) || slices.Max(want) == 0 {
					t.Fatalf("mask %v: want some zeros and some others, to test both", want)
				}
				golden.CloseAll(t, "mask", got.values, want, 1e-5)
				if slices.ContainsFunc(got.hidden, func(x float32) bool { return x != 0 }) {
					t.Errorf("gradient of the hidden states is %v, want none", got.hidden)
				}
				checkGradient(t, a, params, hidden, got)
				checkStraightThrough(t, e, a, params, hidden, got)
			})
		}
	})
}

// centre moves the biases so that the last layer's scores lie around 0, some above and some below.
func centre(a mask.Learned, params map[string][]float32, hidden [][][]float64) {
	bias := params["layer.bias"]
	if a.Depth == 2 {
		bias = params["layer.1.bias"]
	}
	for l := range bias {
		states := hidden[len(hidden)-len(bias)+l]
		mean := 0.0
		for _, h := range states {
			mean += plainScore(a, params, l, h) / float64(len(states))
		}
		bias[l] -= float32(mean)
	}
	if a.AllLayers {
		params["mixer.weight"][0] = -1
	}
}

// checkGradient compares the gradient of the sum of a mask with central differences of the plain computation.
func checkGradient(t *testing.T, a mask.Learned, params map[string][]float32, hidden [][][]float64, got learnedResult) {
	t.Helper()
	const delta = 1.0 / 16384 // exact in float32 beside the parameters, and too small to cross a kink
	total := func(name string, i int, by float32) float64 {
		moved := slices.Clone(params[name])
		moved[i] += by
		sum := 0.0
		for _, x := range plainLearned(a, with(params, name, moved...), hidden) {
			sum += x
		}
		return sum
	}
	for name := range params {
		for i := range params[name] {
			want := (total(name, i, delta) - total(name, i, -delta)) / (2 * delta)
			golden.Close(t, fmt.Sprintf("gradient of %s[%d]", name, i), float64(got.tensors[name][i]), want, 2e-3)
		}
	}
}

// checkStraightThrough: a binary mask has the values 0 and 1 and the gradient of the mask it rounds.
func checkStraightThrough(t *testing.T, e golden.Engine, a mask.Learned, params map[string][]float32, hidden [][][]float64, plain learnedResult) {
	t.Helper()
	a.Binary = true
	got := runLearned(t, e, a, params, hidden, nil, nil)
	golden.CloseAll(t, "binary mask", got.values, plainLearned(a, params, hidden), 0)
	if diff := cmp.Diff(plain.tensors, got.tensors); diff != "" {
		t.Errorf("gradients of the binary mask (-plain +binary):\n%s", diff)
	}
}

// A mask whose every value is zero passes no gradient, also at the kink of its ReLU.
func TestDeadMaskPassesNoGradient(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for name, a := range architectures() {
			params := randomTensors(a, 3)
			for tensor, values := range params {
				if tensor != "norm.weight" && tensor != "layer.0.weight" {
					clear(values)
				}
			}
			got := runLearned(t, e, a, params, randomHidden(3, 6, 4, 7), nil, nil)
			for tensor, gradient := range got.tensors {
				if slices.ContainsFunc(gradient, func(x float32) bool { return x != 0 }) {
					t.Errorf("%s: gradient of %s is %v, want none", name, tensor, gradient)
				}
			}
		}
	})
}

func TestDropout(t *testing.T) {
	a := handAll
	a.Dropout = 0.25
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		// Token by token: nothing dropped (0.25 is the first number that stays), layer 2 dropped, the mask dropped.
		got := runLearned(t, e, a, handParams, handHidden, []float32{0.5, 0.9, 0.25, 0.5, 0.2499, 0.99}, []float32{0.25, 0.9, 0.1})
		golden.CloseAll(t, "mask", got.values, []float64{0.75 / (0.75 * 0.75), 0, 0}, 1e-6)
		got = runLearned(t, e, a, handParams, handHidden, []float32{0, 0.9, 0, 0.5, 0.3, 0.99}, []float32{0.25, 0.9, 0.3})
		golden.CloseAll(t, "layer 1 dropped", got.values, []float64{0, 2 / 0.75 / 0.75, 8 / 0.75 / 0.75}, 1e-6)
		if got.tensors["layer.weight"][0] != 0 {
			t.Errorf("a dropped layer's weight has the gradient %g, want 0", got.tensors["layer.weight"][0])
		}
		last := handLast
		last.Dropout = 0.5
		got = runLearned(t, e, last, map[string][]float32{"layer.weight": {-1, 1}, "layer.bias": {1}}, handHidden, []float32{0.9, 0.1, 0.5}, nil)
		golden.CloseAll(t, "last layer", got.values, []float64{0, 0, 4 / 0.5}, 1e-6)
	})
}

// Dropout keeps the expectation of a mask whose mixer is positive.
func TestDropoutKeepsTheExpectation(t *testing.T) {
	const tokens = 20000
	a := handAll
	a.Dropout = 0.3
	rnd := rand.New(rand.NewPCG(5, 5))
	uniform := func(n int) []float32 {
		list := make([]float32, n)
		for i := range list {
			list[i] = rnd.Float32()
		}
		return list
	}
	hidden := [][][]float64{slices.Repeat([][]float64{{0, 3}}, tokens), slices.Repeat([][]float64{{-2, 1}}, tokens)}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		got := runLearned(t, e, a, handParams, hidden, uniform(2*tokens), uniform(tokens))
		sum, squares := 0.0, 0.0
		for _, x := range got.values {
			sum += float64(x)
			squares += float64(x) * float64(x)
		}
		mean := sum / tokens
		deviation := math.Sqrt((squares/tokens - mean*mean) / tokens)
		if want := 0.5*1 + 2*4; math.Abs(mean-want) > 5*deviation {
			t.Errorf("mean %.3f, want %.3f ± %.3f", mean, want, 5*deviation)
		}
	})
}

func TestValuesForAnotherModel(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		got := runLearned(t, e, handAll, handParams, randomHidden(3, 2, 2, 1), nil, nil)
		if want := "mask: 3 hidden states, the mask was made for a reference model of 2 layers"; got.err == nil || !strings.Contains(got.err.Error(), want) {
			t.Errorf("error %v, want %s", got.err, want)
		}
	})
}
