package onnxgraph

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
)

// reading is a value in memory and where a kernel finds its elements there.
type reading struct {
	node *node
	layout
}

func (r reading) equal(s reading) bool {
	return r.node == s.node && r.last == s.last && slices.Equal(r.leading, s.leading)
}

// cluster is a set of nodes whose values one kernel computes.
type cluster struct {
	space
	roots []*node
}

// fuse replaces what it can with kernels. A node whose value must be in memory is a root: others read it. From the graph's end
// to its start every root is traced back to the values it is computed from, which makes those required too. It returns the
// number of kernels.
func (g *graph) fuse() int {
	g.examine()
	for _, n := range slices.Backward(g.nodes) {
		switch {
		case !n.required || n.role == heavy:
		case n.role == alias:
			source(n).required = true
		case !n.canBeRoot():
			n.role = heavy
			for _, input := range n.inputs {
				source(input).required = true
			}
		default:
			for _, in := range n.traced() {
				in.node.required = true
			}
		}
	}
	for _, n := range g.nodes {
		if n.isRoot() {
			n.reads = n.traced() // now that all that is in memory is known
		}
	}
	clusters := g.clusters()
	for i, c := range clusters {
		replace(c, i)
	}
	g.multiply()
	g.sort()
	return len(clusters)
}

// canBeRoot says whether a kernel can compute a node's value: it writes float32 numbers.
func (n *node) canBeRoot() bool {
	s, l := n.home()
	t := newTrace(s, n.level)
	return n.dtype == dtypes.Float32 && t.follows(n, l) && (n.role != move || t.moved(n, l) != nil)
}

// traced are the values in memory that a root is computed from.
func (n *node) traced() []reading {
	s, l := n.home()
	t := newTrace(s, n.level)
	t.compute(n, l)
	return t.inputs
}

// isRoot says whether a kernel computes a node's value into memory.
func (n *node) isRoot() bool { return n.required && n.role != heavy && n.role != alias }

// clusters gathers roots that one kernel can compute together: those of one space that read the same values, or one another,
// and of equal rank. The rank counts the kernels and operations that lie on the longest way to a node, so that no way leads
// out of a cluster and back into it.
func (g *graph) clusters() []*cluster {
	type key struct {
		rank int
		read *node
	}
	readers := map[key][]*node{}
	var list []*cluster
	for _, n := range g.nodes {
		if !n.isRoot() {
			for _, input := range n.inputs {
				n.rank = max(n.rank, input.rank)
			}
			if n.role == heavy && len(n.inputs) > 0 {
				n.rank++
			}
			continue
		}
		s, _ := n.home()
		n.rank = rankOf(n, s)
		own := &cluster{space: s, roots: []*node{n}}
		n.cluster = own
		list = append(list, own)
		for _, in := range n.reads {
			k := key{n.rank, in.node}
			for _, other := range readers[k] {
				if other.cluster.equal(s) {
					own.join(other.cluster)
				}
			}
			if in.node.rank == n.rank && shares(in, s) {
				own.join(in.node.cluster)
			}
			readers[k] = append(readers[k], n)
		}
	}
	return slices.DeleteFunc(list, func(c *cluster) bool { return len(c.roots) == 0 })
}

// join moves another cluster's roots here.
func (c *cluster) join(other *cluster) {
	if c == other {
		return
	}
	for _, n := range other.roots {
		n.cluster = c
	}
	c.roots = append(c.roots, other.roots...)
	slices.SortFunc(c.roots, func(a, b *node) int { return a.place - b.place })
	other.roots = nil
}

// rankOf is the smallest rank that a root may have.
func rankOf(n *node, s space) int {
	rank := 0
	for _, in := range n.reads {
		if shares(in, s) {
			rank = max(rank, in.node.rank)
		} else {
			rank = max(rank, in.node.rank+1)
		}
	}
	return rank
}

// shares says whether a kernel over a space that computes a value can go on with it as a reading wants it.
func shares(in reading, s space) bool {
	if !in.node.isRoot() {
		return false
	}
	own, l := in.node.home()
	return own.equal(s) && in.equal(reading{in.node, l})
}

// replace puts a kernel in a cluster's place.
func replace(c *cluster, number int) {
	t := newTrace(c.space, -1)
	t.own = c
	for _, n := range c.roots {
		t.level = n.level
		_, l := n.home()
		t.emit(n, l)
	}
	names := make([]string, len(c.roots))
	for i, n := range c.roots {
		names[i] = n.name
	}
	kernel := added(c.roots[0], fmt.Sprintf("kernel_%d", number), names)
	inputs := make([]*node, len(t.inputs))
	for i, in := range t.inputs {
		inputs[i] = in.node
	}
	code, constants := t.program(c.roots)
	kernel.become(Operation, Domain, inputs, map[string]any{"program": code, "constants": constants})
	for _, n := range c.roots {
		n.kernel = kernel
	}
}

// sort puts the nodes that are needed into an order in which inputs come first, with kernels in their roots' places.
func (g *graph) sort() {
	var order []*node
	done := map[*node]bool{}
	var visit func(n *node)
	visit = func(n *node) {
		if n.kernel != nil {
			n = n.kernel
		}
		if done[n] {
			return
		}
		done[n] = true
		for _, input := range n.inputs {
			visit(input)
		}
		order = append(order, n)
	}
	for _, n := range g.nodes {
		if n.op == "Parameter" {
			visit(n)
		}
	}
	for _, n := range g.returns {
		visit(n)
	}
	g.nodes = order
}
