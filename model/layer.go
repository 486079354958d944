package model

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// hiddenMask is added to the attention scores of keys a position does not see; exp of it is exactly 0 in float32.
const hiddenMask = -1e9

// linear is x·w + b over the last axis.
//
//	x       [rows, seq, in]
//	w       [in, out], or [out, in] where transposed
//	b       [out], or nil
//	returns [rows, seq, out]
func linear(x, w, b *Node, transposed bool) *Node {
	dims := append([]int{}, x.Shape().Dimensions...)
	flat := Reshape(x, -1, dims[len(dims)-1])
	axis := 0
	if transposed {
		axis = 1
	}
	y := DotGeneral(flat, []int{1}, nil, w, []int{axis}, nil)
	if b != nil {
		y = Add(y, ExpandLeftToRank(b, 2))
	}
	dims[len(dims)-1] = w.Shape().Dim(1 - axis)
	return Reshape(y, dims...)
}

// embed looks rows of a table up.
//
//	table   [n, hidden]
//	ids     int64 [rows, seq]
//	returns [rows, seq, hidden]
func embed(table, ids *Node) *Node { return Gather(table, InsertAxes(ids, -1)) }

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

// attention is the state that the layers of one forward pass share.
type attention struct {
	bias  *Node // [rows, 1, seq, keys]: 0 where visible, hiddenMask where not
	cache *Cache
	slot  *Node // bool [rows, 1, keys, 1], with a cache
}

func newAttention(in Inputs, dtype dtypes.DType) *attention {
	g := in.Tokens.Graph()
	visible := in.Visible
	bias := Where(visible, Zeros(g, shapes.Make(dtype, visible.Shape().Dimensions...)),
		MulScalar(Ones(g, shapes.Make(dtype, visible.Shape().Dimensions...)), hiddenMask))
	a := &attention{bias: InsertAxes(bias, 1), cache: in.Cache}
	if in.Cache != nil {
		a.slot = InsertAxes(InsertAxes(in.Cache.Slot, 1), -1)
	}
	return a
}

// remember writes the keys and values of one new position into a layer's cache and returns the whole of it; without a
// cache it returns them as they are.
//
//	k, v    [rows, kvHeads, seq, dim]; seq is 1 with a cache
//	returns [rows, kvHeads, keys, dim]
func (a *attention) remember(layer int, k, v *Node) (keys, values *Node) {
	if a.cache == nil {
		return k, v
	}
	write := func(x, old *Node) *Node {
		here := BroadcastToShape(a.slot, shapes.Make(a.slot.DType(), old.Shape().Dimensions...))
		return Where(here, BroadcastToShape(x, old.Shape()), old)
	}
	return write(k, a.cache.Keys[layer]), write(v, a.cache.Values[layer])
}

// attend is scaled dot-product attention; query heads share key-value heads where there are fewer of those.
//
//	q       [rows, heads, seq, dim]
//	k, v    [rows, kvHeads, keys, dim]
//	returns [rows, heads, seq, dim]
func (a *attention) attend(q, k, v *Node) *Node {
	rows, heads, seq, dim := q.Shape().Dim(0), q.Shape().Dim(1), q.Shape().Dim(2), q.Shape().Dim(3)
	kvHeads, keys := k.Shape().Dim(1), k.Shape().Dim(2)
	scale := 1 / math.Sqrt(float64(dim))
	if heads == kvHeads {
		scores := Add(MulScalar(Einsum("bhqd,bhkd->bhqk", q, k), scale), a.bias)
		return Einsum("bhqk,bhkd->bhqd", Softmax(scores, -1), v)
	}
	group := heads / kvHeads
	grouped := Reshape(q, rows, kvHeads, group*seq, dim)
	scores := Reshape(MulScalar(Einsum("bhqd,bhkd->bhqk", grouped, k), scale), rows, heads, seq, keys)
	probabilities := Softmax(Add(scores, a.bias), -1)
	return Reshape(Einsum("bhqk,bhkd->bhqd", Reshape(probabilities, rows, kvHeads, group*seq, keys), v), rows, heads, seq, dim)
}
