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

// operation is one row of the parity table: a small graph of the operation in the forms in which the project uses it.
// TestGraphOperations lets the project use no operation that is called in no row of this file.
type operation struct {
	name   string
	build  func(x, y *Node) *Node // x [2 3 4] and y [2 4 3] are float; the result has any type
	values bool                   // no gradient: the result is constant, or not a float
	custom bool                   // the gradient is not the derivative, on purpose
}

var operations = []operation{
	// Elementwise.
	{name: "arithmetic", build: func(x, y *Node) *Node {
		z := TransposeAllDims(y, 0, 2, 1)
		return Add(Mul(x, z), Div(Sub(x, z), AddScalar(Square(z), 2)))
	}},
	{name: "broadcast arithmetic", build: func(x, y *Node) *Node { return Mul(x, ReduceAndKeep(Add(x, x), ReduceSum, -1)) }},
	{name: "scalars", build: func(x, _ *Node) *Node {
		return Neg(SubScalar(DivScalar(MulScalar(AddScalar(x, 2), 3), 7), 0.25))
	}},
	{name: "one plus and minus", build: func(x, _ *Node) *Node { return Mul(OneMinus(x), OnePlus(x)) }},
	{name: "exp log", build: func(x, _ *Node) *Node { return Log(AddScalar(Exp(x), 0.5)) }},
	{name: "log1p", build: func(x, _ *Node) *Node { return Log1P(Exp(x)) }},
	{name: "softplus, stable", build: func(x, _ *Node) *Node { return Add(Max(x, ZerosLike(x)), Log1P(Exp(Neg(Abs(x))))) }},
	{name: "tanh", build: func(x, _ *Node) *Node { return Tanh(x) }},
	{name: "erf", build: func(x, _ *Node) *Node { return Erf(x) }},
	{name: "sigmoid", build: func(x, _ *Node) *Node { return Sigmoid(x) }},
	{name: "sqrt", build: func(x, _ *Node) *Node { return Sqrt(AddScalar(Square(x), 0.5)) }},
	{name: "power", build: func(x, _ *Node) *Node {
		return Pow(AddScalar(Abs(x), 0.5), MulScalar(OnesLike(x), 1.5))
	}},
	{name: "cosine sine", build: func(x, _ *Node) *Node { return Add(Cos(x), Mul(x, Sin(x))) }},
	{name: "abs sign", build: func(x, _ *Node) *Node { return Mul(Sign(x), Add(x, Abs(x))) }},
	{name: "max min", build: func(x, y *Node) *Node {
		z := TransposeAllDims(y, 0, 2, 1)
		return Mul(Max(x, z), Min(x, z))
	}},
	{name: "max min with a scalar", build: func(x, _ *Node) *Node { return MaxScalar(MinScalar(x, 0.6), -0.4) }},
	{name: "clip", build: func(x, _ *Node) *Node { return ClipScalar(x, -0.5, 0.6) }},

	// Comparisons, masks, choice.
	{name: "where", build: func(x, _ *Node) *Node { return Where(GreaterThan(x, ZerosLike(x)), Square(x), MulScalar(x, 3)) }},
	{name: "where with infinities masked on input", build: func(x, _ *Node) *Node {
		real := GreaterThan(x, MulScalar(OnesLike(x), 0.2))
		return Where(real, Log(Where(real, x, OnesLike(x))), ZerosLike(x))
	}},
	{name: "comparisons", values: true, build: func(x, _ *Node) *Node {
		zero := ZerosLike(x)
		number := func(b *Node) *Node { return ConvertDType(b, x.DType()) }
		sum := Add(number(GreaterThan(x, zero)), MulScalar(number(GreaterOrEqual(zero, x)), 2))
		sum = Add(sum, MulScalar(number(LessThan(x, MulScalar(OnesLike(x), 0.5))), 4))
		sum = Add(sum, MulScalar(number(LessOrEqual(x, x)), 8))
		return Add(sum, Add(MulScalar(number(Equal(x, Abs(x))), 16), MulScalar(number(NotEqual(x, Abs(x))), 32)))
	}},
	{name: "equal on integers", values: true, build: func(x, _ *Node) *Node {
		shape := shapes.Make(dtypes.Int64, 3, 4)
		return Equal(Iota(x.Graph(), shape, 0), Iota(x.Graph(), shape, 1))
	}},
	{name: "and or not", values: true, build: func(x, _ *Node) *Node {
		positive, large := GreaterThan(x, ZerosLike(x)), GreaterThan(Abs(x), MulScalar(OnesLike(x), 0.5))
		return Or(And(positive, Not(large)), LogicalNot(Or(positive, large)))
	}},
	{name: "boolean broadcast", build: func(x, _ *Node) *Node {
		mask := Const(x.Graph(), []bool{true, false, true, true})
		return Where(BroadcastToShape(ExpandLeftToRank(mask, 3), shapes.Make(dtypes.Bool, 2, 3, 4)), x, ZerosLike(x))
	}},
	{name: "causal mask", build: func(x, _ *Node) *Node {
		shape := shapes.Make(dtypes.Int64, 2, 3, 4)
		visible := GreaterOrEqual(Iota(x.Graph(), shape, 1), Iota(x.Graph(), shape, 2))
		return Softmax(Where(visible, x, MulScalar(OnesLike(x), -1e9)), -1)
	}},

	// Reductions and softmax.
	{name: "sum mean", build: func(x, _ *Node) *Node { return Mul(ReduceSum(Square(x), -1), ReduceMean(x, 2)) }},
	{name: "max over an axis", build: func(x, _ *Node) *Node { return ReduceMax(x, -1) }},
	{name: "min over two axes", build: func(x, _ *Node) *Node { return ReduceMin(x, 1, 2) }},
	{name: "max kept", build: func(x, _ *Node) *Node { return Sub(x, ReduceAndKeep(x, ReduceMax, -1)) }},
	{name: "reduce all", build: func(x, _ *Node) *Node {
		return Add(Add(ReduceAllSum(x), ReduceAllMean(Square(x))), Mul(ReduceAllMax(x), ReduceAllMin(x)))
	}},
	{name: "arg max", values: true, build: func(x, _ *Node) *Node { return ArgMax(x, -1, dtypes.Int64) }},
	{name: "softmax", build: func(x, _ *Node) *Node { return Softmax(x, -1) }},
	{name: "log softmax", build: func(x, _ *Node) *Node { return LogSoftmax(x, -1) }},
	{name: "layer norm", build: func(x, _ *Node) *Node {
		centred := Sub(x, ReduceAndKeep(x, ReduceMean, -1))
		return Div(centred, Sqrt(AddScalar(ReduceAndKeep(Square(centred), ReduceMean, -1), 1e-5)))
	}},

	// Contractions.
	{name: "dense", build: func(x, y *Node) *Node {
		return DotGeneral(Reshape(x, 6, 4), []int{1}, nil, Reshape(y, 4, 6), []int{0}, nil)
	}},
	{name: "tied head", build: func(x, y *Node) *Node {
		return DotGeneral(Reshape(x, 6, 4), []int{1}, nil, Reshape(y, 6, 4), []int{1}, nil)
	}},
	{name: "dot product", build: func(x, y *Node) *Node { return Dot(Reshape(x, 6, 4), Reshape(y, 4, 6)).Product() }},
	{name: "matrix product", build: func(x, y *Node) *Node { return MatMul(x, y) }},
	{name: "batched dot general", build: func(x, y *Node) *Node { return DotGeneral(x, []int{2}, []int{0}, y, []int{1}, []int{0}) }},
	{name: "attention scores", build: func(x, y *Node) *Node {
		return Einsum("bhqd,bhkd->bhqk", Reshape(x, 1, 2, 3, 4), Reshape(y, 1, 2, 3, 4))
	}},
	{name: "attention values", build: func(x, y *Node) *Node {
		return Einsum("bhqk,bhkd->bhqd", Reshape(x, 1, 2, 3, 4), Reshape(y, 1, 2, 4, 3))
	}},
	{name: "heads by layers", build: func(x, y *Node) *Node { return Einsum("lth,lhw->ltw", x, y) }},
	{name: "matrix by vector", build: func(x, y *Node) *Node {
		return Add(Einsum("lth,lh->lt", x, ReduceSum(y, -1)), InsertAxes(Einsum("lt,l->t", ReduceSum(x, -1), ReduceMax(y, 1, 2)), 0))
	}},
	{name: "selection matrix", build: func(x, _ *Node) *Node {
		rows := OneHot(Const(x.Graph(), []int64{2, 0}), 3, x.DType())
		return DotGeneral(x, []int{1}, nil, rows, []int{1}, nil)
	}},

	// Shape and order.
	{name: "reshape transpose", build: func(x, _ *Node) *Node {
		return Reshape(TransposeAllDims(Reshape(Square(x), 2, 3, 2, 2), 0, 2, 1, 3), 4, 6)
	}},
	{name: "transpose two axes", build: func(x, y *Node) *Node { return Mul(Transpose(x, 1, 2), y) }},
	{name: "axes", build: func(x, _ *Node) *Node { return Squeeze(InsertAxes(ExpandAxes(Square(x), 0), -1), 0, -1) }},
	{name: "broadcast to a shape", build: func(x, _ *Node) *Node {
		return Mul(x, BroadcastToShape(InsertAxes(ReduceSum(x, -1), -1), x.Shape()))
	}},
	{name: "broadcast to dimensions", build: func(x, _ *Node) *Node {
		return Mul(x, BroadcastToDims(ReduceAndKeep(x, ReduceSum, 0), 2, 3, 4))
	}},
	{name: "concatenate", build: func(x, y *Node) *Node { return Concatenate([]*Node{x, Square(TransposeAllDims(y, 0, 2, 1))}, 1) }},
	{name: "concatenate flat", build: func(x, y *Node) *Node { return Concatenate([]*Node{Reshape(x, 24), Reshape(y, 24)}, 0) }},
	{name: "stack", build: func(x, y *Node) *Node { return Stack([]*Node{x, TransposeAllDims(y, 0, 2, 1)}, 0) }},
	{name: "slice, forward", values: true, build: func(x, _ *Node) *Node { return Slice(x, AxisRange(), AxisRange(1), AxisRange(1, 3)) }},
	{name: "iota", values: true, build: func(x, _ *Node) *Node { return Iota(x.Graph(), shapes.Make(dtypes.Int64, 2, 3, 4), 1) }},

	// Gather and scatter, with indices that repeat.
	{name: "gather rows", build: func(x, _ *Node) *Node {
		return Gather(Reshape(x, 6, 4), InsertAxes(Const(x.Graph(), []int64{5, 1, 1, 0, 1}), -1))
	}},
	{name: "gather embeddings", build: func(x, _ *Node) *Node {
		return Gather(Reshape(x, 6, 4), InsertAxes(Const(x.Graph(), [][]int64{{5, 1}, {1, 0}, {5, 5}}), -1))
	}},
	{name: "gather one of each row", build: func(x, _ *Node) *Node {
		g := x.Graph()
		flat := Add(MulScalar(Iota(g, shapes.Make(dtypes.Int64, 6), 0), 4), Const(g, []int64{0, 3, 1, 1, 2, 0}))
		return Gather(Reshape(x, 24), InsertAxes(flat, -1))
	}},
	{name: "scatter sum", build: func(x, _ *Node) *Node {
		rows := InsertAxes(Const(x.Graph(), []int64{1, 1, 0, 1, 3, 0}), -1)
		return ScatterSum(Zeros(x.Graph(), shapes.Make(x.DType(), 5, 4)), rows, Square(Reshape(x, 6, 4)), false, false)
	}},
	{name: "gather by bytes and words", build: func(x, _ *Node) *Node {
		g, rows := x.Graph(), Reshape(x, 6, 4)
		bytes := InsertAxes(ConvertDType(Const(g, []uint8{5, 1, 1, 0}), dtypes.Int64), -1)
		words := InsertAxes(ConvertDType(Const(g, []uint16{2, 5, 4, 2}), dtypes.Int64), -1)
		return Mul(Gather(rows, bytes), Gather(rows, words))
	}},
	{name: "one hot", values: true, build: func(x, _ *Node) *Node { return OneHot(Const(x.Graph(), []int64{2, 0, 1, 2}), 3, x.DType()) }},

	// Constants and types.
	{name: "constants", build: func(x, _ *Node) *Node {
		g, dtype := x.Graph(), x.DType()
		one := Mul(ScalarOne(g, dtype), Ones(g, shapes.Make(dtype, 2, 3, 4)))
		half := Add(ConstAsDType(g, dtype, 0.5), Add(ScalarZero(g, dtype), Scalar(g, dtype, 0.25)))
		return Add(Mul(x, one), Add(half, FillScalar(g, shapes.Make(dtype), 1.5)))
	}},
	{name: "convert type", values: true, build: func(x, _ *Node) *Node {
		return ConvertDType(ConvertDType(MulScalar(x, 100), dtypes.Int64), dtypes.Int32)
	}},

	// Order of computation; see "computed after" too.
	{name: "a zero behind a barrier, for bytes, words and floats", values: true, build: func(x, _ *Node) *Node {
		g := x.Graph()
		zero := SchedulingBarrier(ScalarZero(g, dtypes.Uint8), Log(Neg(x))) // NaN, which must not matter
		bytes := BitwiseOr(Const(g, []uint8{0, 7, 128, 255}), zero)
		words := BitwiseOr(Const(g, []uint16{0, 7, 32768, 65535}), ConvertDType(zero, dtypes.Uint16))
		sum := Add(ConvertDType(bytes, x.DType()), ConvertDType(words, x.DType()))
		return Add(Where(Equal(zero, ZerosLike(zero)), x, ZerosLike(x)), ExpandLeftToRank(sum, 3))
	}},

	// Control of the gradient.
	{name: "stop gradient", custom: true, build: func(x, _ *Node) *Node { return Mul(x, StopGradient(Square(x))) }},
	{name: "own gradient", custom: true, build: func(x, _ *Node) *Node {
		return Square(IdentityWithCustomGradient(x, func(x, v *Node) *Node { return Mul(x, MulScalar(v, 2)) }))
	}},
	{name: "checkpoint", build: func(x, _ *Node) *Node {
		h := x.Checkpoint()
		for range 3 {
			h = Add(h, Tanh(Mul(h, h)))
		}
		return Square(h.StopCheckpoint())
	}},
	{name: "checkpoint of bytes", build: func(x, _ *Node) *Node {
		codes := ConvertDType(Const(x.Graph(), []int64{0, 200, 3, 9}), dtypes.Uint8).Checkpoint()
		row := Tanh(ConvertDType(codes, x.DType()))
		return Square(Mul(x, ExpandLeftToRank(row, 3)).StopCheckpoint())
	}},
	{name: "checkpoint of words", build: func(x, _ *Node) *Node {
		codes := ConvertDType(Const(x.Graph(), []int64{0, 60000, 3, 9}), dtypes.Uint16).Checkpoint()
		row := Tanh(ConvertDType(codes, x.DType()))
		return Square(Mul(x, ExpandLeftToRank(row, 3)).StopCheckpoint())
	}},
	{name: "computed after", build: func(x, y *Node) *Node { return Square(SchedulingBarrier(x, y)) }},
	{name: "integer remainder", values: true, build: func(x, _ *Node) *Node {
		z := AddScalar(MulScalar(Iota(x.Graph(), shapes.Make(dtypes.Int64, 3, 4), 1), int64(2147483629)), int64(7))
		p := Const(x.Graph(), int64(2147483647))
		return Sub(z, Mul(Div(z, p), p))
	}},
	{name: "gradient of a gradient", build: func(x, _ *Node) *Node { return Gradient(ReduceAllSum(Mul(Tanh(x), x)), x)[0] }},
}

