package onnxgraph

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
)

// AttentionOperation is the name of the operation for the attention of one new position a row over a cache. Its attributes
// "sizes" and "scale" are what attention.h says.
const AttentionOperation = "Attention"

// overCache is attention as package model computes it where rows have a cache:
//
//	product    queries × keysᵀ of the cache
//	scores     product ‖ Σ queries·key, scaled, plus bias
//	shares     softmax of scores
//	sum        the cache's shares × its values + the last share · value
type overCache struct {
	product, mix      *node // by the cache's keys, by its values
	key, value, bias  *node
	scale             float32
	rows, heads       int
	queries, width    int
	positions         int
	scores, exponents *node
}

// attend puts one operation in place of attention over a cache.
func (g *graph) attend() {
	for _, n := range g.nodes {
		a, ok := overCacheOf(n)
		if !ok {
			continue
		}
		inputs := []*node{a.product.inputs[0], a.key, a.value, a.product.inputs[1], a.mix.inputs[1], a.bias}
		target := n
		if len(n.users) == 1 && n.users[0].still() && !slices.Contains(g.returns, n) {
			target = n.users[0]
		}
		sizes := append(numbers(a.rows, a.heads, a.queries, a.width, a.positions, len(target.dims)), numbers(target.dims...)...)
		target.become(AttentionOperation, Domain, inputs, map[string]any{"sizes": sizes, "scale": []float32{a.scale}})
	}
}

// still says whether a node transposes axes but leaves the order of elements as it is: it moves axes of length one only.
func (n *node) still() bool {
	if n.op != "Transpose" {
		return false
	}
	var moved []int64
	for _, p := range n.permutation() {
		if int(p) < len(n.inputs[0].dims) && n.inputs[0].dims[p] != 1 {
			moved = append(moved, p)
		}
	}
	return slices.IsSorted(moved)
}

// shown is the node whose elements a node shows under another shape or repeats.
func shown(n *node) *node {
	for n.op == "Reshape" || n.op == "Identity" || n.op == "Expand" {
		n = n.inputs[0]
	}
	return n
}

// either calls use with the inputs of an operation of two in both orders, until it is true.
func either(n *node, use func(a, b *node) bool) bool {
	return len(n.inputs) == 2 && (use(n.inputs[0], n.inputs[1]) || use(n.inputs[1], n.inputs[0]))
}

// overCacheOf reads the attention that a node is the sum of.
func overCacheOf(n *node) (a overCache, ok bool) {
	if n.op != "Add" || n.dtype != dtypes.Float32 {
		return a, false
	}
	ok = either(n, func(mix, own *node) bool {
		return mix.op == "FusedMatMul" && len(mix.dims) == 4 && own.op == "Mul" && a.readMix(mix, own)
	})
	return a, ok && a.readShares() && a.readScores()
}

// readMix reads the last step, from the cache's shares and the last share.
func (a *overCache) readMix(mix, own *node) bool {
	a.mix = mix
	values := mix.inputs[1].dims
	a.rows, a.heads, a.queries, a.width, a.positions = mix.dims[0], mix.dims[1], mix.dims[2], mix.dims[3], values[2]
	if mix.number("transA") != 0 || mix.number("transB") != 0 || !slices.Equal(values, []int{a.rows, a.heads, a.positions, a.width}) {
		return false
	}
	first := shown(mix.inputs[0])
	return either(own, func(share, value *node) bool {
		last := shown(share)
		if last.op != "Slice" || first.op != "Slice" || shown(last.inputs[0]) != shown(first.inputs[0]) {
			return false
		}
		a.value, a.exponents = shown(value), shown(first.inputs[0])
		return cuts(first, 0, a.positions) && cuts(last, a.positions, a.positions+1) && a.isOfHeads(shown(value))
	})
}

// isOfHeads says whether a value is one vector for each head of each row.
func (a *overCache) isOfHeads(n *node) bool {
	return n.dtype == dtypes.Float32 && slices.Equal(n.dims, []int{a.rows, a.heads, 1, a.width})
}

// cuts says whether a Slice takes all but the given part of the last axis.
func cuts(n *node, from, to int) bool {
	if len(n.inputs) != 5 {
		return false
	}
	var lists [4][]int64
	for i := range lists {
		lists[i], _ = n.inputs[1+i].value.([]int64)
	}
	last := len(n.dims) - 1
	for axis, d := range n.inputs[0].dims {
		begin, end := 0, d
		if axis == last {
			begin, end = from, to
		}
		if want := numbers(begin, end, axis, 1); slices.ContainsFunc(lists[:], func(l []int64) bool { return len(l) <= axis }) ||
			!slices.Equal(want, []int64{lists[0][axis], lists[1][axis], lists[2][axis], lists[3][axis]}) {
			return false
		}
	}
	return true
}

// readShares reads the softmax.
func (a *overCache) readShares() bool {
	quotient := a.exponents
	if quotient.op != "Div" {
		return false
	}
	exp, sum := quotient.inputs[0], shown(quotient.inputs[1])
	if exp.op != "Exp" || sum.op != "ReduceSum" || sum.inputs[0] != exp || !overLastAxis(sum) || exp.inputs[0].op != "Sub" {
		return false
	}
	scores, most := exp.inputs[0].inputs[0], shown(exp.inputs[0].inputs[1])
	if most.op != "ReduceMax" || most.inputs[0] != scores || !overLastAxis(most) {
		return false
	}
	a.scores = scores
	return true
}

// readScores reads what the softmax is of.
func (a *overCache) readScores() bool {
	scores := a.scores
	keys := a.positions + 1
	return scores.op == "Add" && slices.Equal(scores.dims, []int{a.rows, a.heads * a.queries, 1, keys}) &&
		either(scores, func(products, bias *node) bool {
			a.bias = shown(bias)
			scaled := shown(products)
			return a.bias.size() == a.rows*keys && bias.dims[len(bias.dims)-1] == keys && a.bias.dtype == dtypes.Float32 &&
				slices.Equal(bias.dims, []int{a.rows, 1, 1, keys}) && scaled.op == "Mul" && either(scaled, a.readProducts)
		})
}

// readProducts reads the products of queries and keys, and what they are scaled by.
func (a *overCache) readProducts(products, scale *node) bool {
	number, ok := constant(shown(scale))
	if !ok || products.op != "Concat" || len(products.inputs) != 2 || products.number("axis") != 3 {
		return false
	}
	product, own := products.inputs[0], shown(products.inputs[1])
	if product.op != "FusedMatMul" || product.number("transA") != 0 || product.number("transB") != 1 || own.op != "ReduceSum" || !overLastAxis(own) {
		return false
	}
	queries, keys := product.inputs[0], product.inputs[1]
	if !slices.Equal(queries.dims, []int{a.rows, a.heads, a.queries, a.width}) || !slices.Equal(keys.dims, []int{a.rows, a.heads, a.positions, a.width}) {
		return false
	}
	a.product, a.scale = product, number
	return own.inputs[0].op == "Mul" && either(own.inputs[0], func(q, key *node) bool {
		a.key = shown(key)
		return q == queries && a.isOfHeads(a.key)
	})
}
