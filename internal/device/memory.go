package device

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
)

// Memory is the memory that holds a placed tensor's values, on an engine that shares its memory with the program: what is
// written to it is there for the next graph. It must not be used once the tensor is gone.
func Memory(backend compute.Backend, t *tensors.Tensor) ([]float32, error) {
	// A copy that reading the tensor left on the host would hide what is written.
	if err := t.ToDevice(backend, 0); err != nil {
		return nil, err
	}
	buffer, err := t.Buffer(backend, 0)
	if err != nil {
		return nil, err
	}
	flat, err := buffer.Data()
	if err != nil {
		return nil, err
	}
	values, ok := flat.([]float32)
	if !ok {
		return nil, fmt.Errorf("a tensor of shape %s holds %T, not float32", t.Shape(), flat)
	}
	return values, nil
}

// Values is a copy of a placed tensor's values. Unlike reading the tensor itself it leaves no second copy behind.
func Values(backend compute.Backend, t *tensors.Tensor) ([]float32, error) {
	values, err := View(backend, t)
	if backend.HasSharedBuffers() {
		values = slices.Clone(values)
	}
	return values, err
}

// View is a placed tensor's values for reading: the engine's own memory where it shares that with the program, which must
// not be used once the tensor is gone or a graph has taken it over; otherwise a copy.
func View(backend compute.Backend, t *tensors.Tensor) ([]float32, error) {
	if backend.HasSharedBuffers() {
		return Memory(backend, t)
	}
	buffer, err := t.Buffer(backend, 0)
	if err != nil {
		return nil, err
	}
	if t.DType() != dtypes.Float32 {
		return nil, fmt.Errorf("a tensor of shape %s does not hold float32", t.Shape())
	}
	values := make([]float32, t.Size())
	return values, buffer.ToFlatData(values)
}
