package engine

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// TestHalfPrecisionProducts: products in bfloat16 and float16 are those in float32 but for rounding, whatever the axes and
// sizes, on every engine that computes these types.
func TestHalfPrecisionProducts(t *testing.T) {
	for _, opened := range append(otherEngines(t), mustOpen(t, "go")) {
		for _, dtype := range []dtypes.DType{dtypes.BFloat16, dtypes.Float16} {
			for _, size := range []int{3, 16, 31, 64, 200} {
				exec := MustNewExec(opened.Backend(), func(x, y *Node) []*Node {
					var results []*Node
					for _, form := range []func(x, y *Node) *Node{
						func(x, y *Node) *Node { return DotGeneral(x, []int{1}, nil, y, []int{1}, nil) },
						func(x, y *Node) *Node { return DotGeneral(x, []int{1}, nil, y, []int{0}, nil) },
						func(x, y *Node) *Node { return DotGeneral(x, []int{0}, nil, y, []int{0}, nil) },
						func(x, y *Node) *Node {
							four := func(z *Node) *Node { return BroadcastToDims(InsertAxes(z, 0, 0), 2, 3, size, size) }
							return ReduceSum(Einsum("bhqd,bhkd->bhqk", four(x), four(y)), 0, 1)
						},
					} {
						half := ConvertDType(form(ConvertDType(x, dtype), ConvertDType(y, dtype)), dtypes.Float32)
						results = append(results, ReduceAllMax(Abs(Sub(half, form(x, y)))))
					}
					return results
				})
				x, y := make([]float32, size*size), make([]float32, size*size)
				for i := range x { // numbers that both types hold exactly
					x[i] = float32(math.Round(8*math.Sin(1.7*float64(i)+0.3))) / 8
					y[i] = float32(math.Round(8*math.Cos(2.3*float64(i)+0.2))) / 8
				}
				results, err := exec.Call(tensors.FromFlatDataAndDimensions(x, size, size), tensors.FromFlatDataAndDimensions(y, size, size))
				if err != nil {
					t.Fatalf("%s: %v", opened.Name(), err)
				}
				for form, result := range results {
					// Rounding the result to eight bits, six times over in the last form.
					if off := tensors.ToScalar[float32](result); !(float64(off) < 0.02*math.Sqrt(float64(size))*6) {
						t.Errorf("%s: %s, %d by %d, form %d: off by %g", opened.Name(), dtype, size, size, form, off)
					}
				}
				exec.Finalize()
			}
		}
	}
}
