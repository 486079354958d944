package engine

import (
	"fmt"
	"runtime"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// adapted is a backend some of whose graph operations are replaced. GoMLX tells the backends of tensors apart by identity;
// therefore buffers and executables are wrapped too.
type adapted struct {
	compute.Backend
	function func(compute.Function) compute.Function
	bfloat16 bool                  // computes it as such
	improve  func(compute.Builder) // a graph, before it is compiled; nil: it is as it should be
}

func (b *adapted) Builder(name string) compute.Builder {
	return &adaptedBuilder{b.Backend.Builder(name), b}
}

func (b *adapted) BufferFromFlatData(device compute.DeviceNum, flat any, shape shapes.Shape) (compute.Buffer, error) {
	buffer, err := b.Backend.BufferFromFlatData(device, flat, shape)
	if buffer == nil {
		return nil, err
	}
	return &adaptedBuffer{buffer, b, flat}, err
}

func (b *adapted) NewSharedBuffer(device compute.DeviceNum, shape shapes.Shape) (compute.Buffer, any, error) {
	buffer, flat, err := b.Backend.NewSharedBuffer(device, shape)
	return b.wrap(buffer), flat, err
}

func (b *adapted) wrap(buffer compute.Buffer) compute.Buffer {
	if buffer == nil {
		return nil
	}
	return &adaptedBuffer{buffer, b, nil}
}

// adaptedBuffer keeps the Go memory alive that compute-onnx v0.0.0-20260727 wraps without doing so.
type adaptedBuffer struct {
	compute.Buffer
	owner *adapted
	flat  any
}

func (b *adaptedBuffer) Backend() compute.Backend { return b.owner }

func (b *adaptedBuffer) CopyToDevice(device compute.DeviceNum) (compute.Buffer, error) {
	buffer, err := b.Buffer.CopyToDevice(device)
	return b.owner.wrap(buffer), err
}

type adaptedBuilder struct {
	compute.Builder
	owner *adapted
}

func (b *adaptedBuilder) Main() compute.Function { return b.owner.function(b.Builder.Main()) }

func (b *adaptedBuilder) Compile() (compute.Executable, error) {
	if b.owner.improve != nil {
		b.owner.improve(b.Builder)
	}
	executable, err := b.Builder.Compile()
	if err != nil {
		return nil, err
	}
	return &adaptedExecutable{executable, b.owner}, nil
}

type adaptedExecutable struct {
	compute.Executable
	owner *adapted
}

func (e *adaptedExecutable) Execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum) ([]compute.Buffer, error) {
	own := make([]compute.Buffer, len(inputs))
	for i, input := range inputs {
		buffer, ok := input.(*adaptedBuffer)
		if !ok {
			return nil, fmt.Errorf("engine: input %d is a buffer of another backend, %s", i, input.Backend().Name())
		}
		own[i] = buffer.Buffer
	}
	outputs, err := e.Executable.Execute(own, donate, device)
	runtime.KeepAlive(inputs)
	for i, output := range outputs {
		outputs[i] = e.owner.wrap(output)
	}
	return outputs, err
}

// Fuses says whether an engine computes chains of elementwise operations in one pass over memory, without keeping the values
// in between.
func Fuses(backend compute.Backend) bool {
	a, ok := backend.(*adapted)
	return ok && a.improve != nil
}
