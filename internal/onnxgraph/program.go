package onnxgraph

import (
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
)

// tile is the number of elements that a kernel works on at a time, as in kernel.c.
const tile = 1024

// register holds the result of a step.
type register struct {
	perRow bool
	whole  bool // kept over all columns of a row
	output int  // the output that it is, or -1
	slot   int  // else its place in the scratch memory

	first, last int // the steps that it lives between
}

// program writes a kernel down for kernel.c:
//
//	leading axes: their number, the length of each; columns
//	inputs:       their number; of each its type, the distance between columns, the distances along the leading axes
//	outputs:      their number; of each its kind, its rank, its dimensions
//	registers:    their number, of scratch slots, whether any is kept over all columns; of each its kind, whether it is, its
//	              output or -1, its slot
//	steps:        the number of phases, of steps; of each its phase, operation, register, three operands
//
// An operand is an input, then a register, by number; -1, -2, … are constants.
func (t *trace) program(roots []*node) ([]int64, []float32) {
	order := t.order()
	registers, slots := t.registers(order, roots)
	code := numbers(len(t.leading))
	code = append(code, numbers(t.leading...)...)
	code = append(code, numbers(t.columns, len(t.inputs))...)
	for _, in := range t.inputs {
		code = append(code, numbers(truth(in.node.dtype == dtypes.Bool), in.last)...)
		code = append(code, numbers(in.leading...)...)
	}
	code = append(code, int64(len(roots)))
	for _, n := range roots {
		dims := n.dims
		if len(dims) == 0 {
			dims = []int{1}
		}
		_, l := n.home()
		code = append(code, numbers(truth(!l.varies()), len(dims))...)
		code = append(code, numbers(dims...)...)
	}
	code = append(code, numbers(len(registers), slots, truth(slices.ContainsFunc(registers, func(r register) bool { return r.whole })))...)
	for _, r := range registers {
		code = append(code, numbers(truth(r.perRow), truth(r.whole), r.output, r.slot)...)
	}
	phases := 1
	for _, s := range t.steps {
		phases = max(phases, s.phase+1)
	}
	code = append(code, numbers(phases, len(order))...)
	for _, i := range order {
		s := t.steps[i]
		code = append(code, int64(s.phase), s.code, int64(i))
		for j := range 3 {
			if j < len(s.from) {
				code = append(code, int64(t.number(s.from[j])))
			} else {
				code = append(code, 0)
			}
		}
	}
	constants := slices.Clone(t.constants)
	if len(constants) == 0 {
		constants = []float32{0} // an attribute holds something
	}
	return code, constants
}

// order sorts the steps by phase; within one they stay as they were added, operands first.
func (t *trace) order() []int {
	order := make([]int, len(t.steps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return t.steps[a].phase - t.steps[b].phase })
	return order
}

func (t *trace) number(from operand) int {
	switch from.kind {
	case fromInput:
		return from.index
	case fromConstant:
		return -1 - from.index
	}
	return len(t.inputs) + from.index
}

// registers gives every step's result a place: an output, or a slot that is free while the result is needed.
func (t *trace) registers(order []int, roots []*node) (list []register, slots int) {
	list = make([]register, len(t.steps))
	for place, i := range order {
		list[i] = register{perRow: t.steps[i].perRow, output: -1, first: place, last: place}
		for _, from := range t.steps[i].from {
			if from.kind != fromStep {
				continue
			}
			used := &list[from.index]
			used.last = place
			if !used.perRow && t.steps[from.index].phase != t.steps[i].phase && t.columns > tile {
				used.whole = true
			}
		}
	}
	for output, n := range roots {
		list[t.results[n].index].output = output
	}
	var free []int // the place from which on a slot is free
	for _, i := range order {
		r := &list[i]
		if r.output >= 0 {
			r.whole = false
			continue
		}
		first, last := r.first, r.last
		if r.perRow || r.whole { // while the columns are gone through piece by piece
			first, last = t.phaseOf(order, first)
			_, last = t.phaseOf(order, max(r.last, last))
		}
		r.slot = slices.IndexFunc(free, func(until int) bool { return until < first })
		if r.slot < 0 {
			r.slot = len(free)
			free = append(free, 0)
		}
		free[r.slot] = last
	}
	return list, len(free)
}

// phaseOf returns the first and the last place of the phase that a place belongs to.
func (t *trace) phaseOf(order []int, place int) (first, last int) {
	phase := t.steps[order[place]].phase
	first, last = math.MaxInt, 0
	for p, i := range order {
		if t.steps[i].phase == phase {
			first, last = min(first, p), max(last, p)
		}
	}
	return first, last
}

func numbers(list ...int) []int64 {
	out := make([]int64, len(list))
	for i, v := range list {
		out[i] = int64(v)
	}
	return out
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Names of the operation that computes kernels: its attributes are "program" (integers) and "constants" (numbers).
const (
	Operation = "Elementwise"
	Domain    = "sparsepo"
)
