package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/sparsepo/sparsepo/internal/onnxgraph"
)

// improving opens ONNX Runtime, the Go engine to compare with, and what the former makes of the graph that it prepared last.
func improving(t *testing.T) (opened, reference *Engine, summary *onnxgraph.Summary) {
	t.Helper()
	opened, err := Open("onnx")
	if err != nil {
		t.Skipf("skipped: engine onnx is not here (`make engine` installs ONNX Runtime): %v", err)
	}
	if reference, err = Open("go"); err != nil {
		t.Fatal(err)
	}
	summary = &onnxgraph.Summary{}
	adapter := opened.Backend().(*adapted)
	improve := adapter.improve
	t.Cleanup(func() { adapter.improve = improve })
	adapter.improve = func(b compute.Builder) { *summary = onnxgraph.Improve(b, true) }
	return opened, reference, summary
}

// randomGraph adds operations drawn at random to a list of values, all with the elements of one space: whole, one a row, or
// turned the other way. It returns a few of them, and writes down what it did.
func randomGraph(rnd *rand.Rand, x, y, w *Node) ([]*Node, string) {
	rows, heads, columns := x.Shape().Dim(0), x.Shape().Dim(1), x.Shape().Dim(2)
	full, perRow := []*Node{x, y}, []*Node{ReduceMean(x, -1)}
	var text strings.Builder
	pick := func(list []*Node) *Node { return list[rnd.IntN(len(list))] }
	spread := func(r *Node) *Node { return BroadcastToShape(InsertAxes(r, -1), x.Shape()) }
	for range 10 {
		a, b := pick(full), pick(full)
		kind := rnd.IntN(14)
		fmt.Fprintf(&text, " %d", kind)
		switch kind {
		case 0:
			full = append(full, Add(a, b))
		case 1:
			full = append(full, Tanh(Mul(a, b)))
		case 2:
			full = append(full, Tanh(Sub(a, spread(pick(perRow)))))
		case 3:
			full = append(full, Exp(Neg(Abs(a))))
		case 4:
			full = append(full, Where(GreaterThan(a, b), a, MulScalar(b, 0.5)))
		case 5:
			full = append(full, Div(a, AddScalar(Mul(b, b), 1)))
		case 6:
			full = append(full, Add(a, BroadcastToShape(Reshape(w, 1, 1, columns), x.Shape())))
		case 7: // through other axes and back
			turned := TransposeAllDims(a, 1, 0, 2)
			full = append(full, TransposeAllDims(Reshape(Erf(turned), heads, rows, columns), 1, 0, 2))
		case 8:
			perRow = append(perRow, Log(AddScalar(ReduceMean(Mul(a, a), -1), 1)))
		case 9:
			perRow = append(perRow, Tanh(Mul(ReduceMax(a, -1), pick(perRow))))
		case 10:
			perRow = append(perRow, Tanh(ReduceMean(Mul(a, b), -1)))
		case 11: // a product between, so that kernels come before and after it
			full = append(full, Tanh(Reshape(MatMul(Reshape(a, rows*heads, columns), BroadcastToShape(MulScalar(Reshape(w, columns, 1), 0.1/math.Sqrt(float64(columns))), shapes.Make(dtypes.Float32, columns, columns))), rows, heads, columns)))
		case 12:
			full = append(full, Softmax(a, -1))
		case 13:
			full = append(full, Tanh(Mul(a, spread(pick(perRow)))))
		}
	}
	return []*Node{pick(full), full[len(full)-1], pick(perRow), ReduceAllMean(Tanh(full[len(full)-1]))}, text.String()
}

// TestRandomGraphs: graphs of elementwise operations give what the Go engine gives, in values and gradients, whatever is
// fused with what; with rows shorter and longer than a kernel's tile, and axes of length one.
func TestRandomGraphs(t *testing.T) {
	opened, err := Open("onnx")
	if err != nil {
		t.Skipf("skipped: engine onnx is not here (`make engine` installs ONNX Runtime): %v", err)
	}
	reference, err := Open("go")
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(60) {
		columns := []int{1, 5, 64, 1024, 1500}[seed%5]
		rows, heads := []int{3, 3, 1, 5}[seed%4], []int{4, 1, 4, 1}[seed%4]
		var text string
		compute := func(backend compute.Backend) [][]float32 {
			exec, err := NewExec(backend, func(x, y, w *Node) []*Node {
				outputs, done := randomGraph(rand.New(rand.NewPCG(seed, 3)), x, y, w)
				text = done
				return append(outputs, Gradient(Add(outputs[3], ReduceAllMean(outputs[2])), x, y, w)...)
			})
			if err != nil {
				t.Fatal(err)
			}
			defer exec.Finalize()
			rnd := rand.New(rand.NewPCG(seed, 4))
			argument := func(dims ...int) any {
				list := make([]float32, shapes.Make(dtypes.Float32, dims...).Size())
				for i := range list {
					list[i] = float32(rnd.NormFloat64())
				}
				return tensors.FromFlatDataAndDimensions(list, dims...)
			}
			out, err := exec.Call(argument(rows, heads, columns), argument(rows, heads, columns), argument(columns))
			if err != nil {
				t.Fatalf("seed %d:%s: %v", seed, text, err)
			}
			var lists [][]float32
			for _, o := range out {
				lists = append(lists, tensors.MustCopyFlatData[float32](o))
			}
			return lists
		}
		want, got := compute(reference.Backend()), compute(opened.Backend())
		for i := range want {
			size := 1.0
			for _, v := range want[i] {
				size = max(size, math.Abs(float64(v)))
			}
			if i == 3 { // the Go engine adds up 18,000 numbers one after the other
				size = 20
			}
			for j, v := range want[i] {
				if d := math.Abs(float64(v) - float64(got[i][j])); !(d <= 3e-5*size) && !math.IsNaN(float64(v)) {
					t.Fatalf("seed %d:%s: output %d, element %d is %g, want %g", seed, text, i, j, got[i][j], v)
				}
			}
		}
	}
}

// TestImprove: a softmax is one kernel, what no output needs goes, and a product reads its operands as they lie.
func TestImprove(t *testing.T) {
	opened, _, summary := improving(t)
	for _, c := range []struct {
		name    string
		build   func(x *Node) *Node
		after   int // without the input
		kernels int
	}{
		{"softmax", func(x *Node) *Node { Exp(Neg(x)); return Softmax(x, -1) }, 1, 1},
		{"softmax of single rows", func(x *Node) *Node { return Softmax(InsertAxes(x, 1), -1) }, 1, 1},
		{"product", func(x *Node) *Node { return MatMul(TransposeAllDims(x, 1, 0), x) }, 1, 0},
		{"turned product", func(x *Node) *Node { return TransposeAllDims(MatMul(TransposeAllDims(x, 1, 0), x), 1, 0) }, 1, 0},
		{"around a product", func(x *Node) *Node { return Tanh(MatMul(Exp(x), TransposeAllDims(x, 1, 0))) }, 3, 2},
	} {
		exec, err := NewExec(opened.Backend(), c.build)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := exec.Call1([][]float32{{1, 2, 3}, {4, 5, 6}}); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		exec.Finalize()
		if summary.After != c.after+1 || summary.Kernels != c.kernels {
			t.Errorf("%s: %d operations of %d and %d kernels, want %d and %d; has compute-onnx changed?", c.name, summary.After-1, summary.Before-1, summary.Kernels, c.after, c.kernels)
		}
	}
}
