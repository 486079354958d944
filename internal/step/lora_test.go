package step

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/device"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/loss"
	"github.com/sparsepo/sparsepo/model"
)

// adapterScale is what lora and rsLoRA multiply the product by, in the tests' settings.
var adapterScale = 5 / math.Sqrt(3)

// adaptedNetwork is the policy of a golden case with an adapter on every linear layer whose both matrices are random, and the
// same network with the adapter off.
func adaptedNetwork(t *testing.T, e golden.Engine, store *gomodel.Store, folder string, b model.Binding) (on, off *model.Network) {
	t.Helper()
	checkpoint, err := model.Open(filepath.Join(folder, "policy"))
	if err != nil {
		t.Fatal(err)
	}
	defer checkpoint.Close()
	if off, err = checkpoint.Bind(e.Backend, store, "/policy", b); err != nil {
		t.Fatal(err)
	}
	adapter := model.NewAdapter(model.LoRA{Rank: 3, Alpha: 5, RankStabilised: true, Targets: []string{model.AllLinear}}, "base", 7)
	if on, err = off.Adapt(e.Backend, store, "/adapter", adapter, true); err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(9, 9))
	for _, v := range on.Trained() {
		values := make([]float32, v.Shape().Size())
		for i := range values {
			values[i] = float32(0.1 * rnd.NormFloat64())
		}
		placed, err := device.Float32(e.Backend, values, v.Dims...)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.SetValue(placed); err != nil {
			t.Fatal(err)
		}
	}
	return on, off
}

