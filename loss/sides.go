package loss

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Sides says which response each token of the flat list belongs to.
type Sides struct {
	// Chosen and Rejected are 0/1 matrices [pairs, tokens]; a column of padding is zero in both.
	Chosen, Rejected *Node
}

// NewSides builds the matrices from each token's owner.
//
//	owner int64 [tokens]: the pair for chosen tokens, pairs + the pair for rejected ones, 2·pairs at padding
func NewSides(owner *Node, pairs int, dtype dtypes.DType) Sides {
	g, tokens := owner.Graph(), owner.Shape().Dim(0)
	shape := shapes.Make(dtypes.Int64, pairs, tokens)
	row := Iota(g, shape, 0)
	column := BroadcastToShape(ExpandLeftToRank(owner, 2), shape)
	return Sides{
		Chosen:   ConvertDType(Equal(column, row), dtype),
		Rejected: ConvertDType(Equal(column, AddScalar(row, int64(pairs))), dtype),
	}
}

// Sum adds a value [tokens] up over each response: two nodes [pairs].
func (s Sides) Sum(x *Node) (chosen, rejected *Node) {
	return DotGeneral(s.Chosen, []int{1}, nil, x, []int{0}, nil), DotGeneral(s.Rejected, []int{1}, nil, x, []int{0}, nil)
}

// Lengths counts the tokens of each response, at least 1 so that it can divide: two nodes [pairs].
func (s Sides) Lengths() (chosen, rejected *Node) {
	atLeastOne := func(side *Node) *Node {
		n := ReduceSum(side, -1)
		return Max(n, OnesLike(n))
	}
	return atLeastOne(s.Chosen), atLeastOne(s.Rejected)
}

// Mean averages a value [tokens] over each response: two nodes [pairs], 0 for an empty response.
func (s Sides) Mean(x *Node) (chosen, rejected *Node) {
	chosen, rejected = s.Sum(x)
	chosenLength, rejectedLength := s.Lengths()
	return Div(chosen, chosenLength), Div(rejected, rejectedLength)
}
