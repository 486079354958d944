package device

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/gotype"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
)

// Fill places a tensor of the given dimensions whose values fill writes, so that they stand in memory once where the engine
// shares its memory with the program, and twice for a moment where it does not.
func Fill[T gotype.Supported](backend compute.Backend, fill func(flat []T) error, dims ...int) (*tensors.Tensor, error) {
	shape := shapes.Make(dtypes.FromGenericsType[T](), dims...)
	buffer, err := shared(backend, fill, shape)
	if buffer == nil && err == nil {
		flat := make([]T, shape.Size())
		if err = fill(flat); err == nil {
			buffer, err = backend.BufferFromFlatData(0, flat, shape)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("place a tensor of shape %s on %s: %w", shape, backend.Name(), err)
	}
	return tensors.FromBuffer(buffer)
}

// shared fills memory that the engine shares with the program. The buffer is nil where the engine has none of the shape's
// type: compute-onnx shares none of bfloat16.
func shared[T gotype.Supported](backend compute.Backend, fill func(flat []T) error, shape shapes.Shape) (compute.Buffer, error) {
	if !backend.HasSharedBuffers() {
		return nil, nil
	}
	buffer, flat, err := backend.NewSharedBuffer(0, shape)
	if err != nil {
		return nil, nil
	}
	if err := fill(flat.([]T)); err != nil {
		return nil, errors.Join(err, buffer.Finalize())
	}
	return buffer, nil
}
