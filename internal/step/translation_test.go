//go:build cgo && ((linux && (amd64 || arm64)) || (darwin && arm64))

package step

import (
	"errors"
	"regexp"
	"testing"

	"github.com/gomlx/compute/dtypes"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/translation"
	"github.com/sparsepo/sparsepo/loss"
	"github.com/sparsepo/sparsepo/mask"
	"github.com/sparsepo/sparsepo/model"
)

// translate gives the StableHLO of an optimiser step and an evaluation.
func translate(t *testing.T, text []byte, o loss.Objective, dtype dtypes.DType, recompute bool) []string {
	t.Helper()
	opened, err := engine.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	backend := translation.New(opened.Backend())
	config, err := model.ParseConfig(text)
	if err != nil {
		t.Fatal(err)
	}
	checkpoint, store := model.Random(config, 1), gomodel.NewStore()
	policy, err := checkpoint.Bind(backend, store, "/policy", model.Binding{Trainable: true, DType: dtype})
	if err != nil {
		t.Fatal(err)
	}
	reference, err := checkpoint.Bind(backend, store, "/reference", model.Binding{DType: dtype})
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(backend, store, policy, reference, Settings{
		Objective: o, Options: loss.Options{Beta: 0.1, Alpha: 0.5, Gamma: 0.3, Lambda: 50}, Map: mask.MinMax, Recompute: recompute,
		Learned: mask.Learned{
			Hidden: config.Hidden, Layers: config.Layers, Eps: config.NormEps, AllLayers: true, Depth: 1, Norm: true, Dropout: 0.1,
			Binary: o.Mask == loss.BinaryMask,
		},
		Optimiser: Optimiser{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.01, MaskWeightDecay: 0.01, MaxGradNorm: 1},
	}, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	pairs := []data.TokenPair{{Prompt: []int32{2, 3}, Chosen: []int32{4, 5, 6}, Rejected: []int32{7, 8}}}
	batch, err := data.Collate(pairs, data.Fit(pairs, 2, data.SharedPrompt))
	if err != nil {
		t.Fatal(err)
	}
	noise := func() float32 { return 0.5 }
	if _, _, err := p.Update([]*data.Batch{&batch}, Rates{Step: 1}, noise); !errors.Is(err, translation.ErrTranslated) {
		t.Errorf("update: %v", err)
	}
	if _, err := p.Evaluate(&batch, noise); !errors.Is(err, translation.ErrTranslated) {
		t.Errorf("evaluate: %v", err)
	}
	return backend.Programs
}

// small has a width, 16, that is no other dimension's.
var small = golden.TinyConfigs(golden.Size{Vocab: 24, Hidden: 16, Layers: 2, Heads: 2, Positions: 32})

// TestTranslation: XLA's translation takes every objective and every family, in both types, with activations kept and computed
// again.
func TestTranslation(t *testing.T) {
	for _, o := range loss.All() {
		t.Run(o.Name, func(t *testing.T) { translate(t, small["gpt2"], o, dtypes.Float32, false) })
	}
	o, _ := loss.Lookup("sparse-independent")
	for name, text := range small {
		for _, dtype := range []dtypes.DType{dtypes.Float32, dtypes.BFloat16} {
			t.Run(name+"/"+dtype.String(), func(t *testing.T) { translate(t, text, o, dtype, dtype == dtypes.BFloat16) })
		}
	}
}

// TestBFloat16OnGPUs: with passes in bfloat16 the layers' products are, in the backward pass too, and the gradients of what
// many tokens read, biases and embeddings, are sums in float32.
func TestBFloat16OnGPUs(t *testing.T) {
	o, _ := loss.Lookup("dpo")
	for _, recompute := range []bool{false, true} {
		programs := translate(t, small["gpt2"], o, dtypes.BFloat16, recompute)
		if len(programs) != 2 {
			t.Fatalf("%d programs, want 2", len(programs))
		}
		for _, wrong := range []struct{ what, pattern string }{
			{"product of layers in float32", `"stablehlo\.dot_general"[^"]*\(tensor<(\d+x)*(16|\d+x\d+x\d+x\d+)(x\d+)*xf32>`},
			{"gradient of a bias summed in bfloat16", `dimensions = array<i64: 0> } : \(tensor<\d+x(16|64)xbf16>`},
			{"gradient of an embedding summed in bfloat16", `\(tensor<(24|32)x16xbf16>, tensor<[0-9x]*xi64>, tensor<[0-9x]*xbf16>\) -> tensor<(24|32)x16xbf16>`},
		} {
			if found := regexp.MustCompile(wrong.pattern).FindString(programs[0]); found != "" {
				t.Errorf("%s: %s", wrong.what, found)
			}
		}
		if !regexp.MustCompile(`"stablehlo\.dot_general"[^"]*\(tensor<[0-9x]*x16xbf16>`).MatchString(programs[0]) {
			t.Error("no product in bfloat16")
		}
	}
}
