package mask_test

import (
	"fmt"
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
			{Name: "layer.weight", Dims: []int{3, 8}, Decays: true}, {Name: "layer.bias", Dims: []int{3}},
			{Name: "mixer.weight", Dims: []int{3}, Decays: true},
			{Name: "norm.weight", Dims: []int{8}}, {Name: "norm.bias", Dims: []int{8}},
		}},
		{"last layer", mask.Learned{Hidden: 8, Layers: 3, Depth: 1, Norm: true}, []mask.Param{
			{Name: "layer.weight", Dims: []int{1, 8}, Decays: true}, {Name: "layer.bias", Dims: []int{1}},
			{Name: "norm.weight", Dims: []int{8}}, {Name: "norm.bias", Dims: []int{8}},
		}},
		{"depth 2", mask.Learned{Hidden: 8, Layers: 3, AllLayers: true, Depth: 2, Width: 200, Norm: true}, []mask.Param{
			{Name: "layer.0.weight", Dims: []int{3, 200, 8}, Decays: true}, {Name: "layer.0.bias", Dims: []int{3, 200}},
			{Name: "layer.1.weight", Dims: []int{3, 200}, Decays: true}, {Name: "layer.1.bias", Dims: []int{3}},
			{Name: "mixer.weight", Dims: []int{3}, Decays: true},
			{Name: "norm.weight", Dims: []int{8}}, {Name: "norm.bias", Dims: []int{8}},
		}},
		{"the paper's plain formula", mask.Learned{Hidden: 8, Layers: 3, AllLayers: true, Depth: 1}, []mask.Param{
			{Name: "layer.weight", Dims: []int{3, 8}, Decays: true}, {Name: "layer.bias", Dims: []int{3}},
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

// A fresh mask is alive, whatever the seed and the shape: over random hidden states, some of its values are zero and some
// are not.
func TestInitialIsAlive(t *testing.T) {
	const tokens, seeds = 200, 12
	for _, layers := range []int{1, 2, 3, 6, 12, 24, 36} {
		for _, hidden := range []int{8, 24} {
			for _, form := range []mask.Learned{
				{AllLayers: true, Depth: 1, Norm: true}, {AllLayers: true, Depth: 2, Width: 8, Norm: true}, {Depth: 1, Norm: true}, {Depth: 2, Width: 8, Norm: true},
			} {
				a := form
				a.Layers, a.Hidden, a.Eps = layers, hidden, 1e-5
				t.Run(fmt.Sprintf("%d layers of %d, all %v, depth %d", layers, hidden, a.AllLayers, a.Depth), func(t *testing.T) {
					for seed := range uint64(seeds) {
						states := randomHidden(layers, tokens, hidden, seed+100)
						zeros := 0
						for _, m := range plainLearned(a, a.Initial(seed), states) {
							if m == 0 {
								zeros++
							}
						}
						if share := float64(zeros) / tokens; share < 0.01 || share > 0.99 {
							t.Errorf("seed %d: %.1f %% of the mask is zero, want 1 to 99 %%", seed, 100*share)
						}
					}
				})
			}
		}
	}
}
