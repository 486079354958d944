package device

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
)

// Call runs a graph. It releases the inputs, tensors of the host, but not rest.
func Call(e *gomodel.Exec, inputs []*tensors.Tensor, rest ...any) ([]*tensors.Tensor, error) {
	args := make([]any, 0, len(inputs)+len(rest))
	for _, t := range inputs {
		args = append(args, t)
	}
	out, err := e.Call(append(args, rest...)...)
	for _, t := range inputs {
		_ = t.FinalizeAll()
	}
	if err != nil {
		return nil, fmt.Errorf("run graph %s: %w", e.Name(), err)
	}
	return out, nil
}
