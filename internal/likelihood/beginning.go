package likelihood

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/model"
)

// beginning is what was read of texts that begin alike: per layer keys, then per layer values [1, kvHeads, length, headDim],
// where length may be more than the number of tokens. The scorer keeps the last one.
type beginning struct {
	ids   []int32
	cache []*tensors.Tensor
}

func (b *beginning) release() {
	for _, t := range b.cache {
		_ = t.FinalizeAll()
	}
	*b = beginning{}
}

// prepare shortens the section's beginning to the one that was read last, where the tokens that its texts then read
// themselves are fewer than those of reading it anew; else it reads it.
func (s *Scorer) prepare(requests []Request, part *section) error {
	shared := common(s.last.ids, part.beginning)
	if n := len(s.last.ids); n > 0 && shared == n && (len(part.beginning)-n)*texts(requests, part.members) <= len(part.beginning) {
		part.beginning = part.beginning[:n]
		return nil
	}
	s.last.release()
	seq := size(len(part.beginning))
	tokens, positions := make([]int64, seq), make([]int64, seq)
	for i, id := range part.beginning {
		tokens[i], positions[i] = int64(id), int64(i)
	}
	out, err := call(s.begin, []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(tokens, 1, seq), tensors.FromFlatDataAndDimensions(positions, 1, seq),
	})
	if err != nil {
		return err
	}
	cached := len(out) - 1
	_ = out[cached].FinalizeAll()
	s.last = beginning{ids: slices.Clone(part.beginning), cache: out[:cached]}
	return nil
}

// beginGraph reads a beginning, padded at its end.
//
//	tokens, positions  int64 [1, length]
//	returns per layer keys, then per layer values [1, kvHeads, length, headDim]; and a number without meaning, since graphs
//	whose last operation is in no result fail on the Go engine
func (s *Scorer) beginGraph(_ *gomodel.Scope, nodes []*Node) []*Node {
	g, length := nodes[0].Graph(), nodes[0].Shape().Dim(1)
	square := shapes.Make(dtypes.Int64, 1, length, length)
	out := s.network.Forward(model.Inputs{
		Tokens: nodes[0], Positions: nodes[1], Visible: GreaterOrEqual(Iota(g, square, 1), Iota(g, square, 2)),
	})
	return slices.Concat(out.Keys, out.Values, []*Node{ReduceAllSum(out.Final)})
}

// afterGraph is graph in rows that go on from a beginning: its arguments, then
//
//	count              int64 [1] tokens of the beginning
//	then per layer keys, per layer values [1, kvHeads, length, headDim]
func (s *Scorer) afterGraph(_ *gomodel.Scope, nodes []*Node) []*Node {
	cached := nodes[7:]
	layers := len(cached) / 2
	in := rowInputs(nodes)
	g, length := in.Tokens.Graph(), cached[0].Shape().Dim(2)
	before := shapes.Make(dtypes.Int64, in.Tokens.Shape().Dim(0), in.Tokens.Shape().Dim(1), length)
	known := LessThan(Iota(g, before, 2), BroadcastToShape(Reshape(nodes[6], 1, 1, 1), before))
	in.Visible = Concatenate([]*Node{known, in.Visible}, 2)
	in.Cache = &model.Cache{Keys: cached[:layers], Values: cached[layers:], Shared: true}
	return s.targets(in, nodes[4], nodes[5])
}
