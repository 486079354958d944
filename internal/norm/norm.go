// Package norm has the normalisations that models and masks share, as graph code. They are computed in float32 whatever the
// type of x, and return that type.
package norm

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Layer is LayerNorm over the last axis of x: mean 0 and variance 1, then scaled by gain and moved by shift.
//
//	x            […, hidden]
//	gain, shift  [hidden]
func Layer(x, gain, shift *Node, eps float64) *Node {
	wide := widen(x)
	centred := Sub(wide, ReduceAndKeep(wide, ReduceMean, -1))
	variance := ReduceAndKeep(Square(centred), ReduceMean, -1)
	y := Div(centred, Sqrt(AddScalar(variance, eps)))
	y = Add(Mul(y, ExpandLeftToRank(widen(gain), x.Rank())), ExpandLeftToRank(widen(shift), x.Rank()))
	return ConvertDType(y, x.DType())
}

// RootMeanSquare is RMSNorm over the last axis of x (Zhang and Sennrich 2019): divided by the root of the mean square, then
// scaled by gain.
//
//	x     […, hidden]
//	gain  [hidden]
func RootMeanSquare(x, gain *Node, eps float64) *Node {
	wide := widen(x)
	square := ReduceAndKeep(Square(wide), ReduceMean, -1)
	y := Div(wide, Sqrt(AddScalar(square, eps)))
	return ConvertDType(Mul(y, ExpandLeftToRank(widen(gain), x.Rank())), x.DType())
}

func widen(x *Node) *Node {
	if x.DType() == dtypes.Float64 {
		return x
	}
	return ConvertDType(x, dtypes.Float32)
}
