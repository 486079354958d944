package encoder

import (
	"context"
	"errors"
	"fmt"
	"sync"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
)

// Program is a graph over an encoder's hidden states. It is compiled once for each of the few shapes of batches. It is safe
// for concurrent use; calls run one after the other.
type Program struct {
	encoder *Encoder
	mu      sync.Mutex
	exec    *gomodel.Exec
}

// Program prepares a graph whose output is float32 with rows as its first axis.
func (e *Encoder) Program(build func(in Inputs) *Node) (*Program, error) {
	exec, err := gomodel.NewExec(e.backend, e.store, func(_ *gomodel.Scope, in []*Node) *Node {
		inputs := Inputs{Tokens: in[0], Positions: in[1], Lengths: in[2]}
		if e.Config.Typed() {
			inputs.Types = in[3]
		}
		return build(inputs)
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the encoder's graph: %w", err)
	}
	return &Program{encoder: e, exec: exec.WithName("encoder").SetMaxCache(-1)}, nil
}

// Close releases the compiled graphs.
func (p *Program) Close() { p.exec.Finalize() }

// Run computes the graph for sequences of 1 to MaxTokens tokens each, in batches of about the same length. It
// gives each batch with the graph's output, row-major, to use, which must not keep it. When ctx ends, so does Run, with
// ctx's error.
func (p *Program) Run(ctx context.Context, sequences []Sequence, use func(b *Batch, output []float32) error) error {
	list, err := p.encoder.Config.batches(sequences)
	if err != nil {
		return err
	}
	for _, b := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.run(b, use); err != nil {
			return err
		}
	}
	return nil
}

func (p *Program) run(b *Batch, use func(b *Batch, output []float32) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	inputs := b.inputs()
	args := make([]any, len(inputs))
	for i, t := range inputs {
		args[i] = t
	}
	out, err := p.exec.Call1(args...)
	for _, t := range inputs {
		_ = t.FinalizeAll()
	}
	if err != nil {
		return fmt.Errorf("run the encoder's graph: %w", err)
	}
	var problem error
	err = tensors.ConstFlatData(out, func(flat []float32) { problem = use(b, flat) })
	return errors.Join(err, problem, out.FinalizeAll())
}
