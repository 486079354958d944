package engine

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// barrierFunction adds what compute-onnx v0.0.0-20260727 lacks. For graph.Checkpoint that is an optimisation barrier, and a
// scheduling barrier for every type: ONNX Runtime merges equal expressions, but not expressions of different values, so that
// the scheduling barrier alone keeps a recomputed activation from being merged with the first one.
type barrierFunction struct {
	compute.Function
	inputs map[compute.Value]bool
}

// Parameter is remembered: see Return.
func (f *barrierFunction) Parameter(name string, shape shapes.Shape, sharding *compute.ShardingSpec) (compute.Value, error) {
	v, err := f.Function.Parameter(name, shape, sharding)
	if err == nil {
		f.inputs[v] = true
	}
	return v, err
}

// Return copies inputs that are results as well: compute-onnx would leave such a result unwritten.
func (f *barrierFunction) Return(outputs []compute.Value, shardings []*compute.ShardingSpec) error {
	own := slices.Clone(outputs)
	for i, v := range own {
		if !f.inputs[v] {
			continue
		}
		var err error
		if own[i], err = f.Identity(v); err != nil {
			return err
		}
	}
	return f.Function.Return(own, shardings)
}

// OptimizationBarrier returns its operands: the scheduling barrier does the work.
func (f *barrierFunction) OptimizationBarrier(operands ...compute.Value) ([]compute.Value, error) {
	return operands, nil
}

// SchedulingBarrier is the operand, computed after the dependencies: a choice between the operand and itself by a condition
// made of them. The backend's own adds the dependencies times 0, which lacks types and lets infinities through.
func (f *barrierFunction) SchedulingBarrier(operand compute.Value, dependencies ...compute.Value) (compute.Value, error) {
	var ready compute.Value
	for _, d := range dependencies {
		first, err := f.first(d)
		if err != nil {
			return nil, err
		}
		if ready == nil {
			ready = first
			continue
		}
		if ready, err = f.LogicalOr(ready, first); err != nil {
			return nil, err
		}
	}
	if ready == nil {
		return operand, nil
	}
	shape, err := f.Shape(operand)
	if err != nil {
		return nil, err
	}
	if !narrow[shape.DType] {
		return f.Where(ready, operand, operand)
	}
	wide, err := f.ConvertDType(operand, dtypes.Int32)
	if err != nil {
		return nil, err
	}
	if wide, err = f.Where(ready, wide, wide); err != nil {
		return nil, err
	}
	return f.ConvertDType(wide, shape.DType)
}

// narrow are the types that ONNX Runtime's choice lacks and that an int32 holds.
var narrow = map[dtypes.DType]bool{dtypes.Uint16: true, dtypes.Int16: true, dtypes.Int8: true, dtypes.Bool: true}

// first is a boolean made of a value's first element.
func (f *barrierFunction) first(value compute.Value) (compute.Value, error) {
	shape, err := f.Shape(value)
	if err != nil {
		return nil, err
	}
	if rank := shape.Rank(); rank > 0 {
		zeros, ones := make([]int, rank), make([]int, rank)
		for i := range ones {
			ones[i] = 1
		}
		if value, err = f.Slice(value, zeros, ones, ones); err != nil {
			return nil, err
		}
		if value, err = f.Reshape(value); err != nil {
			return nil, err
		}
	}
	if shape.DType == dtypes.Bool {
		return value, nil
	}
	return f.Equal(value, value)
}
