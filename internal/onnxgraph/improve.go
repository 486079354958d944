package onnxgraph

import (
	"slices"

	"github.com/gomlx/compute"
)

// Summary counts the operations of a graph.
type Summary struct {
	Before, After int
	Kernels       int // of those after
}

// Improve rewrites the graph that a builder of compute-onnx has gathered. Where the builder is not as known it changes
// nothing, and its summary is zero. kernels says whether the runtime knows the operations of [Functions].
func Improve(builder compute.Builder, kernels bool) Summary {
	g, ok := read(builder)
	if !ok {
		return Summary{}
	}
	s := Summary{Before: len(g.nodes)}
	g.bypass()
	g.lowerProducts()
	g.prune()
	if kernels {
		s.Kernels = g.fuse()
	}
	g.write()
	s.After = len(g.nodes)
	return s
}

// bypass lets every operation read the source of what it reads where nothing is done on the way: compute-onnx transposes
// into the order that is there already before it gathers, which would copy a whole embedding.
func (g *graph) bypass() {
	for _, n := range g.nodes {
		inputs := slices.Clone(n.inputs)
		for i, input := range inputs {
			for input.idle() {
				input = input.inputs[0]
			}
			inputs[i] = input
		}
		if !slices.Equal(inputs, n.inputs) {
			n.setInputs(inputs)
		}
	}
	g.prune()
}

// idle says whether a node's result is its input as it is.
func (n *node) idle() bool {
	switch n.op {
	case "Transpose":
		return slices.IsSorted(n.ints("perm"))
	case "Expand", "Reshape", "Identity":
		return slices.Equal(n.dims, n.inputs[0].dims)
	}
	return false
}

// prune drops the operations that no output needs. GoMLX leaves many where it recomputes activations.
func (g *graph) prune() {
	needed := map[*node]bool{}
	for _, n := range g.returns {
		needed[n] = true
	}
	kept := make([]*node, 0, len(g.nodes))
	for _, n := range slices.Backward(g.nodes) {
		if !needed[n] && n.op != "Parameter" {
			continue
		}
		kept = append(kept, n)
		for _, input := range n.inputs {
			needed[input] = true
		}
	}
	slices.Reverse(kept)
	g.nodes = kept
	for i, n := range g.nodes {
		n.place, n.users = i, nil
	}
	for _, n := range g.nodes {
		for _, input := range n.inputs {
			input.users = append(input.users, n)
		}
	}
}
