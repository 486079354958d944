package model

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// hiddenMask is added to the attention scores of keys a position does not see; exp of it is exactly 0 in float32.
const hiddenMask = -1e9

// dot is a product whose gradients are products in the operands' type, too, summed in float32 by the engine. GoMLX
// would convert half-precision operands to float32 first, and GPUs multiply that many times slower.
func dot(x, y *Node) *DotBuilder { return Dot(x, y).WithAccumulatorDType(dtypes.InvalidDType) }

// perHead is the product of each row's and head's matrices, over the last axis of x and the given one of y.
//
//	x, y  [rows, heads, …, …]
func perHead(x, y *Node, axis int) *Node {
	return dot(x, y).General([]int{3}, []int{0, 1}, []int{axis}, []int{0, 1})
}

// splitHeads turns [rows, seq, heads*dim] into [rows, heads, seq, dim].
func splitHeads(x *Node, heads int) *Node {
	rows, seq, width := x.Shape().Dim(0), x.Shape().Dim(1), x.Shape().Dim(2)
	return TransposeAllDims(Reshape(x, rows, seq, heads, width/heads), 0, 2, 1, 3)
}

// joinHeads is the inverse of splitHeads.
func joinHeads(x *Node) *Node {
	rows, heads, seq, dim := x.Shape().Dim(0), x.Shape().Dim(1), x.Shape().Dim(2), x.Shape().Dim(3)
	return Reshape(TransposeAllDims(x, 0, 2, 1, 3), rows, seq, heads*dim)
}

// unembed is hidden·tableᵀ, the logits of hidden states. The smaller of the two factors is the one that the engine
// transposes: the table of a large vocabulary would cost more than the product when few tokens are sampled.
//
//	hidden  [n, hidden]
//	table   [vocab, hidden]
//	returns [n, vocab]
func unembed(hidden, table *Node) *Node {
	if hidden.Shape().Dim(0) < hidden.Shape().Dim(1) {
		return TransposeAllDims(dot(table, hidden).General([]int{1}, nil, []int{1}, nil), 1, 0)
	}
	return dot(hidden, table).General([]int{1}, nil, []int{1}, nil)
}

// attention is the state that the layers of one forward pass share.
type attention struct {
	bias      *Node // float32 [rows, 1, seq, keys]: 0 where visible, hiddenMask where not
	cache     *Cache
	beginning *beginning // nil: the rows have nothing in common
}

func newAttention(in Inputs) *attention {
	shape := shapes.Make(dtypes.Float32, in.Visible.Shape().Dimensions...)
	zero := Zeros(in.Tokens.Graph(), shape)
	a := &attention{bias: InsertAxes(Where(in.Visible, zero, AddScalar(zero, hiddenMask)), 1), cache: in.Cache}
	if in.Cache != nil && in.Cache.Shared {
		a.beginning = newBeginning(a.bias, in.Cache)
	}
	return a
}

// attend is scaled dot-product attention of a layer; query heads share key-value heads where there are fewer of those.
//
//	q       [rows, heads, seq, dim]
//	k, v    [rows, kvHeads, keys, dim]
//	returns [rows, heads, seq, dim]
func (a *attention) attend(layer int, q, k, v *Node) *Node {
	if a.beginning != nil {
		return a.beginning.attend(layer, q, k, v)
	}
	rows, heads, seq, dim := q.Shape().Dim(0), q.Shape().Dim(1), q.Shape().Dim(2), q.Shape().Dim(3)
	kvHeads := k.Shape().Dim(1)
	if heads == kvHeads {
		return a.mix(layer, a.probabilities(a.scores(layer, q, k)), v)
	}
	shared := []int{rows, kvHeads, heads / kvHeads * seq}
	scores := a.scores(layer, Reshape(q, append(shared, dim)...), k)
	keys := scores.Shape().Dim(3)
	probabilities := a.probabilities(Reshape(scores, rows, heads, seq, keys))
	return Reshape(a.mix(layer, Reshape(probabilities, append(shared, keys)...), v), rows, heads, seq, dim)
}

// probabilities are the keys' shares of attention; the softmax is computed in float32.
func (a *attention) probabilities(scores *Node) *Node {
	return ConvertDType(Softmax(Add(ConvertDType(scores, dtypes.Float32), a.bias), -1), scores.DType())
}

// scores are the scaled products of queries with the keys, the cache's before k.
func (a *attention) scores(layer int, q, k *Node) *Node {
	scale := func(scores *Node) *Node { return MulScalar(scores, 1/math.Sqrt(float64(q.Shape().Dim(3)))) }
	if a.cache == nil {
		return scale(perHead(q, k, 3))
	}
	own := ReduceAndKeep(Mul(q, BroadcastToShape(k, q.Shape())), ReduceSum, -1)
	return scale(Concatenate([]*Node{perHead(q, a.cache.Keys[layer], 3), own}, 3))
}

// mix averages the values by the probabilities of their keys, the cache's before v.
func (a *attention) mix(layer int, probabilities, v *Node) *Node {
	if a.cache == nil {
		return perHead(probabilities, v, 2)
	}
	cached := a.cache.Values[layer]
	of := func(keys SliceAxisSpec) *Node {
		return Slice(probabilities, AxisRange(), AxisRange(), AxisRange(), keys)
	}
	sum := perHead(of(AxisRange(0, cached.Shape().Dim(2))), cached, 2)
	return Add(sum, Mul(BroadcastToShape(of(AxisRange(-1)), sum.Shape()), BroadcastToShape(v, sum.Shape())))
}
