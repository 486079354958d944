package model

import (
	"fmt"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/sparsepo/sparsepo/internal/nf4"
)

// weights are a network's parameters in one forward pass, in the type that the pass computes in.
type weights struct {
	network *Network
	graph   *Graph
	in      Inputs

	down map[string]*Node // per module with an adapter, its input after the down-projection
}

// value is a parameter, in the pass's type.
func (w *weights) value(name string) *Node { return ConvertDType(w.kept(name), w.network.dtype) }

// kept is a parameter as it is kept: in float32 where it is trained, whatever the pass's type. What many tokens read is
// converted after they read it, so that their gradients are added up in float32: embed, addBias.
func (w *weights) kept(name string) *Node {
	v := w.network.scope.GetVariable(name)
	if v == nil {
		panic(fmt.Errorf("model: %s has no parameter %q", w.network.Config.Type, name))
	}
	return v.NodeValue(w.graph)
}

// embed looks rows of a table up.
//
//	table   names a parameter [n, hidden]
//	ids     int64 [rows, seq]
//	returns [rows, seq, hidden]
func (w *weights) embed(table string, ids *Node) *Node {
	return ConvertDType(Gather(w.kept(table), InsertAxes(ids, -1)), w.network.dtype)
}

// addBias adds a bias, a parameter [out], to each row of y [n, out].
func (w *weights) addBias(y *Node, bias string) *Node {
	b := ExpandLeftToRank(w.kept(bias), 2)
	if b.DType() != y.DType() {
		b = ConvertDType(BroadcastToShape(b, shapes.Make(b.DType(), y.Shape().Dimensions...)), y.DType())
	}
	return Add(y, b)
}

// has reports whether there is a parameter of that name.
func (w *weights) has(name string) bool { return w.network.scope.GetVariable(name) != nil }

// layer marks the beginning of a layer, whose activations are computed again for the gradients where the caller asks for it.
func (w *weights) layer(x *Node) *Node {
	if w.in.Recompute {
		return x.Checkpoint()
	}
	return x
}

// end marks the end of the last layer.
func (w *weights) end(x *Node) *Node {
	if w.in.Recompute {
		return x.StopCheckpoint()
	}
	return x
}

// linear applies a linear layer, its adapter included.
//
//	x       [rows, seq, in]
//	returns [rows, seq, out]
func (w *weights) linear(x *Node, module string) *Node { return w.section(x, module, "") }

// section applies a section of a fused linear layer; the empty name stands for a layer of one part.
func (w *weights) section(x *Node, module, section string) *Node {
	if section != "" {
		section = ":" + section
	}
	name := module + ".weight" + section
	p, ok := w.network.linears[name]
	if !ok {
		panic(fmt.Errorf("model: %s has no linear layer %q", w.network.Config.Type, name))
	}
	flat, dims := flatten(x)
	y := w.product(flat, p)
	if a := w.network.adapter; a != nil && a.on(module) {
		y = Add(y, ConvertDType(w.adapted(flat, a, module, section), y.DType()))
	}
	if bias := module + ".bias" + section; w.has(bias) {
		y = w.addBias(y, bias)
	}
	return Reshape(y, append(dims, -1)...)
}

// product is x [n, in] times the weight of a linear layer.
func (w *weights) product(x *Node, p Param) *Node {
	bands := w.network.quantised[p.Name]
	if bands == nil {
		return multiply(x, w.value(p.Name), p.Linear.InOut)
	}
	axis := 1
	if p.Linear.InOut {
		axis = 0
	}
	parts := make([]*Node, len(bands))
	for i, dims := range bands {
		node := func(name string) *Node { return w.network.scope.GetVariable(bandName(p, i, name)).NodeValue(w.graph) }
		q := nf4.Weights{Codes: node(quantisedCodes), Scales: node(quantisedScales), ScaleScales: node(quantisedScaleScales), Offset: node(quantisedOffset), Dims: dims}
		parts[i] = q.Product(x, axis)
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return Concatenate(parts, 1)
}

// flatten merges all axes but the last.
func flatten(x *Node) (flat *Node, rest []int) {
	dims := x.Shape().Dimensions
	last := len(dims) - 1
	return Reshape(x, -1, dims[last]), append([]int{}, dims[:last]...)
}

// multiply is x·m, or x·mᵀ for a matrix stored [out, in]. Few rows against a large matrix are transposed instead of the
// matrix: the engine would spend more on that than on the product.
//
//	x       [n, in]
//	m       [out, in], or [in, out] where inOut
//	returns [n, out]
func multiply(x, m *Node, inOut bool) *Node {
	if inOut {
		return dot(x, m).General([]int{1}, nil, []int{0}, nil)
	}
	return unembed(x, m)
}
