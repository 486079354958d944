package step

import (
	"math"
	"testing"

	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/model"
)

// Training an adapter on a four-bit base moves the loss as it does on the base itself, and the reference, which shares that
// base, gives the policy's values as long as the adapter changes nothing.
func TestQuantisedTraining(t *testing.T) {
	for _, family := range []string{"gpt2", "gptj"} {
		t.Run(family, func(t *testing.T) {
			folder := golden.Shared(t, "golden", family)
			golden.Engines(t, func(t *testing.T, e golden.Engine) {
				plain := adapterLosses(t, e, folder, model.Binding{}, false)
				quantised := adapterLosses(t, e, folder, model.Binding{Quantise: true}, false)
				recomputed := adapterLosses(t, e, folder, model.Binding{Quantise: true}, true)
				first, last := plain[0], plain[len(plain)-1]
				golden.Close(t, "first loss", quantised[0], math.Ln2, 1e-5)
				if last > 0.9*first {
					t.Fatalf("the loss moves from %g to %g only", first, last)
				}
				for i := range plain {
					golden.Close(t, "loss on four bits", quantised[i], plain[i], 0.15*(first-last))
					golden.Close(t, "loss with recomputed layers", recomputed[i], quantised[i], 1e-5*e.Slack)
				}
			})
		})
	}
}

// adapterLosses trains a fresh adapter with DPO and gives the loss before each step.
func adapterLosses(t *testing.T, e golden.Engine, folder string, b model.Binding, recompute bool) []float64 {
	t.Helper()
	store := gomodel.NewStore()
	_, off := adaptedNetwork(t, e, store, folder, b)
	adapter := model.NewAdapter(model.LoRA{Rank: 4, Alpha: 8}, "base", 7)
	on, err := off.Adapt(e.Backend, store, "/fresh", adapter, true)
	if err != nil {
		t.Fatal(err)
	}
	f := dpoFixture(t, e, store, folder, on, off, recompute)
	var losses []float64
	for step := range 8 {
		values, _, err := f.Update([]*data.Batch{&f.batch}, Rates{Policy: 1e-2, Step: step + 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i, v := range values[0].Loss {
			sum += float64(v) * float64(f.batch.Weight[i])
		}
		losses = append(losses, sum)
	}
	return losses
}
