package reward

import (
	"context"
	"errors"
	"math"
	"testing"
)

func TestMinimise(t *testing.T) {
	for _, c := range []struct {
		name     string
		evaluate func(x, gradient []float64) float64
		want     []float64
	}{
		{"ill-conditioned bowl Σ s(x-m)²/2", func(x, g []float64) float64 {
			scale, middle, value := []float64{1, 100, 1e4}, []float64{3, -2, 0.5}, 0.0
			for i := range x {
				g[i] = scale[i] * (x[i] - middle[i])
				value += g[i] * (x[i] - middle[i]) / 2
			}
			return value
		}, []float64{3, -2, 0.5}},
		// One example of each class at z = ±x with penalty x²/2: x = 2σ(-x).
		{"logistic", func(x, g []float64) float64 {
			g[0] = x[0] - 2*sigmoid(-x[0])
			return x[0]*x[0]/2 + 2*softplus(-x[0])
		}, []float64{0.674833}},
	} {
		got := make([]float64, len(c.want))
		if err := minimise(context.Background(), got, c.evaluate, 200, 1e-9); err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if math.Abs(got[i]-c.want[i]) > 1e-5 {
				t.Errorf("%s: x[%d]: got %g, want %g", c.name, i, got[i], c.want[i])
			}
		}
	}
}

func TestMinimiseStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	calls := 0
	err := minimise(ctx, make([]float64, 1), func(x, g []float64) float64 {
		calls++
		cancel()
		g[0] = math.Exp(x[0])
		return math.Exp(x[0])
	}, 1000, 0)
	if !errors.Is(err, context.Canceled) || calls > 2 {
		t.Errorf("got %v after %d evaluations, want an end at the first step", err, calls)
	}
}