// dpoFixture is DPO on a golden case's pairs.
func dpoFixture(t *testing.T, e golden.Engine, store *gomodel.Store, folder string, policy, reference *model.Network, recompute bool) *fixture {
	t.Helper()
	objective, _ := loss.Lookup("dpo")
	settings := Settings{Objective: objective, Options: loss.Options{Beta: 0.3}, Optimiser: Optimiser{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}, Recompute: recompute}
	program, err := New(e.Backend, store, policy, reference, settings, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(program.Close)
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
	batch, err := data.Collate(pairs, data.Fit(pairs, len(pairs), data.SharedPrompt))
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{Program: program, batch: batch, policy: policy}
}

// trainingGradients gives the gradients that an update uses.
func (f *fixture) trainingGradients(t *testing.T, e golden.Engine, noise func() float32) map[string][]float32 {
	t.Helper()
	exec, err := gomodel.NewExec(e.Backend, f.store, func(_ *gomodel.Scope, nodes []*Node) []*Node {
		_, gradients := f.gradients(f.newInputs(nodes))
		return gradients
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	out, err := exec.Call(fed(t, f.Program, &f.batch, noise)...)
	if err != nil {
		t.Fatal(err)
	}
	joined, err := f.policy.Join(f.policy.Trained(), func(i int) ([]float32, error) { return tensors.CopyFlatData[float32](out[i]) })
	if err != nil {
		t.Fatal(err)
	}
	return joined
}

// joinedGradients gives the gradients under the names of the files' tensors.
func (f *fixture) joinedGradients(t *testing.T, e golden.Engine) (Values, map[string][]float32) {
	t.Helper()
	values, out := f.evaluate(t, e)
	joined, err := f.policy.Join(f.policy.Trained(), func(i int) ([]float32, error) { return tensors.CopyFlatData[float32](out[i]) })
	if err != nil {
		t.Fatal(err)
	}
	return values, joined
}

// An adapter saved and merged is a whole model that computes what the adapted one does, and the adapter's gradients are those
// of the merged weights by the chain rule: s·G·Aᵀ for B and s·Bᵀ·G for A.
func TestAdapterOfEveryFamily(t *testing.T) {
	for _, family := range golden.Families(t) {
		t.Run(family, func(t *testing.T) {
			folder := golden.Shared(t, "golden", family)
			golden.Engines(t, func(t *testing.T, e golden.Engine) {
				if e.Name != "go" && family != "gpt2" && family != "gpt_neox" {
					return // preparing a graph takes long; between them these two have every form of layer
				}
				checkAdapter(t, e, folder)
			})
		})
	}
}

func checkAdapter(t *testing.T, e golden.Engine, folder string) {
	store := gomodel.NewStore()
	on, off := adaptedNetwork(t, e, store, folder, model.Binding{})
	adapted, gradients := dpoFixture(t, e, store, folder, on, off, false).joinedGradients(t, e)
	saved := t.TempDir()
	if err := on.Save(saved); err != nil {
		t.Fatal(err)
	}
	matrices, err := on.Values()
	if err != nil {
		t.Fatal(err)
	}

	merged := mergedNetwork(t, e, store, folder, saved)
	whole, full := dpoFixture(t, e, store, folder, merged, off, false).joinedGradients(t, e)
	pairs := len(whole.Loss)
	for i := range pairs {
		golden.Close(t, "loss of the merged model", float64(whole.Loss[i]), float64(adapted.Loss[i]), 1e-5*e.Slack)
	}
	moved := false
	for i, v := range adapted.LogProb {
		golden.Close(t, "log-probability of the merged model", float64(whole.LogProb[i]), float64(v), 2e-5*e.Slack)
		moved = moved || math.Abs(float64(v-adapted.Reference[i])) > 1e-2
	}
	if !moved {
		t.Error("the adapter changes nothing")
	}
	checked := 0
	for name, a := range matrices {
		module, isDown := strings.CutSuffix(name, ".lora_A.weight")
		if !isDown {
			continue
		}
		b := matrices[module+".lora_B.weight"]
		in, out := len(a)/3, len(b)/3
		weight := full[module+".weight"]
		if len(weight) == 0 {
			weight = full[strings.TrimPrefix(module, "transformer.")+".weight"]
		}
		g := func(o, i int) float64 { return float64(weight[o*in+i]) }
		if strings.HasPrefix(filepath.Base(folder), "gpt2") {
			g = func(o, i int) float64 { return float64(weight[i*out+o]) }
		}
		for k := range 3 {
			for i := range in {
				want := 0.0
				for o := range out {
					want += adapterScale * float64(b[o*3+k]) * g(o, i)
				}
				golden.Close(t, "gradient of "+name, float64(gradients[name][k*in+i]), want, 2e-6*e.Slack)
			}
			for o := range out {
				want := 0.0
				for i := range in {
					want += adapterScale * float64(a[k*in+i]) * g(o, i)
				}
				golden.Close(t, "gradient of B of "+module, float64(gradients[module+".lora_B.weight"][o*3+k]), want, 2e-6*e.Slack)
			}
		}
		checked++
	}
	if checked < 4 {
		t.Errorf("%d layers checked", checked)
	}
}

// mergedNetwork opens the saved adapter, merges it, and binds the merged folder.
func mergedNetwork(t *testing.T, e golden.Engine, store *gomodel.Store, folder, saved string) *model.Network {
	t.Helper()
	base, err := model.Open(filepath.Join(folder, "policy"))
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	adapter, err := model.OpenAdapter(saved)
	if err != nil {
		t.Fatal(err)
	}
	defer adapter.Close()
	out := t.TempDir()
	if err := base.Merge(adapter, out); err != nil {
		t.Fatal(err)
	}
	checkpoint, err := model.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer checkpoint.Close()
	merged, err := checkpoint.Bind(e.Backend, store, "/merged", model.Binding{Trainable: true})
	if err != nil {
		t.Fatal(err)
	}
	return merged
}

// Recomputed activations are the same ones: gradient checkpointing changes no gradient, with an adapter or without.
func TestRecompute(t *testing.T) {
	for _, family := range golden.Families(t) {
		if strings.Contains(family, "-") {
			continue
		}
		t.Run(family, func(t *testing.T) {
			folder := golden.Shared(t, "golden", family)
			golden.Engines(t, func(t *testing.T, e golden.Engine) {
				if e.Name != "go" && family != "gpt2" {
					return // preparing a graph takes long
				}
				for _, trainAll := range []bool{false, true} {
					store := gomodel.NewStore()
					on, off := adaptedNetwork(t, e, store, folder, model.Binding{Trainable: trainAll})
					policy := on
					if trainAll {
						policy = off
					}
					want := dpoFixture(t, e, store, folder, policy, on, false).trainingGradients(t, e, nil)
					got := dpoFixture(t, e, store, folder, policy, on, true).trainingGradients(t, e, nil)
					for name, values := range want {
						for i, v := range values {
							golden.Close(t, "gradient of "+name, float64(got[name][i]), float64(v), 1e-6*e.Slack)
						}
					}
				}
			})
		})
	}
}