// inputs are fixed numbers without ties, both signs, away from the kinks of the operations.
func inputs() (x, y []float64) {
	x, y = make([]float64, 24), make([]float64, 24)
	for i := range x {
		x[i] = 1.3 * math.Sin(1.7*float64(i)+0.3)
		y[i] = 0.9 * math.Cos(2.3*float64(i)+0.2)
	}
	return x, y
}

func xyTensors(dtype dtypes.DType) []any {
	x, y := inputs()
	if dtype == dtypes.Float64 {
		return []any{tensors.FromFlatDataAndDimensions(x, 2, 3, 4), tensors.FromFlatDataAndDimensions(y, 2, 4, 3)}
	}
	narrow := func(values []float64) []float32 {
		out := make([]float32, len(values))
		for i, v := range values {
			out[i] = float32(v)
		}
		return out
	}
	return []any{tensors.FromFlatDataAndDimensions(narrow(x), 2, 3, 4), tensors.FromFlatDataAndDimensions(narrow(y), 2, 4, 3)}
}

// weighted is a scalar that depends on every element of the result, each with its own weight, so that no two mistakes in a
// gradient cancel.
func weighted(result, x *Node) *Node {
	size := result.Shape().Size()
	weights := make([]float64, size)
	for i := range weights {
		weights[i] = 0.3 + math.Sin(0.9*float64(i)+0.5)
	}
	return ReduceAllSum(Mul(Reshape(result, size), ConvertDType(Const(x.Graph(), weights), x.DType())))
}

