package bench

import (
	"fmt"
	"time"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/sparsepo/sparsepo/data"
)

// usefulWork are the floating-point operations that a forward pass over pairs needs, and no more: the prompt of a pair once,
// no padding, only the pairs of positions that see one another, the LM head at response tokens; those of matrix products
// alone.
func usefulWork(pairs []data.TokenPair, w data.Work) float64 {
	total := 0.0
	for _, p := range pairs {
		prompt, seen := float64(len(p.Prompt)), 0.0
		responses := 0.0
		for _, side := range [][]int32{p.Chosen, p.Rejected} {
			n := float64(len(side))
			responses += n
			seen += n*prompt + n*(n+1)/2
		}
		seen += prompt * (prompt + 1) / 2
		total += w.Position*(prompt+responses) + w.Pairing*seen + w.Response*float64(len(p.Learned())+len(p.Rejected))
	}
	return total
}

// productSize is the number of rows and columns of the matrices whose product is the measure of a machine.
const productSize = 2048

// productSpeed is what the engine reaches in a plain product of square matrices of float32, in floating-point operations a
// second: the best of several.
func productSpeed(backend compute.Backend) (float64, error) {
	exec, err := NewExec(backend, func(a, b *Node) *Node { return MatMul(a, b) })
	if err != nil {
		return 0, fmt.Errorf("measure a product: %w", err)
	}
	defer exec.Finalize()
	values := make([]float32, productSize*productSize)
	for i := range values {
		values[i] = float32(i%17) / 17
	}
	a := tensors.FromFlatDataAndDimensions(values, productSize, productSize)
	defer func() { _ = a.FinalizeAll() }()
	best := time.Duration(1<<62 - 1)
	for range 8 {
		start := time.Now()
		out, err := exec.Call1(a, a)
		if err != nil {
			return 0, fmt.Errorf("measure a product: %w", err)
		}
		best = min(best, time.Since(start))
		_ = out.FinalizeAll()
	}
	return 2 * productSize * productSize * productSize / best.Seconds(), nil
}
