package engine

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// TestProductsOfFewRows: products by weights, straight and turned, share one operation, products of single rows have one each,
// and all give what the Go engine gives.
func TestProductsOfFewRows(t *testing.T) {
	opened, reference, summary := improving(t)
	for _, c := range []struct{ rows, after int }{{1, 9}, {7, 13}, {32, 13}, {64, 13}, {65, 14}} {
		rows := c.rows
		t.Run(fmt.Sprint(rows), func(t *testing.T) {
			run := func(backend compute.Backend) [][]float32 {
				exec, err := NewExec(backend, func(x, straight, turned, cache *Node) []*Node {
					y := Tanh(x)
					return []*Node{
						MatMul(y, straight), MatMul(y, TransposeAllDims(turned, 1, 0)), Tanh(MatMul(Reshape(y, 1, rows, 37), Reshape(straight, 1, 37, 50))),
						Einsum("bik,bjk->bij", Reshape(y, rows, 1, 37), cache),
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				defer exec.Finalize()
				out, err := exec.Call(waves(rows, 37), waves(37, 50), waves(70, 37), waves(rows, 9, 37))
				if err != nil {
					t.Fatal(err)
				}
				var lists [][]float32
				for _, o := range out {
					lists = append(lists, tensors.MustCopyFlatData[float32](o))
				}
				return lists
			}
			want, got := run(reference.Backend()), run(opened.Backend())
			for i := range want {
				for j, v := range want[i] {
					if d := math.Abs(float64(v - got[i][j])); !(d <= 2e-5) {
						t.Fatalf("output %d, element %d is %g, want %g", i, j, got[i][j], v)
					}
				}
			}
			if summary.After != c.after {
				t.Errorf("%d operations of %d, want %d; has compute-onnx changed?", summary.After, summary.Before, c.after)
			}
		})
	}
}

// waves is a tensor of numbers between -1 and 1.
func waves(dims ...int) *tensors.Tensor {
	size := 1
	for _, d := range dims {
		size *= d
	}
	list := make([]float32, size)
	for i := range list {
		list[i] = float32(math.Sin(float64(i*i%1009) + float64(size)))
	}
	return tensors.FromFlatDataAndDimensions(list, dims...)
}
