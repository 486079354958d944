package device

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
)

// Prepare makes a graph that is compiled anew for every shape of its inputs, however many there are, and kept. The name stands
// in errors.
func Prepare(backend compute.Backend, store *gomodel.Store, name string, build func(*gomodel.Scope, []*graph.Node) []*graph.Node) (*gomodel.Exec, error) {
	exec, err := gomodel.NewExec(backend, store, build)
	if err != nil {
		return nil, fmt.Errorf("prepare graph %s: %w", name, err)
	}
	exec.SetMaxCache(-1)
	return exec.WithName(name), nil
}

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
