package likelihood

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/internal/beginning"
	"github.com/sparsepo/sparsepo/model"
)

// after are the requests of a section without its beginning.
func after(s beginning.Section, requests []Request) []Request {
	list := make([]Request, len(s.Members))
	for i, member := range s.Members {
		r := requests[member]
		list[i] = Request{r.Prefix[len(s.Beginning):], r.Continuation}
	}
	return list
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
