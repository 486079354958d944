package mask_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/mask"
)

func TestParams(t *testing.T) {
	tests := []struct {
		name string
		a    mask.Learned
		want []mask.Param
	}{
		{"all layers", mask.Learned{Hidden: 8, Layers: 3, AllLayers: true, Depth: 1, Norm: true}, []mask.Param{
			{Name: "layer.weight", Dims: []int{3, 8}, Decays: true},
			{Name: "layer.bias", Dims: []int{3}},
			{Name: "mixer.weight", Dims: []int{3}, Decays: true},
			{Name: "norm.weight", Dims: []int{8}},
			{Name: "norm.bias", Dims: []int{8}},
		}},
		{"last layer", mask.Learned{Hidden: 8, Layers: 3, Depth: 1, Norm: true}, []mask.Param{
			{Name: "layer.weight", Dims: []int{1, 8}, Decays: true},
			{Name: "layer.bias", Dims: []int{1}},
			{Name: "norm.weight", Dims: []int{8}},
			{Name: "norm.bias", Dims: []int{8}},
		}},
		{"depth 2", mask.Learned{Hidden: 8, Layers: 3, AllLayers: true, Depth: 2, Width: 200, Norm: true}, []mask.Param{
			{Name: "layer.0.weight", Dims: []int{3, 200, 8}, Decays: true},
			{Name: "layer.0.bias", Dims: []int{3, 200}},
			{Name: "layer.1.weight", Dims: []int{3, 200}, Decays: true},
			{Name: "layer.1.bias", Dims: []int{3}},
			{Name: "mixer.weight", Dims: []int{3}, Decays: true},
			{Name: "norm.weight", Dims: []int{8}},
			{Name: "norm.bias", Dims: []int{8}},
		}},
		{"the paper's plain formula", mask.Learned{Hidden: 8, Layers: 3, AllLayers: true, Depth: 1}, []mask.Param{
			{Name: "layer.weight", Dims: []int{3, 8}, Decays: true},
			{Name: "layer.bias", Dims: []int{3}},
			{Name: "mixer.weight", Dims: []int{3}, Decays: true},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.a.Params()); diff != "" {
				t.Errorf("parameters (-want +got):\n%s", diff)
			}
			initial := test.a.Initial(1)
			if len(initial) != len(test.want) {
				t.Errorf("%d initial tensors, want %d", len(initial), len(test.want))
			}
			for _, p := range test.want {
				size := 1
				for _, d := range p.Dims {
					size *= d
				}
				if len(initial[p.Name]) != size {
					t.Errorf("%s: %d initial values, want %d", p.Name, len(initial[p.Name]), size)
				}
			}
		})
	}
}

func TestInitialDependsOnTheSeedAlone(t *testing.T) {
	a := mask.Learned{Hidden: 8, Layers: 3, AllLayers: true, Depth: 1, Norm: true}
	if diff := cmp.Diff(a.Initial(4), a.Initial(4)); diff != "" {
		t.Errorf("the same seed gives two masks:\n%s", diff)
	}
	if cmp.Equal(a.Initial(4)["layer.weight"], a.Initial(5)["layer.weight"]) {
		t.Error("two seeds give the same mask")
	}
}

// A fresh mask is alive, whatever the seed and the shape: over random hidden states, some of its values are not zero. Some
// are, but for a seed here and there.
func TestInitialIsAlive(t *testing.T) {
	const tokens, seeds = 200, 12
	for _, layers := range []int{1, 2, 3, 6, 12, 24, 36} {
		for _, hidden := range []int{8, 24} {
			for _, a := range forms(layers, hidden) {
				t.Run(fmt.Sprintf("%d layers of %d, all %v, depth %d", layers, hidden, a.AllLayers, a.Depth), func(t *testing.T) {
					without := 0
					for seed := range uint64(seeds) {
						share := zeroShare(a, seed, randomHidden(layers, tokens, hidden, seed+100))
						if share > 0.99 {
							t.Errorf("seed %d: %.1f %% of the mask is zero, want at most 99 %%", seed, 100*share)
						}
						if share < 0.01 {
							without++
						}
					}
					if without > 2 {
						t.Errorf("%d of %d masks have less than 1 %% zeros", without, seeds)
					}
				})
			}
		}
	}
}

// Hidden states that have nine tenths of their variance in common leave few fresh masks dead.
func TestInitialOverAlikeStates(t *testing.T) {
	const tokens, seeds, hidden = 30, 120, 16
	for _, layers := range []int{1, 2, 3, 12} {
		for _, a := range forms(layers, hidden) {
			dead := 0
			for seed := range uint64(seeds) {
				states := randomHidden(layers, tokens+1, hidden, seed+300)
				for l, list := range states {
					common := list[tokens]
					for i := range tokens {
						for j := range list[i] {
							list[i][j] = math.Sqrt(0.9)*common[j] + math.Sqrt(0.1)*list[i][j]
						}
					}
					states[l] = list[:tokens]
				}
				if zeroShare(a, seed, states) == 1 {
					dead++
				}
			}
			if share := float64(dead) / seeds; share > 0.08 {
				t.Errorf("%d layers, all %v, depth %d: %.1f %% of the masks start dead", layers, a.AllLayers, a.Depth, 100*share)
			}
		}
	}
}

// forms are the ways to make a mask over so many layers.
func forms(layers, hidden int) []mask.Learned {
	base := mask.Learned{Layers: layers, Hidden: hidden, Norm: true, Eps: 1e-5}
	var list []mask.Learned
	for _, all := range []bool{true, false} {
		for _, depth := range []int{1, 2} {
			a := base
			a.AllLayers, a.Depth, a.Width = all, depth, 8*(depth-1)
			list = append(list, a)
		}
	}
	return list
}

// zeroShare is the share of zeros in a fresh mask.
func zeroShare(a mask.Learned, seed uint64, states [][][]float64) float64 {
	values := plainLearned(a, a.Initial(seed), states)
	zeros := 0
	for _, m := range values {
		if m == 0 {
			zeros++
		}
	}
	return float64(zeros) / float64(len(values))
}
