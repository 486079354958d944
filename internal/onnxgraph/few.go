package onnxgraph

import (
	"fmt"
	"slices"
)

// ProductOperation is the name of the operation for products of few rows. Its attribute "sizes" is what product.h says.
const ProductOperation = "Product"

// Products of few rows: as many as that for weights, which ONNX Runtime would pack at every call, for that costs as much as
// the products of some dozen rows; and for matrices that are read once, such as the keys and values of a step of sampling.
const (
	fewRows = 64
	oneOff  = 4
)

// multiply puts operations of ours in place of products of few rows. Products of one matrix by several weights become one.
func (g *graph) multiply() {
	type operand struct {
		left *node
		rows int
	}
	same := map[operand][]*node{}
	var order []operand
	for _, n := range g.nodes {
		left, right, rows := n.product()
		switch {
		case left == nil:
		case n.op == "FusedMatMul" && rows <= oneOff:
			multiplied([]*node{n})
		case n.op == "Gemm" && rows <= fewRows && source(right).op == "Parameter":
			k := operand{source(left), rows}
			if same[k] == nil {
				order = append(order, k)
			}
			same[k] = append(same[k], n)
		}
	}
	for _, k := range order {
		multiplied(same[k])
	}
}

// product returns the operands of a product whose left operand's rows lie in rows, and their number; nil for other nodes.
func (n *node) product() (left, right *node, rows int) {
	if n.op != "Gemm" && n.op != "FusedMatMul" || len(n.inputs) != 2 || len(n.dims) < 2 {
		return nil, nil, 0
	}
	rows = n.dims[len(n.dims)-2]
	if n.number("transA") != 0 && rows != 1 {
		return nil, nil, 0
	}
	return n.inputs[0], n.inputs[1], rows
}

// multiplied makes one operation of products of the same left operand.
func multiplied(products []*node) {
	n := products[0]
	left, _, rows := n.product()
	inner := left.size() / (n.size() / n.dims[len(n.dims)-1])
	leading := n.dims[:len(n.dims)-1]
	sizes := append(numbers(rows, inner, len(leading)), numbers(leading...)...)
	inputs := []*node{source(left)}
	var names []string
	for _, p := range products {
		inputs = append(inputs, source(p.inputs[1]))
		names = append(names, p.name)
		sizes = append(sizes, int64(p.dims[len(p.dims)-1]), p.number("transB"))
	}
	op := added(n, fmt.Sprintf("product_of_%s", n.name), names)
	op.become(ProductOperation, Domain, inputs, map[string]any{"sizes": slices.Clip(sizes)})
	for _, p := range products {
		p.kernel = op
	}
}