// run returns the operation's result and, where it has one, the gradients of its weighted sum by x and y.
func (o operation) run(backend compute.Backend, dtype dtypes.DType) (parts [][]float64, err error) {
	exec, err := NewExec(backend, func(x, y *Node) []*Node {
		result := o.build(x, y)
		if o.values {
			return []*Node{ConvertDType(result, dtypes.Float64)}
		}
		gradients := Gradient(Add(weighted(result, x), MulScalar(Add(ReduceAllSum(x), ReduceAllSum(y)), 0.01)), x, y)
		return []*Node{ConvertDType(result, dtypes.Float64), ConvertDType(gradients[0], dtypes.Float64), ConvertDType(gradients[1], dtypes.Float64)}
	})
	if err != nil {
		return nil, err
	}
	defer exec.Finalize()
	results, err := exec.Call(xyTensors(dtype)...)
	if err != nil {
		return nil, err
	}
	for _, result := range results {
		flat, err := tensors.CopyFlatData[float64](result)
		if err != nil {
			return nil, err
		}
		parts = append(parts, flat)
	}
	return parts, nil
}

// TestParity compares every operation, and its gradients, on every engine of this machine with the Go engine.
func TestParity(t *testing.T) {
	pure := mustOpen(t, "go")
	others := otherEngines(t)
	if len(others) == 0 {
		t.Skip("no second engine here to compare with; `make engine` installs ONNX Runtime")
	}
	for _, other := range others {
		for _, op := range operations {
			t.Run(other.Name()+"/"+op.name, func(t *testing.T) {
				want, err := op.run(pure.Backend(), dtypes.Float32)
				if err != nil {
					t.Fatalf("go: %v", err)
				}
				got, err := op.run(other.Backend(), dtypes.Float32)
				if err != nil {
					t.Fatalf("%s: %v", other.Name(), err)
				}
				for i, part := range []string{"result", "gradient by x", "gradient by y"}[:len(want)] {
					if problem := differ(got[i], want[i], 2e-5); problem != "" {
						t.Errorf("%s: %s", part, problem)
					}
				}
			})
		}
	}
}

