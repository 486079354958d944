package model

import (
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
)

// activations by Hugging Face's names.
var activations = map[string]func(*Node) *Node{
	"gelu_new":          geluTanh,
	"gelu_pytorch_tanh": geluTanh,
	"gelu_fast":         geluTanh,
	"gelu":              geluErf,
	"relu":              relu,
	"silu":              silu,
}

func activationNames() []string {
	var names []string
	for n := range activations {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// geluTanh is GELU's tanh approximation, 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))).
func geluTanh(x *Node) *Node {
	inner := Mul(x, AddScalar(MulScalar(Square(x), 0.044715*math.Sqrt(2/math.Pi)), math.Sqrt(2/math.Pi)))
	return Mul(MulScalar(x, 0.5), AddScalar(Tanh(inner), 1))
}

// geluErf is GELU itself, x Φ(x).
func geluErf(x *Node) *Node {
	return Mul(MulScalar(x, 0.5), AddScalar(Erf(MulScalar(x, 1/math.Sqrt2)), 1))
}

func relu(x *Node) *Node { return Max(x, ZerosLike(x)) }

func silu(x *Node) *Node { return Div(x, AddScalar(Exp(Neg(x)), 1)) }
