package mask

import (
	"math"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Map turns an activation's values over a response into mask values.
type Map string

// The maps.
const (
	MinMax Map = "minmax" // to [0, 1] over the response: what the authors' zn_rescale amounts to
	ZScore Map = "zscore" // standardised with the n-1 variance, the paper's formula
)

// Groups are the activation groups the mask averages by default.
var Groups = []string{"mlp", "attn", "resid"}

// FromActivations is the activation-based mask (MaPO): each activation, averaged to one number a token, is mapped over its
// response; the maps are averaged within each group, then over the groups.
//
//	groups   per group one node [activations, tokens]
//	member   0/1 [responses, tokens]: which response a token belongs to, a zero column at padding
//	returns  [tokens], 0 at padding; no gradient reaches the activations
func FromActivations(groups []*Node, member *Node, m Map) *Node {
	var sum *Node
	for _, x := range groups {
		mean := ReduceMean(m.apply(StopGradient(x), member), 0)
		if sum == nil {
			sum = mean
		} else {
			sum = Add(sum, mean)
		}
	}
	return DivScalar(sum, float64(len(groups)))
}

func (m Map) apply(x, member *Node) *Node {
	if m == ZScore {
		return zscore(x, member)
	}
	return minmax(x, member)
}

// minmax maps x [activations, tokens] to [0, 1] over each response; 0 where all values of a response are equal.
func minmax(x, member *Node) *Node {
	low, high := extremes(x, member)
	width := Sub(high, low)
	width = Max(width, MulScalar(OnesLike(width), tiny))
	return Mul(Div(Sub(x, low), width), inside(member))
}

// zscore standardises x [activations, tokens] over each response with the n-1 variance; 0 where all values of a response are
// equal. Taking the response's least value off first makes that exact: rounding in a mean would leave equal values with a
// spread, which the division blows up.
func zscore(x, member *Node) *Node {
	low, _ := extremes(x, member)
	x = Sub(x, low)
	count := ReduceSum(member, -1) // [responses]
	count = Max(count, OnesLike(count))
	perResponse := func(v *Node) *Node { return DotGeneral(v, []int{1}, nil, member, []int{1}, nil) } // [activations, responses]
	mean := Div(perResponse(x), ExpandLeftToRank(count, 2))
	centred := Mul(Sub(x, perToken(mean, member)), inside(member))
	degrees := AddScalar(count, -1)
	degrees = Max(degrees, OnesLike(degrees))
	variance := Div(perResponse(Square(centred)), ExpandLeftToRank(degrees, 2))
	return Div(centred, AddScalar(perToken(Sqrt(variance), member), tiny))
}

// extremes gives every token the least and the greatest value of its response, [activations, tokens]; 0 at padding.
func extremes(x, member *Node) (low, high *Node) {
	big := math.MaxFloat32 / 2
	shape := shapes.Make(x.DType(), x.Shape().Dim(0), member.Shape().Dim(0), x.Shape().Dim(1)) // [activations, responses, tokens]
	here := BroadcastToShape(ExpandLeftToRank(GreaterThan(member, ZerosLike(member)), 3), shapes.Make(boolType, shape.Dimensions...))
	values := BroadcastToShape(InsertAxes(x, 1), shape)
	far := MulScalar(Ones(x.Graph(), shape), big)
	low = perToken(ReduceMin(Where(here, values, far), -1), member)
	high = perToken(ReduceMax(Where(here, values, Neg(far)), -1), member)
	return low, high
}

// tiny keeps a division by the spread of a constant response finite (1e-12, as in the authors' code).
const tiny = 1e-12

// perToken gives every token its response's value: [activations, responses] -> [activations, tokens].
func perToken(x, member *Node) *Node { return DotGeneral(x, []int{1}, nil, member, []int{0}, nil) }

// inside is 1 for response tokens and 0 at padding, [1, tokens].
func inside(member *Node) *Node { return ReduceAndKeep(member, ReduceSum, 0) }
