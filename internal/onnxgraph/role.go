package onnxgraph

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
)

// role says what fusing may do with a node.
type role int

const (
	heavy  role = iota // left to ONNX Runtime
	alias              // the same elements in the same order under another shape
	move               // elements of one input moved or repeated
	pure               // an elementwise operation
	reduce             // a reduction over the last axis
)

// operations of ONNX that kernels know, by their code in kernel.c.
var operations = map[string]int64{
	"Copy": 0, "Neg": 1, "Abs": 2, "Sign": 3, "Sqrt": 4, "Exp": 5, "Log": 6, "Tanh": 7, "Erf": 8, "Sigmoid": 9, "Not": 10,
	"Add": 11, "Sub": 12, "Mul": 13, "Div": 14, "Max": 15, "Min": 16, "Equal": 17, "Greater": 18, "GreaterOrEqual": 19,
	"Less": 20, "LessOrEqual": 21, "And": 22, "Or": 23, "Xor": 24,
	"Where": 25, "ReduceSum": 26, "ReduceMax": 27, "ReduceMin": 28,
	"Cast": 0,
}

// fusing is what is found out about a node.
type fusing struct {
	role     role
	level    int     // operations of ONNX Runtime on the longest way to it
	row      *space  // whose rows it has one element of each for, where that is known
	leaves   []*node // values of about its size that it is computed from, where it is not kept itself
	required bool    // its value must be in memory

	reads   []reading // a root's inputs
	rank    int       // see clusters
	cluster *cluster
	kernel  *node // a root's or a product's
}

func held(d dtypes.DType) bool { return d == dtypes.Float32 || d == dtypes.Bool }

func roleOf(n *node) role {
	switch n.op {
	case "Reshape", "Identity":
		if held(n.dtype) {
			return alias
		}
	case "Expand", "Transpose":
		if _, ok := n.moves(); ok && n.dtype == dtypes.Float32 {
			return move
		}
	case "ReduceSum", "ReduceMax", "ReduceMin":
		if n.dtype == dtypes.Float32 && overLastAxis(n) {
			return reduce
		}
	default:
		if n.op == "Cast" && n.dtype != dtypes.Float32 {
			return heavy
		}
		if _, known := operations[n.op]; known && held(n.dtype) && !slices.ContainsFunc(n.inputs, func(i *node) bool { return !held(i.dtype) }) {
			return pure
		}
	}
	return heavy
}

func overLastAxis(n *node) bool {
	if len(n.inputs) != 2 {
		return false
	}
	axes, ok := n.inputs[1].value.([]int64)
	rank := len(n.inputs[0].dims)
	return ok && rank > 0 && len(axes) == 1 && int(axes[0]) == rank-1
}

// source is the node whose elements a node shows under another shape.
func source(n *node) *node {
	for n.role == alias {
		n = n.inputs[0]
	}
	return n
}

// operands are the inputs whose elements a node computes with.
func (n *node) operands() []*node {
	if n.role == pure {
		return n.inputs
	}
	return n.inputs[:1]
}

// examine finds out what fusing needs to know of every node, in the graph's order.
func (g *graph) examine() {
	for _, n := range g.nodes {
		n.role = roleOf(n)
		for _, input := range n.inputs {
			n.level = max(n.level, input.level)
		}
		if n.role == heavy {
			if len(n.inputs) > 0 {
				n.level++
			}
			for _, input := range n.inputs {
				source(input).required = true
			}
		}
		n.row = rowOf(n)
	}
	for _, n := range g.returns {
		source(n).required = true
	}
	for _, n := range g.nodes {
		n.leaves = leavesOf(n)
	}
}

// rowOf is the space that a node has one element for each row of.
func rowOf(n *node) *space {
	if n.role == reduce {
		s := spaceOf(n.inputs[0])
		return &s
	}
	if n.role == heavy || n.role == move && n.op == "Transpose" {
		return nil
	}
	var found *space
	for _, input := range n.operands() {
		if input.row == nil || input.level != n.level {
			continue
		}
		if found != nil && !found.equal(*input.row) {
			return nil
		}
		found = input.row
	}
	if found == nil || found.rows() != n.size() {
		return nil
	}
	return found
}

// manyLeaves is more than is worth knowing.
const manyLeaves = 3

// leavesOf lists the values of about a node's size that have to be read to compute it.
func leavesOf(n *node) []*node {
	if n.role == heavy {
		return nil
	}
	var leaves []*node
	for _, input := range n.operands() {
		from := input
		for from.role == alias || from.role == move {
			from = from.inputs[0]
		}
		list := []*node{from}
		if from.role != heavy && !from.required && keeps(from) {
			list = from.leaves
		}
		for _, leaf := range list {
			if leaf.size() >= n.size()/4 && leaf.size() > 1 && !slices.Contains(leaves, leaf) && len(leaves) < manyLeaves {
				leaves = append(leaves, leaf)
			}
		}
	}
	return leaves
}

// keeps says whether a node is computed anew by each of its users rather than kept: where that reads no more memory than
// keeping it, or where all its users are likely to be of one kernel.
func keeps(n *node) bool {
	if len(n.leaves) <= 1 {
		return true
	}
	return !slices.ContainsFunc(n.readers(), func(u *node) bool {
		return u.level != n.level || u.role == heavy || u.size() != n.size() && u.role != reduce
	})
}

// readers are the operations that compute with a node's elements, wherever those were moved to.
func (n *node) readers() []*node {
	var list []*node
	for _, u := range n.users {
		if u.role == alias || u.role == move {
			list = append(list, u.readers()...)
		} else {
			list = append(list, u)
		}
	}
	return list
}

// space is what a kernel runs over: rows × columns, the rows given by leading axes.
type space struct {
	leading []int
	columns int
}

func spaceOf(n *node) space {
	if len(n.dims) == 0 {
		return space{columns: 1}
	}
	last := len(n.dims) - 1
	return space{n.dims[:last], n.dims[last]}
}

func (s space) rows() int {
	rows := 1
	for _, d := range s.leading {
		rows *= d
	}
	return rows
}

func (s space) equal(t space) bool {
	return s.columns == t.columns && slices.Equal(s.leading, t.leading)
}

// home is a root's space and its layout there.
func (n *node) home() (space, layout) {
	if n.row != nil && n.role != move {
		return *n.row, n.row.perRow()
	}
	s := spaceOf(n)
	return s, s.identity()
}
