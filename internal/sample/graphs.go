package sample

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/model"
)

// prefillGraph reads whole prompts, padded at their ends.
//
//	tokens  int64 [rows, seq]
//	last    int64 [rows]       place of each prompt's last token
//	returns logits [rows, vocab] after the last tokens; per layer keys, then per layer values [rows, kvHeads, seq, headDim]
func (s *Sampler) prefillGraph(_ *gomodel.Scope, nodes []*Node) []*Node {
	tokens, last := nodes[0], nodes[1]
	g, rows, seq := tokens.Graph(), tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	square := shapes.Make(dtypes.Int64, rows, seq, seq)
	out := s.network.Forward(model.Inputs{
		Tokens:    tokens,
		Positions: Iota(g, tokens.Shape(), 1),
		Visible:   GreaterOrEqual(Iota(g, square, 1), Iota(g, square, 2)),
	})
	place := Add(MulScalar(Iota(g, last.Shape(), 0), int64(seq)), last)
	final := Gather(Reshape(out.Final, rows*seq, -1), InsertAxes(place, -1))
	return append(append([]*Node{s.network.Logits(final)}, out.Keys...), out.Values...)
}

// decodeGraph reads one token a row.
//
//	tokens, positions  int64 [rows]
//	lengths            int64 [rows]   positions of the past that belong to the row; those after them are padding
//	recent             int64 scalar   how many of the last positions were read since the past was arranged
//	then per layer past keys, past values, keys, values (model.Cache)
//	returns logits [rows, vocab], then per layer keys and values with the new position at their end
func (s *Sampler) decodeGraph(_ *gomodel.Scope, nodes []*Node) []*Node {
	tokens, positions, lengths, recent := nodes[0], nodes[1], nodes[2], nodes[3]
	layers := s.network.Config.Layers
	part := func(i int) []*Node { return nodes[4+i*layers : 4+(i+1)*layers] }
	cache := &model.Cache{PastKeys: part(0), PastValues: part(1), Keys: part(2), Values: part(3)}

	g, rows := tokens.Graph(), tokens.Shape().Dim(0)
	past, window := cache.PastValues[0].Shape().Dim(2), cache.Values[0].Shape().Dim(2)
	pastShape, windowShape := shapes.Make(dtypes.Int64, rows, past), shapes.Make(dtypes.Int64, rows, window)
	own := LessThan(Iota(g, pastShape, 1), BroadcastToShape(InsertAxes(lengths, -1), pastShape))
	first := AddScalar(Neg(recent), int64(window-1)) // of the last positions: the new one and the recent ones before it
	read := GreaterOrEqual(Iota(g, windowShape, 1), BroadcastToShape(Reshape(first, 1, 1), windowShape))
	out := s.network.Forward(model.Inputs{
		Tokens:    InsertAxes(tokens, -1),
		Positions: InsertAxes(positions, -1),
		Visible:   InsertAxes(Concatenate([]*Node{own, read}, 1), 1),
		Cache:     cache,
	})
	logits := s.network.Logits(Reshape(out.Final, rows, -1))
	return append(append([]*Node{logits}, out.Keys...), out.Values...)
}

// arrangeGraph gathers a new past from parts, caches of any number of rows and length: either prompts alone, or the past,
// the last positions and, maybe, prompts. The slots of a part are counted as (row·kvHeads + head)·length + position, and on
// from part to part.
//
//	first   int64 [rows, past]   slot of each new position, for head 0
//	stride  int64 [rows, past]   distance to the next head's
//	then of each part per layer keys, per layer values [its rows, kvHeads, its length, headDim]; a past's keys transposed
//	returns per layer past keys [rows, kvHeads, headDim, past], then per layer past values [rows, kvHeads, past, headDim]
func (s *Sampler) arrangeGraph(_ *gomodel.Scope, nodes []*Node) []*Node {
	first, stride, parts := nodes[0], nodes[1], nodes[2:]
	g, layers, heads, dim := first.Graph(), s.network.Config.Layers, s.network.Config.KVHeads, s.network.Config.HeadDim
	shape := shapes.Make(dtypes.Int64, first.Shape().Dim(0), heads, first.Shape().Dim(1))
	each := func(x *Node) *Node { return BroadcastToShape(InsertAxes(x, 1), shape) }
	slots := InsertAxes(Add(each(first), Mul(Iota(g, shape, 1), each(stride))), -1)
	gather := func(list []*Node) *Node {
		for i, x := range list {
			list[i] = Reshape(x, -1, dim)
		}
		if len(list) == 1 {
			return Gather(list[0], slots)
		}
		return Gather(Concatenate(list, 0), slots)
	}
	hasPast := len(parts) > 2*layers
	var keys, values []*Node
	for l := range layers {
		var partKeys, partValues []*Node
		for at := 0; at < len(parts); at += 2 * layers {
			partKeys, partValues = append(partKeys, parts[at+l]), append(partValues, parts[at+layers+l])
		}
		if hasPast {
			partKeys[0] = TransposeAllDims(partKeys[0], 0, 1, 3, 2)
		}
		keys = append(keys, TransposeAllDims(gather(partKeys), 0, 1, 3, 2))
		values = append(values, gather(partValues))
	}
	return append(keys, values...)
}
