package engine

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Prove runs a small computation on the engine, the gradient of a sum of tanh(x·w) with respect to w, and returns an error
// unless the numbers are right.
func (e *Engine) Prove() error {
	x := [][]float32{{0.5, -1, 2}, {1.5, 0.25, -0.75}}
	w := [][]float32{{0.1, -0.2}, {0.3, 0.4}, {-0.5, 0.6}}
	exec, err := graph.NewExec(e.backend, func(x, w *graph.Node) *graph.Node {
		sum := graph.ReduceAllSum(graph.Tanh(graph.Dot(x, w).Product()))
		return graph.Gradient(sum, w)[0]
	})
	if err != nil {
		return fmt.Errorf("engine %s: build a small graph: %w", e.Name(), err)
	}
	defer exec.Finalize()
	result, err := exec.Call1(x, w)
	if err != nil {
		return fmt.Errorf("engine %s: run a small graph: %w", e.Name(), err)
	}
	got, err := tensors.CopyFlatData[float32](result)
	if err != nil {
		return fmt.Errorf("engine %s: read the result of a small graph: %w", e.Name(), err)
	}
	return e.compare(got, tanhGradient(x, w))
}

// compare allows for the 10 bits of mantissa that GPUs keep in matrix products.
func (e *Engine) compare(got []float32, want []float64) error {
	const tolerance = 5e-3
	if len(got) != len(want) {
		return fmt.Errorf("engine %s: a small graph returned %d numbers, want %d", e.Name(), len(got), len(want))
	}
	for i := range want {
		if difference := math.Abs(float64(got[i]) - want[i]); !(difference < tolerance) {
			return fmt.Errorf("engine %s computes wrong numbers: element %d of a small gradient is %g, want %g", e.Name(), i, got[i], want[i])
		}
	}
	return nil
}

// tanhGradient is d/dw of the sum of tanh(x·w), row by row: the sum over i of x[i][k]·(1 - tanh²(x[i]·w[:,j])).
func tanhGradient(x, w [][]float32) []float64 {
	var gradient []float64
	for k := range w {
		for j := range w[k] {
			var sum float64
			for i := range x {
				var dot float64
				for l := range w {
					dot += float64(x[i][l]) * float64(w[l][j])
				}
				sum += float64(x[i][k]) * (1 - math.Tanh(dot)*math.Tanh(dot))
			}
			gradient = append(gradient, sum)
		}
	}
	return gradient
}
