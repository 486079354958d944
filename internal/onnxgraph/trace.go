package onnxgraph

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
)

// trace follows values back to what they are computed from, and writes down the steps of a kernel.
type trace struct {
	space
	level int
	own   *cluster // whose values the kernel computes; nil where only the inputs matter

	inputs    []reading
	constants []float32
	steps     []step
	known     map[string]operand
	results   map[*node]operand // of own's roots
}

// operand is where a step finds a number: an input, the result of a step, or a constant.
type operand struct {
	kind  operandKind
	index int
}

type operandKind int

const (
	fromInput operandKind = iota
	fromStep
	fromConstant
)

// step is an operation of a kernel.
type step struct {
	code   int64
	from   []operand
	perRow bool // its result is one number a row
	phase  int  // reductions end a phase: what uses them comes in a later one
}

func newTrace(s space, level int) *trace {
	return &trace{space: s, level: level, known: map[string]operand{}, results: map[*node]operand{}}
}

// emit computes a root of the kernel's own.
func (t *trace) emit(n *node, l layout) {
	result := t.value(n, l)
	taken := result.kind == fromStep && slices.ContainsFunc(t.own.roots, func(r *node) bool {
		other, ok := t.results[r]
		return ok && other == result
	})
	if result.kind != fromStep || taken || t.steps[result.index].perRow == l.varies() {
		result = t.add(step{code: operations["Copy"], from: []operand{result}, perRow: !l.varies()})
	}
	t.results[n] = result
	t.known[keyOf(n, l)] = result
}

func keyOf(n *node, l layout) string { return fmt.Sprint(n.place, l.leading, l.last) }

// value is a node's value under a layout.
func (t *trace) value(n *node, l layout) operand {
	key := keyOf(n, l)
	if found, ok := t.known[key]; ok {
		return found
	}
	var found operand
	if number, ok := constant(n); ok {
		found = t.constant(number)
	} else if t.absorbs(n, l) {
		found = t.compute(n, l)
	} else {
		found = t.input(reading{n, l})
	}
	t.known[key] = found
	return found
}

// absorbs says whether a value is computed here rather than read.
func (t *trace) absorbs(n *node, l layout) bool {
	switch {
	case n.role == heavy:
		return false
	case n.role == alias:
		return true
	case t.own != nil && n.cluster == t.own:
		_, home := n.home()
		return reading{n, l}.equal(reading{n, home})
	case n.required:
		return false
	case n.role == move:
		return t.moved(n, l) != nil
	case n.row != nil:
		return t.follows(n, l) && n.level == t.level && n.row.equal(t.space) && reading{n, l}.equal(reading{n, n.row.perRow()})
	}
	return keeps(n) && t.follows(n, l)
}

// follows says whether the inputs of an elementwise operation have layouts.
func (t *trace) follows(n *node, l layout) bool {
	return n.role != pure || !slices.ContainsFunc(n.inputs, func(input *node) bool {
		_, ok := t.repeated(n, input, l)
		return !ok
	})
}

// moved is the layout in the input of a move, nil where there is none.
func (t *trace) moved(n *node, l layout) *layout {
	strides, _ := n.moves()
	if inner, ok := t.through(l, n.dims, strides); ok {
		return &inner
	}
	return nil
}

// compute adds the steps for a value.
func (t *trace) compute(n *node, l layout) operand {
	switch n.role {
	case alias:
		return t.value(n.inputs[0], l)
	case move:
		return t.value(n.inputs[0], *t.moved(n, l))
	case reduce:
		inner := layout{leading: slices.Clone(l.leading), last: 1}
		for i := range inner.leading {
			inner.leading[i] *= t.columns
		}
		return t.add(step{code: operations[n.op], from: []operand{t.value(n.inputs[0], inner)}, perRow: true})
	}
	s := step{code: operations[n.op], perRow: !l.varies()}
	for _, input := range n.inputs {
		inner, _ := t.repeated(n, input, l)
		s.from = append(s.from, t.value(input, inner))
	}
	return t.add(s)
}

// repeated is the layout of an elementwise operation's input, whose missing axes and axes of length one are repeated.
func (t *trace) repeated(n, input *node, l layout) (layout, bool) {
	if slices.Equal(n.dims, input.dims) {
		return l, true
	}
	strides := make([]int, len(n.dims))
	own := contiguous(input.dims)
	shift := len(n.dims) - len(input.dims)
	for i, d := range input.dims {
		if d != 1 {
			strides[shift+i] = own[i]
		}
	}
	return t.through(l, n.dims, strides)
}

func (t *trace) add(s step) operand {
	for _, from := range s.from {
		s.phase = max(s.phase, t.ready(from))
	}
	t.steps = append(t.steps, s)
	return operand{fromStep, len(t.steps) - 1}
}

// ready is the first phase in which an operand can be used.
func (t *trace) ready(from operand) int {
	if from.kind != fromStep {
		return 0
	}
	s := t.steps[from.index]
	if s.reduces() {
		return s.phase + 1
	}
	return s.phase
}

func (s step) reduces() bool { return s.code >= operations["ReduceSum"] }

func (t *trace) input(r reading) operand {
	for i, in := range t.inputs {
		if in.equal(r) {
			return operand{fromInput, i}
		}
	}
	t.inputs = append(t.inputs, r)
	return operand{fromInput, len(t.inputs) - 1}
}

func (t *trace) constant(value float32) operand {
	if i := slices.Index(t.constants, value); i >= 0 {
		return operand{fromConstant, i}
	}
	t.constants = append(t.constants, value)
	return operand{fromConstant, len(t.constants) - 1}
}

// constant is the number that a node stands for.
func constant(n *node) (float32, bool) {
	for n.role == alias || n.role == move {
		n = n.inputs[0]
	}
	if n.op != "Constant" || n.size() != 1 {
		return 0, false
	}
	switch list := n.value.(type) {
	case []float32:
		return list[0], n.dtype == dtypes.Float32
	case []bool:
		return float32(truth(list[0])), true
	}
	return 0, false
}
