package model

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// beginning is attention in rows that all go on from the same beginning, whose keys and values are in a cache. Heads come
// before rows here, so that the queries of all rows meet the beginning's keys in one product, and nothing of the size of the
// beginning is copied for each row.
type beginning struct {
	cache       *Cache
	before, own *Node // float32 [1, rows, seq, past] and [1, rows, seq, seq]: the bias of the beginning's and the pass's keys
}

// newBeginning takes the bias [rows, 1, seq, past + seq] apart.
func newBeginning(bias *Node, cache *Cache) *beginning {
	past := cache.Keys[0].Shape().Dim(2)
	bias = headsFirst(bias)
	return &beginning{
		cache:  cache,
		before: Slice(bias, AxisRange(), AxisRange(), AxisRange(), AxisRange(0, past)),
		own:    Slice(bias, AxisRange(), AxisRange(), AxisRange(), AxisRange(past)),
	}
}

// headsFirst exchanges the axes of rows and heads, in either direction.
func headsFirst(x *Node) *Node { return TransposeAllDims(x, 1, 0, 2, 3) }

// attend is attention.attend.
func (b *beginning) attend(layer int, q, k, v *Node) *Node {
	heads := q.Shape().Dim(1)
	q, k, v = headsFirst(q), repeatHeads(headsFirst(k), heads), repeatHeads(headsFirst(v), heads)
	scale := 1 / math.Sqrt(float64(q.Shape().Dim(3)))
	score := func(products, bias *Node) *Node {
		return Add(MulScalar(ConvertDType(products, dtypes.Float32), scale), bias)
	}
	before := score(b.overCache(q, b.cache.Keys[layer], 3), b.before)
	own := score(perHead(q, k, 3), b.own)
	// The softmax over both parts: what is divided by its sum is the mean that it weighs.
	highest := Max(ReduceAndKeep(before, ReduceMax, -1), ReduceAndKeep(own, ReduceMax, -1))
	before, own = Exp(Sub(before, highest)), Exp(Sub(own, highest))
	total := Add(ReduceAndKeep(before, ReduceSum, -1), ReduceAndKeep(own, ReduceSum, -1))
	weigh := func(weights *Node) *Node { return ConvertDType(weights, v.DType()) }
	mixed := Add(b.overCache(weigh(before), b.cache.Values[layer], 2), perHead(weigh(own), v, 2))
	return headsFirst(ConvertDType(Div(ConvertDType(mixed, dtypes.Float32), total), v.DType()))
}

// overCache is the product of each head's matrices of all rows with the beginning's, which query heads share where there are
// fewer of those.
//
//	x        [heads, rows, seq, …]
//	cached   [1, kvHeads, past, headDim], whose axis is summed over
//	returns  [heads, rows, seq, …]
func (b *beginning) overCache(x, cached *Node, axis int) *Node {
	heads, rows, seq, width := x.Shape().Dim(0), x.Shape().Dim(1), x.Shape().Dim(2), x.Shape().Dim(3)
	kvHeads := cached.Shape().Dim(1)
	product := perHead(Reshape(x, 1, kvHeads, heads/kvHeads*rows*seq, width), cached, axis)
	return Reshape(product, heads, rows, seq, -1)
}

// repeatHeads gives every query head the key-value head that it shares with others.
//
//	x        [kvHeads, rows, seq, dim]
//	returns  [heads, rows, seq, dim]
func repeatHeads(x *Node, heads int) *Node {
	kvHeads, rows, seq, dim := x.Shape().Dim(0), x.Shape().Dim(1), x.Shape().Dim(2), x.Shape().Dim(3)
	if kvHeads == heads {
		return x
	}
	wide := BroadcastToDims(InsertAxes(x, 1), kvHeads, heads/kvHeads, rows, seq, dim)
	return Reshape(wide, heads, rows, seq, dim)
}
