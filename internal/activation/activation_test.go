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

// Far from zero, where the exponential of an argument would overflow, functions are 0 or x and their slopes 0 or 1.
func TestFarFromZero(t *testing.T) {
	inputs := []float32{-1e4, -300, -100, -89, 89, 100, 300, 1e4}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for _, name := range Names() {
			exec, err := NewExec(e.Backend, func(x *Node) (y, slope *Node) {
				y = Functions[name](x)
				return y, Gradient(ReduceAllSum(y), x)[0]
			})
			if err != nil {
				t.Fatal(err)
			}
			y, slope, err := exec.Call2(inputs)
			if err != nil {
				t.Fatal(err)
			}
			for i, x := range inputs {
				want := 0.0
				if x > 0 {
					want = 1
				}
				golden.Close(t, name, float64(y.Value().([]float32)[i]), want*float64(x), 1e-6)
				golden.Close(t, "slope of "+name, float64(slope.Value().([]float32)[i]), want, 1e-6)
			}
		}
	})
}
