// Package device places tensors in an engine's own memory, and runs graphs on them.
//
// Weights and state are placed once, so that no call of a graph copies them there first.
package device

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
)

// Place moves a tensor's values to the engine and returns the tensor.
func Place(backend compute.Backend, t *tensors.Tensor) (*tensors.Tensor, error) {
	if _, err := t.Buffer(backend, 0); err != nil {
		return nil, fmt.Errorf("place a tensor of shape %s on %s: %w", t.Shape(), backend.Name(), err)
	}
	return t, nil
}

// Float32 places a flat list of values in the given dimensions.
func Float32(backend compute.Backend, values []float32, dims ...int) (*tensors.Tensor, error) {
	return Place(backend, tensors.FromFlatDataAndDimensions(values, dims...))
}
