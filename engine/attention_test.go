package engine

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// overCache is attention of one new position a row over a cache, as package model computes it.
//
//	q           [rows, heads·queries, 1, width]
//	k, v        [rows, heads, 1, width]
//	keys, values  [rows, heads, positions, width]
//	bias        [rows, 1, 1, positions + 1]
func overCache(q, k, v, keys, values, bias *Node) *Node {
	rows, heads, positions, width := keys.Shape().Dim(0), keys.Shape().Dim(1), keys.Shape().Dim(2), keys.Shape().Dim(3)
	all := q.Shape().Dim(1)
	q = Reshape(q, rows, heads, all/heads, width)
	perHead := func(x, y *Node, axis int) *Node {
		return Dot(x, y).WithAccumulatorDType(dtypes.InvalidDType).General([]int{3}, []int{0, 1}, []int{axis}, []int{0, 1})
	}
	own := ReduceAndKeep(Mul(q, BroadcastToShape(k, q.Shape())), ReduceSum, -1)
	scores := MulScalar(Concatenate([]*Node{perHead(q, keys, 3), own}, 3), 1/math.Sqrt(float64(width)))
	shares := Softmax(Add(Reshape(scores, rows, all, 1, positions+1), bias), -1)
	shares = Reshape(shares, rows, heads, all/heads, positions+1)
	of := func(part SliceAxisSpec) *Node { return Slice(shares, AxisRange(), AxisRange(), AxisRange(), part) }
	sum := perHead(of(AxisRange(0, positions)), values, 2)
	sum = Add(sum, Mul(BroadcastToShape(of(AxisRange(-1)), sum.Shape()), BroadcastToShape(v, sum.Shape())))
	return Reshape(TransposeAllDims(Reshape(sum, rows, all, 1, width), 0, 2, 1, 3), rows, 1, all*width)
}

// TestAttentionOverCache: attention over a cache is one operation, which gives what the Go engine gives, whatever a row sees.
func TestAttentionOverCache(t *testing.T) {
	opened, reference, summary := improving(t)
	const rows = 4
	for _, c := range []struct{ heads, queries, positions, width int }{{2, 1, 7, 20}, {3, 1, 33, 64}, {2, 4, 32, 36}, {1, 8, 19, 1}, {1, 1, 1, 5}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			run := func(backend compute.Backend) []float32 {
				exec, err := NewExec(backend, func(q, k, v, keys, values, sees *Node) *Node {
					bias := shapes.Make(dtypes.Float32, rows, 1, 1, c.positions+1)
					zero := Zeros(q.Graph(), bias)
					return Tanh(overCache(Tanh(q), k, v, keys, values, Where(GreaterThan(sees, zero), zero, AddScalar(zero, -1e9))))
				})
				if err != nil {
					t.Fatal(err)
				}
				defer exec.Finalize()
				sees := make([]float32, 0, rows*(c.positions+1))
				for row := range rows { // none, all, the first third, all but the first and its own
					for at := range c.positions {
						sees = append(sees, []float32{0, 1, float32(min(1, c.positions/(3*at+1))), float32(min(1, at))}[row])
					}
					sees = append(sees, []float32{1, 1, 1, 0}[row])
				}
				out, err := exec.Call1(waves(rows, c.heads*c.queries, 1, c.width), waves(rows, c.heads, 1, c.width), waves(rows, c.heads, 1, c.width),
					waves(rows, c.heads, c.positions, c.width), waves(rows, c.heads, c.positions, c.width),
					tensors.FromFlatDataAndDimensions(sees, rows, 1, 1, c.positions+1))
				if err != nil {
					t.Fatal(err)
				}
				return tensors.MustCopyFlatData[float32](out)
			}
			want, got := run(reference.Backend()), run(opened.Backend())
			for i, v := range want {
				if d := math.Abs(float64(v - got[i])); !(d <= 2e-5) {
					t.Fatalf("element %d is %g, want %g", i, got[i], v)
				}
			}
			// Six inputs, kernels of the queries, the bias and the result, and reshapes where heads share keys.
			if summary.After > 12 {
				t.Errorf("%d operations of %d; has compute-onnx changed?", summary.After, summary.Before)
			}
		})
	}
}
