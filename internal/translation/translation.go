//go:build cgo && ((linux && (amd64 || arm64)) || (darwin && arm64))

// Package translation translates graphs to StableHLO, XLA's input language, without a plugin to compile them, for tests: what
// a GPU would be given can be read, and an operation or a type that the translation lacks fails, on any machine.
package translation

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"
	"github.com/gomlx/go-xla/stablehlo"
)

// ErrTranslated is what compiling a graph ends with once it is translated.
var ErrTranslated = errors.New("translated, not compiled")

// Backend keeps values in another backend's memory and translates graphs as for a CUDA plugin.
type Backend struct {
	compute.Backend // of the values

	Programs []string // StableHLO of the graphs so far

	xla *xla.Backend
}

// New returns a backend that keeps its values in another's memory.
func New(memory compute.Backend) *Backend {
	// A backend of go-xla v0.4.1 reads nothing of its plugin but the name while it translates.
	plugin := &pjrt.Plugin{}
	*field[string](plugin, "name") = "cuda"
	b := &xla.Backend{}
	*field[*pjrt.Plugin](b, "plugin") = plugin
	return &Backend{Backend: memory, xla: b}
}

// field points to an unexported field of a structure.
func field[T any](structure any, name string) *T {
	value := reflect.ValueOf(structure).Elem().FieldByName(name)
	return (*T)(unsafe.Pointer(value.UnsafeAddr()))
}

// Capabilities are those of XLA.
func (b *Backend) Capabilities() compute.Capabilities { return xla.Capabilities }

// HasSharedBuffers says no: a GPU's memory is its own.
func (b *Backend) HasSharedBuffers() bool { return false }

// Builder begins a graph.
func (b *Backend) Builder(name string) compute.Builder {
	return &builder{b.xla.Builder(name).(*xla.Builder), b}
}

type builder struct {
	*xla.Builder
	owner *Backend
}

// Compile translates the graph.
func (b *builder) Compile() (compute.Executable, error) {
	program, err := (*field[*stablehlo.Builder](b.Builder, "builder")).Build()
	if err != nil {
		return nil, fmt.Errorf("translate to StableHLO: %w", err)
	}
	b.owner.Programs = append(b.owner.Programs, string(program))
	return nil, ErrTranslated
}
