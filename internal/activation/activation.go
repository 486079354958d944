// Package activation has the activation functions of models, as graph code, by the names that Hugging Face's config.json
// gives them.
package activation

import (
	"maps"
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
)

// Functions are the activation functions, elementwise, by name.
var Functions = map[string]func(*Node) *Node{
	"gelu_new":          geluTanh,
	"gelu_pytorch_tanh": geluTanh,
	"gelu_fast":         geluTanh,
	"gelu":              geluErf,
	"relu":              relu,
	"silu":              silu,
}

// Names lists the functions in alphabetical order.
func Names() []string { return slices.Sorted(maps.Keys(Functions)) }

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

// silu is x times its sigmoid, which overflows nowhere.
func silu(x *Node) *Node { return Mul(x, Sigmoid(x)) }
