package device

import (
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
	var buffer compute.Buffer
	var err error
	if backend.HasSharedBuffers() && shape.DType != dtypes.BFloat16 { // compute-onnx has none of that type
		var flat any
		if buffer, flat, err = backend.NewSharedBuffer(0, shape); err == nil {
			err = fill(flat.([]T))
		}
	} else {
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
