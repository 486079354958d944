package step

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/usage"
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

// Training in bfloat16 moves the loss as float32 does: an adapter on a frozen bfloat16 base, and all weights, which stay
// float32. An engine that would compute float32 instead refuses.
func TestBFloat16Training(t *testing.T) {
	for _, family := range []string{"gpt2", "llama"} {
		t.Run(family, func(t *testing.T) {
			folder := golden.Shared(t, "golden", family)
			golden.Engines(t, func(t *testing.T, e golden.Engine) {
				if !engine.BFloat16(e.Backend) {
					checkpoint, err := model.Open(filepath.Join(folder, "policy"))
					if err != nil {
						t.Fatal(err)
					}
					defer checkpoint.Close()
					_, err = checkpoint.Bind(e.Backend, gomodel.NewStore(), "/policy", model.Binding{DType: dtypes.BFloat16})
					if !usage.Is(err) || !strings.Contains(err.Error(), "dtype float32") {
						t.Errorf("error %v, want advice", err)
					}
					return
				}
				for _, all := range []bool{false, true} {
					want := adapterLosses(t, e, folder, model.Binding{Trainable: all}, false)
					got := adapterLosses(t, e, folder, model.Binding{Trainable: all, DType: dtypes.BFloat16}, true)
					moved := want[0] - want[len(want)-1]
					if moved < 0.05 {
						t.Fatalf("the loss moves by %g only", moved)
					}
					for i := range want {
						golden.Close(t, "loss in bfloat16", got[i], want[i], 0.15*moved+0.01)
					}
				}
			})
		})
	}
}

// adapterLosses trains a fresh adapter, or all weights where the binding says so, with DPO and gives the loss before each step.
func adapterLosses(t *testing.T, e golden.Engine, folder string, b model.Binding, recompute bool) []float64 {
	t.Helper()
	store := gomodel.NewStore()
	reference, off := adaptedNetwork(t, e, store, folder, b)
	on, rate := off, 1e-4
	if !b.Trainable {
		adapter := model.NewAdapter(model.LoRA{Rank: 4, Alpha: 8}, "base", 7)
		var err error
		if on, err = off.Adapt(e.Backend, store, "/fresh", adapter, true); err != nil {
			t.Fatal(err)
		}
		reference, rate = off, 1e-2
	}
	f := dpoFixture(t, e, store, folder, on, reference, recompute)
	var losses []float64
	for step := range 8 {
		values, _, err := f.Update([]*data.Batch{&f.batch}, Rates{Policy: rate, Step: step + 1}, nil)
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
