package activation

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/sparsepo/sparsepo/internal/golden"
)

func TestFunctions(t *testing.T) {
	normal := func(x float64) float64 { return x * math.Erfc(-x/math.Sqrt2) / 2 }
	approximate := func(x float64) float64 { return x / (1 + math.Exp(-2*math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))) }
	wants := map[string]func(float64) float64{
		"gelu": normal, "gelu_new": approximate, "gelu_fast": approximate, "gelu_pytorch_tanh": approximate,
		"relu": func(x float64) float64 { return max(x, 0) },
		"silu": func(x float64) float64 { return x / (1 + math.Exp(-x)) },
	}
	inputs := []float32{-5, -1.5, -0.25, 0, 0.125, 1, 3.5}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for _, name := range Names() {
			want := wants[name]
			if want == nil {
				t.Errorf("%s: no formula to compare with", name)
				continue
			}
			got, err := CallOnce(e.Backend, func(x *Node) *Node { return Functions[name](x) }, inputs)
			if err != nil {
				t.Fatal(err)
			}
			var values []float64
			for _, x := range inputs {
				values = append(values, want(float64(x)))
			}
			golden.CloseAll(t, name, got.Value().([]float32), values, 1e-6)
		}
	})
}
