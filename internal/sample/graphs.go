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
	return append(append([]*Node{s.logitsAt(out.Final, last)}, out.Keys...), out.Values...)
}

// logitsAt are the logits [rows, vocab] at a place of each row.
func (s *Sampler) logitsAt(final, place *Node) *Node {
	rows, seq := final.Shape().Dim(0), final.Shape().Dim(1)
	cell := Add(MulScalar(Iota(place.Graph(), place.Shape(), 0), int64(seq)), place)
	return s.network.Logits(Gather(Reshape(final, rows*seq, -1), InsertAxes(cell, -1)))
}

// prefillAfterGraph is prefillGraph for prompts without a beginning that they share.
//
//	tokens  int64 [rows, seq]
//	last    int64 [rows]       place of each prompt's last token among those
//	span    int64 [past]       of any values: its shape says the number of the beginning's tokens
//	then per layer keys, per layer values [1, kvHeads, past or more, headDim]
//	returns logits [rows, vocab]; per layer keys, then per layer values [rows, kvHeads, past + seq, headDim]
func (s *Sampler) prefillAfterGraph(_ *gomodel.Scope, nodes []*Node) []*Node {
	tokens, last, past := nodes[0], nodes[1], nodes[2].Shape().Dim(0)
	g, rows, seq := tokens.Graph(), tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	var cached []*Node
	for _, x := range nodes[3:] {
		cached = append(cached, resize(x, past))
	}
	keys, values := s.halves(cached)
	span := shapes.Make(dtypes.Int64, rows, seq, past+seq)
	out := s.network.Forward(model.Inputs{
		Tokens:    tokens,
		Positions: AddScalar(Iota(g, tokens.Shape(), 1), int64(past)),
		Visible:   GreaterOrEqual(AddScalar(Iota(g, span, 1), int64(past)), Iota(g, span, 2)),
		Cache:     &model.Cache{Keys: keys, Values: values, Shared: true},
	})
	results := []*Node{s.logitsAt(out.Final, last)}
	for i, own := range append(out.Keys, out.Values...) {
		shape := own.Shape().Clone()
		shape.Dimensions[2] = past
		results = append(results, Concatenate([]*Node{BroadcastToShape(cached[i], shape), own}, 2))
	}
	return results
}

// decodeGraph reads one token a row.
//
//	tokens, positions  int64 [rows]   a row's cache holds what stands before its position; what lies after that is padding
//	then per layer keys, per layer values [rows, kvHeads, length, headDim]
//	returns logits [rows, vocab], then per layer the tokens' keys, per layer their values [rows, kvHeads, 1, headDim]
func (s *Sampler) decodeGraph(_ *gomodel.Scope, nodes []*Node) []*Node {
	tokens, positions := nodes[0], nodes[1]
	keys, values := s.halves(nodes[2:])
	g, rows, length := tokens.Graph(), tokens.Shape().Dim(0), values[0].Shape().Dim(2)
	before := shapes.Make(dtypes.Int64, rows, length)
	own := shapes.Make(dtypes.Int64, rows, 1)
	column := InsertAxes(positions, -1)
	visible := Concatenate([]*Node{
		LessThan(Iota(g, before, 1), BroadcastToShape(column, before)),
		GreaterOrEqual(column, Zeros(g, own)),
	}, 1)
	out := s.network.Forward(model.Inputs{
		Tokens:    InsertAxes(tokens, -1),
		Positions: column,
		Visible:   InsertAxes(visible, 1),
		Cache:     &model.Cache{Keys: keys, Values: values},
	})
	logits := s.network.Logits(Reshape(out.Final, rows, -1))
	return append(append([]*Node{logits}, out.Keys...), out.Values...)
}

// enterGraph is decodeGraph with the tokens' keys and values put into the cache: it returns the logits and the whole cache.
func (s *Sampler) enterGraph(scope *gomodel.Scope, nodes []*Node) []*Node {
	out := s.decodeGraph(scope, nodes)
	for i, cached := range nodes[2:] {
		shape := cached.Shape()
		place := shapes.Make(dtypes.Int64, shape.Dimensions...)
		here := Equal(Iota(cached.Graph(), place, 2), BroadcastToShape(Reshape(nodes[1], -1, 1, 1, 1), place))
		out[1+i] = Where(here, BroadcastToShape(out[1+i], shape), cached)
	}
	return out
}

// arrangeGraph makes a cache of other rows and another length.
//
//	from    int64 [rows]     row of the parts, counted on from part to part
//	span    int64 [length]   of any values: its shape says the new length
//	then of each part per layer keys, per layer values [its rows, kvHeads, its length, headDim]
//	returns per layer keys, per layer values [rows, kvHeads, length, headDim]
func (s *Sampler) arrangeGraph(_ *gomodel.Scope, nodes []*Node) []*Node {
	from, length, parts := InsertAxes(nodes[0], -1), nodes[1].Shape().Dim(0), nodes[2:]
	each := 2 * s.network.Config.Layers
	arranged := make([]*Node, each)
	for i := range arranged {
		var rows []*Node
		for at := i; at < len(parts); at += each {
			rows = append(rows, resize(parts[at], length))
		}
		all := rows[0]
		if len(rows) > 1 {
			all = Concatenate(rows, 0)
		}
		arranged[i] = Gather(all, from)
	}
	return arranged
}

// resize cuts positions off the end of a part of a cache, or adds zeros there.
//
//	x       [rows, kvHeads, its length, headDim]
//	returns [rows, kvHeads, length, headDim]
func resize(x *Node, length int) *Node {
	shape := x.Shape().Clone()
	if shape.Dim(2) >= length {
		return Slice(x, AxisRange(), AxisRange(), AxisRange(0, length))
	}
	shape.Dimensions[2] = length - shape.Dim(2)
	return Concatenate([]*Node{x, Zeros(x.Graph(), shape)}, 2)
}

// halves are the keys and the values of a cache.
func (s *Sampler) halves(nodes []*Node) (keys, values []*Node) {
	layers := s.network.Config.Layers
	return nodes[:layers], nodes[layers:]
}
