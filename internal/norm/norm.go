// Package norm has the normalisations that models and masks share, as graph code.
package norm

import . "github.com/gomlx/gomlx/core/graph"

// Layer is LayerNorm over the last axis of x: mean 0 and variance 1, then scaled by gain and moved by shift.
//
//	x            […, hidden]
//	gain, shift  [hidden]
func Layer(x, gain, shift *Node, eps float64) *Node {
	centred := Sub(x, ReduceAndKeep(x, ReduceMean, -1))
	variance := ReduceAndKeep(Square(centred), ReduceMean, -1)
	y := Div(centred, Sqrt(AddScalar(variance, eps)))
	return Add(Mul(y, ExpandLeftToRank(gain, x.Rank())), ExpandLeftToRank(shift, x.Rank()))
}