// TestGradients compares the gradients of every operation with central differences, in float64 on the Go engine.
func TestGradients(t *testing.T) {
	pure := mustOpen(t, "go")
	for _, op := range operations {
		if op.values || op.custom {
			continue
		}
		t.Run(op.name, func(t *testing.T) {
			parts, err := op.run(pure.Backend(), dtypes.Float64)
			if err != nil {
				t.Fatal(err)
			}
			want := op.centralDifferences(t, pure.Backend())
			for i, part := range []string{"gradient by x", "gradient by y"} {
				if problem := differ(parts[i+1], want[i], 1e-6); problem != "" {
					t.Errorf("%s: %s", part, problem)
				}
			}
		})
	}
}

// centralDifferences are the derivatives of what run differentiates, by every element of x and y.
func (o operation) centralDifferences(t *testing.T, backend compute.Backend) [2][]float64 {
	const h = 1e-5
	exec := MustNewExec(backend, func(x, y *Node) *Node {
		return Add(weighted(o.build(x, y), x), MulScalar(Add(ReduceAllSum(x), ReduceAllSum(y)), 0.01))
	})
	defer exec.Finalize()
	var x, y []float64
	value := func() float64 {
		result, err := exec.Call1(tensors.FromFlatDataAndDimensions(x, 2, 3, 4), tensors.FromFlatDataAndDimensions(y, 2, 4, 3))
		if err != nil {
			t.Fatal(err)
		}
		return tensors.ToScalar[float64](result)
	}
	x, y = inputs()
	var derivatives [2][]float64
	for side, values := range [][]float64{x, y} {
		for i, at := range values {
			values[i] = at + h
			above := value()
			values[i] = at - h
			below := value()
			values[i] = at
			derivatives[side] = append(derivatives[side], (above-below)/(2*h))
		}
	}
	return derivatives
}

// differ says where got is further from want than tolerance, relative to values above 1, or returns "".
func differ(got, want []float64, tolerance float64) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d elements, want %d", len(got), len(want))
	}
	for i := range want {
		if difference := math.Abs(got[i] - want[i]); !(difference <= tolerance*max(1, math.Abs(want[i]))) {
			return fmt.Sprintf("element %d is %.9g, want %.9g", i, got[i], want[i])
		}
	}
	return ""
}

func mustOpen(t *testing.T, name string) *Engine {
	t.Helper()
	opened, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// otherEngines opens every engine of this machine but the Go engine.
func otherEngines(t *testing.T) []*Engine {
	var others []*Engine
	for _, candidate := range Available() {
		switch {
		case candidate.Engine == nil:
			t.Logf("not compared: %v", candidate.Err)
		case candidate.Engine.Kind() != Go:
			others = append(others, candidate.Engine)
		}
	}
	return others
}
