package mask_test

import (
	"math"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/mask"
)

// Seven tokens: three of response 0, one of response 1, two of response 2, one of padding. Response 3 is empty.
var member = [][]float32{
	{1, 1, 1, 0, 0, 0, 0},
	{0, 0, 0, 1, 0, 0, 0},
	{0, 0, 0, 0, 1, 1, 0},
	{0, 0, 0, 0, 0, 0, 0},
}

// Two activations of one group and one of another. The second is constant over response 0; padding holds what it likes.
var (
	firstGroup  = [][]float32{{1, 3, 2, 5, -1, 7, 100}, {4, 4, 4, 0.1, 0, 1, -100}}
	secondGroup = [][]float32{{0, 2, 4, 1, 3, 3, 50}}
)

func runActivations(t *testing.T, e golden.Engine, m mask.Map, groups ...[][]float32) (values []float32, gradients [][]float32) {
	t.Helper()
	exec, err := NewExec(e.Backend, func(in []*Node) []*Node {
		values := mask.FromActivations(in[1:], in[0], m)
		return append([]*Node{values}, Gradient(ReduceAllSum(Square(values)), in[1:]...)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	args := []any{member}
	for _, g := range groups {
		args = append(args, g)
	}
	out, err := exec.Call(args...)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range out[1:] {
		gradients = append(gradients, tensors.MustCopyFlatData[float32](x))
	}
	return tensors.MustCopyFlatData[float32](out[0]), gradients
}

func TestFromActivations(t *testing.T) {
	root2 := math.Sqrt2
	tests := []struct {
		name   string
		m      mask.Map
		groups [][][]float32
		want   []float64
	}{
		{"minmax", mask.MinMax, [][][]float32{{firstGroup[0]}}, []float64{0, 1, 0.5, 0, 0, 1, 0}},
		{"minmax, two activations", mask.MinMax, [][][]float32{firstGroup}, []float64{0, 0.5, 0.25, 0, 0, 1, 0}},
		{"minmax, constant responses", mask.MinMax, [][][]float32{secondGroup}, []float64{0, 0.5, 1, 0, 0, 0, 0}},
		{ // the groups weigh the same, whatever their number of activations
			"minmax, two groups", mask.MinMax,
			[][][]float32{firstGroup, secondGroup},
			[]float64{0, (0.5 + 0.5) / 2, (0.25 + 1) / 2, 0, 0, 0.5, 0},
		},
		{ // response 0: mean 2, variance (1+1+0)/2 = 1; response 2: mean 3, variance (16+16)/1 = 32
			"zscore", mask.ZScore, [][][]float32{{firstGroup[0]}}, []float64{-1, 1, 0, 0, -4 / math.Sqrt(32), 4 / math.Sqrt(32), 0},
		},
		{"zscore, two activations", mask.ZScore, [][][]float32{firstGroup}, []float64{-0.5, 0.5, 0, 0, -1 / root2, 1 / root2, 0}},
		{ // response 0 of the second group: mean 2, variance (4+0+4)/2 = 4
			"zscore, two groups", mask.ZScore,
			[][][]float32{firstGroup, secondGroup},
			[]float64{(-0.5 - 1) / 2, (0.5 + 0) / 2, 0.5, 0, -0.5 / root2, 0.5 / root2, 0},
		},
	}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				got, gradients := runActivations(t, e, test.m, test.groups...)
				golden.CloseAll(t, "mask", got, test.want, 1e-6)
				for i, g := range gradients {
					if slices.ContainsFunc(g, func(x float32) bool { return x != 0 }) {
						t.Errorf("group %d has the gradient %v, want none", i, g)
					}
				}
			})
		}
	})
}

// Where all values of a response are equal the map gives 0, however their mean is rounded.
func TestFromActivationsOfConstants(t *testing.T) {
	const tokens = 11
	var group [][]float32
	for _, x := range []float32{0, 0.1, -0.3, 0.7, 1e-20, 1e6, 12345.678} {
		group = append(group, slices.Repeat([]float32{x}, tokens))
	}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for _, m := range []mask.Map{mask.MinMax, mask.ZScore} {
			exec, err := NewExec(e.Backend, func(x, member *Node) *Node { return mask.FromActivations([]*Node{x}, member, m) })
			if err != nil {
				t.Fatal(err)
			}
			for length := 1; length <= tokens; length++ {
				row := slices.Repeat([]float32{0}, tokens)
				for i := range length {
					row[i] = 1
				}
				for i, x := range group {
					out, err := exec.Call1([][]float32{x}, [][]float32{row})
					if err != nil {
						t.Fatal(err)
					}
					if got := tensors.MustCopyFlatData[float32](out); slices.ContainsFunc(got, func(v float32) bool { return v != 0 }) {
						t.Errorf("%s of %d times %g: %v, want zeros", m, length, group[i][0], got)
					}
				}
			}
		}
	})
}
