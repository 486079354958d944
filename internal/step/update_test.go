package step

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/loss"
	"github.com/sparsepo/sparsepo/model"
)

func values(t testing.TB, n *model.Network) map[string][]float32 {
	t.Helper()
	v, err := n.Values()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Updates move the policy and the masks and leave the reference as it was, bit for bit.
func TestUpdateLeavesTheReferenceAlone(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for _, o := range loss.All() {
			if e.Name != "go" && o.Name != "sparse-independent" {
				continue // preparing a graph takes long, and the graphs are the same
			}
			t.Run(o.Name, func(t *testing.T) {
				p := smallProgram(t, e, o, Settings{Optimiser: Optimiser{WeightDecay: 0.1, MaskWeightDecay: 0.1, MaxGradNorm: 1}})
				policy, reference := values(t, p.Policy), values(t, p.Reference)
				masks, err := p.MaskTensors()
				if err != nil {
					t.Fatal(err)
				}
				b := collate(t, invariantPairs, data.Fit(invariantPairs, 4, data.SharedPrompt))
				for step := range 3 {
					if _, _, err := p.Update([]*data.Batch{b}, Rates{Policy: 0.01, Mask: 0.01, Step: step + 1}, noiseOf(b)); err != nil {
						t.Fatal(err)
					}
				}
				if diff := cmp.Diff(reference, values(t, p.Reference)); diff != "" {
					t.Errorf("the reference moved (-before +after):\n%s", diff)
				}
				for name, after := range values(t, p.Policy) {
					if slices.Equal(policy[name], after) {
						t.Errorf("policy tensor %s did not move", name)
					}
				}
				moved, err := p.MaskTensors()
				if err != nil {
					t.Fatal(err)
				}
				if len(moved) != 5*len(maskNames(o.Mask)) {
					t.Errorf("%d mask tensors, want 5 for each of the masks %q", len(moved), maskNames(o.Mask))
				}
				for i, after := range moved {
					if slices.Equal(masks[i].Values, after.Values) {
						t.Errorf("mask tensor %s did not move", after.Name)
					}
				}
				if got := p.Graphs(); got["gradient"]+got["update"] != 1 || got["evaluate"] != 0 {
					t.Errorf("graphs %v, want one for the updates", got)
				}
			})
		}
	})
}

// AdamW in place on the host and in a graph give the same weights and moments, with accumulation, clipping and decay too.
func TestAdamWInPlace(t *testing.T) {
	objective, _ := loss.Lookup("sparse-independent")
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for _, o := range []Optimiser{
			{Beta1: 0.9, Beta2: 0.99, Epsilon: 1e-8, WeightDecay: 0.1, MaskWeightDecay: 0.2, MaxGradNorm: 0.05},
			{Beta1: 0.9, Beta2: 0.99, Epsilon: 1e-8, WeightDecay: 0.1, MaskWeightDecay: 0.2},
		} {
			for _, accumulated := range []bool{false, true} {
				if e.Name != "go" && !accumulated {
					continue // preparing a graph takes long
				}
				var after [2]map[string][]float32
				for i, inPlace := range []bool{true, false} {
					p := smallProgram(t, e, objective, Settings{Optimiser: o})
					if !p.inPlace {
						t.Skip("skipped: this engine does not share its memory")
					}
					p.inPlace = inPlace
					b := collate(t, invariantPairs, data.Fit(invariantPairs, 4, data.SharedPrompt))
					micro := []*data.Batch{b}
					if accumulated {
						micro = []*data.Batch{b, b}
					}
					for step := range 3 {
						if _, _, err := p.Update(micro, Rates{Policy: 0.01, Mask: 0.02, Step: step + 1}, noiseOf(b)); err != nil {
							t.Fatal(err)
						}
					}
					after[i] = values(t, p.Policy)
					masks, err := p.MaskTensors()
					if err != nil {
						t.Fatal(err)
					}
					for _, m := range masks {
						after[i]["mask."+m.Name] = m.Values
					}
				}
				for name, want := range after[1] {
					for i, v := range want {
						golden.Close(t, name, float64(after[0][name][i]), float64(v), 2e-4)
					}
				}
			}
		}
	})
}
