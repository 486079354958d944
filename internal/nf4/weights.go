package nf4

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Weights is a quantised tensor inside a graph: the fields of a Tensor as nodes, of these types and any shape.
//
// Its float values exist only while they are used, which takes care: engines compute as soon as they can what depends on no
// input, so that the float weights of all layers would wait for their turn together, and stay for the backward pass. So each
// use names what must be computed before it, and Product restores the weights once more for its gradient. A chain of eight
// 4096x4096 matrices and its gradient then peaked at 0.7 GB on ONNX Runtime, without at 1.7 GB and in float32 at 1.3 GB; the
// difference grows with each matrix.
type Weights struct {
	Codes       *Node // uint16, Tensor.Words
	Scales      *Node // uint8
	ScaleScales *Node // float32
	Offset      *Node // float32, one value
	Dims        []int
}

// Product is x·W for a matrix W, contracting the given axis of W (0 where the checkpoint stores it as [in, out], 1 where as
// [out, in]). W's values exist twice for a moment: in the forward pass after x is computed, and in the backward pass after
// the gradient by the product is. Gradients reach x, never W.
//
//	x       [n, in]
//	returns [n, out], of x's type
func (w Weights) Product(x *Node, axis int) *Node {
	if len(w.Dims) != 2 || axis < 0 || axis > 1 || x.Rank() != 2 || x.Shape().Dim(1) != w.Dims[axis] {
		panic(fmt.Errorf("nf4: product of x %s with axis %d of weights %v: want x [n in] and a matrix of that size along the axis",
			x.Shape(), axis, w.Dims))
	}
	// GoMLX takes a gradient of one's own for identities only. So the product itself has none; the identity behind it
	// computes the gradient by x, and the identity at x, which a term of zero connects with the product, passes it on.
	var gradient *Node
	entry := IdentityWithCustomGradient(x, func(_, _ *Node) *Node { return gradient })
	product := StopGradient(contract(x, w.Restore(x, x.DType()), axis))
	zero := ScalarZero(x.Graph(), x.DType())
	product = Add(product, Where(Const(x.Graph(), false), ReduceAllSum(entry), zero))
	return IdentityWithCustomGradient(product, func(_, byProduct *Node) *Node {
		gradient = contract(byProduct, w.Restore(byProduct, x.DType()), 1-axis)
		return byProduct
	})
}

// contract is x·m, or x·mᵀ for axis 1. Engines transpose a matrix whose last axis they contract, in the second place more
// slowly than the result of exchanged factors, when x has few rows.
func contract(x, m *Node, axis int) *Node {
	if axis == 1 && x.Shape().Dim(0) < x.Shape().Dim(1) {
		return TransposeAllDims(DotGeneral(m, []int{1}, nil, x, []int{1}, nil), 1, 0)
	}
	return DotGeneral(x, []int{1}, nil, m, []int{axis}, nil)
}

// Restore is the tensor in the given type, of dimensions Dims, computed after the node after is. No gradient passes it.
//
// It looks two bytes of codes up at once, in a table of 65536 rows of four levels: for 4096x4096 weights that took 60 ms
// instead of 95 on ONNX Runtime with four cores, and less memory, than looking single bytes up in 256 rows of two. (The type
// of the indices is of no influence: ONNX Runtime needs int64, and the Go engine, which takes 0.4 s, is no quicker with
// others. Choosing among the levels by comparisons takes seven times as long.)
func (w Weights) Restore(after *Node, dtype dtypes.DType) *Node {
	w.check()
	// A zero that the engine cannot know before after is computed. It enters every operand, so that nothing is computed
	// early and kept for each layer. (A barrier for the codes themselves would have ONNX Runtime convert them to a wider type
	// first, and that early: its choice and its sum lack uint16.)
	zero := SchedulingBarrier(ScalarZero(after.Graph(), dtypes.Uint8), after)
	blocks := w.Scales.Shape().Size()
	values := Mul(Reshape(w.levels(zero), blocks, BlockSize), Reshape(w.blockScales(zero), blocks, 1))
	values = Reshape(values, blocks*BlockSize)
	if n := size(w.Dims); n < blocks*BlockSize {
		values = Slice(values, AxisRange(0, n))
	}
	return StopGradient(ConvertDType(Reshape(values, w.Dims...), dtype))
}

// levels are the levels of all codes, four to a row.
func (w Weights) levels(zero *Node) *Node {
	codes := BitwiseOr(Reshape(w.Codes, w.Codes.Shape().Size()), ConvertDType(zero, dtypes.Uint16))
	return Gather(wordLevels(zero), InsertAxes(ConvertDType(codes, dtypes.Int64), -1))
}

// wordLevels are the four levels of each uint16: those of its lower byte, then those of its upper one. Made of a smaller
// constant at each use, they take no megabyte in each layer.
func wordLevels(zero *Node) *Node {
	const bytes = 256
	pairs := make([][]float32, bytes)
	for i := range pairs {
		pairs[i] = []float32{levels[i>>4], levels[i&15]}
	}
	table := afterZero(zero, Const(zero.Graph(), pairs))
	lower := BroadcastToDims(InsertAxes(table, 0), bytes, bytes, 2)
	upper := BroadcastToDims(InsertAxes(table, 1), bytes, bytes, 2)
	return Reshape(Concatenate([]*Node{lower, upper}, -1), bytes*bytes, 4)
}

// blockScales are the blocks' scales, [blocks].
func (w Weights) blockScales(zero *Node) *Node {
	blocks, groups := w.Scales.Shape().Size(), w.ScaleScales.Shape().Size()
	codes := BitwiseOr(Reshape(w.Scales, blocks), zero)
	normalised := Gather(Const(zero.Graph(), dynamicMap[:]), InsertAxes(ConvertDType(codes, dtypes.Int64), -1))
	groupScales := BroadcastToDims(Reshape(afterZero(zero, w.ScaleScales), groups, 1), groups, GroupSize)
	groupScales = Reshape(groupScales, groups*GroupSize)
	if blocks < groups*GroupSize {
		groupScales = Slice(groupScales, AxisRange(0, blocks))
	}
	return Add(Mul(normalised, groupScales), Reshape(w.Offset, 1))
}

// afterZero is x, after the zero is computed.
func afterZero(zero, x *Node) *Node { return Where(Equal(zero, ZerosLike(zero)), x, ZerosLike(x)) }

// check panics with an error if the nodes do not fit Dims or each other.
func (w Weights) check() {
	blocks := (size(w.Dims) + BlockSize - 1) / BlockSize
	for _, part := range []struct {
		name string
		node *Node
		typ  dtypes.DType
		size int
	}{
		{"codes", w.Codes, dtypes.Uint16, blocks * blockBytes / 2},
		{"scales", w.Scales, dtypes.Uint8, blocks},
		{"scales of scales", w.ScaleScales, dtypes.Float32, (blocks + GroupSize - 1) / GroupSize},
		{"offset", w.Offset, dtypes.Float32, 1},
	} {
		if part.node.DType() != part.typ || part.node.Shape().Size() != part.size {
			panic(fmt.Errorf("nf4: weights %v: %s are %s, want %d of type %s", w.Dims, part.name, part.node.Shape(), part.size, part.typ))
		}
	}
}
