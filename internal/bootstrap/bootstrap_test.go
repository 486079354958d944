package bootstrap

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func TestOf(t *testing.T) {
	hundred := make([]float64, 101) // 100, 99, … 0: the q-quantile is 100 q
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	nan := math.NaN()
	tests := []struct {
		name      string
		values    []float64
		level     float64
		low, high float64
	}{
		{"percentiles", hundred, 0.95, 2.5, 97.5},
		{"half", hundred, 0.5, 25, 75},
		{"one value", []float64{3}, 0.95, 3, 3},
		{"two values are interpolated between", []float64{1, 0}, 0.5, 0.25, 0.75},
		{"equal values", []float64{2, 2, 2}, 0.9, 2, 2},
		{"NaN is left out", []float64{nan, 1, 0, nan}, 0.5, 0.25, 0.75},
		{"nothing", []float64{nan}, 0.5, nan, nan},
	}
	same := func(a, b float64) bool { return math.Abs(a-b) < 1e-12 || math.IsNaN(a) && math.IsNaN(b) }
	for _, test := range tests {
		if got := Of(test.values, test.level); !same(got.Low, test.low) || !same(got.High, test.high) {
			t.Errorf("%s: %v, want %g to %g", test.name, got, test.low, test.high)
		}
	}
	if hundred[0] != 100 {
		t.Error("Of sorted its argument")
	}
}

// The percentiles of 0 … 100 are 2.5 and 97.5; seen from 40 they lie 37.5 below and 57.5 above.
func TestBasic(t *testing.T) {
	values := make([]float64, 101)
	for i := range values {
		values[i] = float64(i)
	}
	for _, test := range []struct{ estimate, low, high float64 }{{50, 2.5, 97.5}, {40, 40 - 57.5, 40 + 37.5}} {
		if got := Basic(test.estimate, values, 0.95); math.Abs(got.Low-test.low)+math.Abs(got.High-test.high) > 1e-12 {
			t.Errorf("around %g: %v, want %g to %g", test.estimate, got, test.low, test.high)
		}
	}
}

func TestIntervalAsJSON(t *testing.T) {
	text, err := json.Marshal(Interval{0.25, 1})
	if err != nil || string(text) != "[0.25,1]" {
		t.Fatalf("%s, %v; want [0.25,1]", text, err)
	}
	var back Interval
	if err := json.Unmarshal(text, &back); err != nil || back != (Interval{0.25, 1}) {
		t.Errorf("read back as %v, %v", back, err)
	}
}

func TestValidate(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
	for _, o := range []Options{{0, 0.95, 1}, {10, 0, 1}, {10, 1, 1}, {10, math.NaN(), 1}} {
		if err := o.Validate(); !usage.Is(err) {
			t.Errorf("%+v: %v, want a usage error", o, err)
		}
	}
}
