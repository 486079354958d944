package engine

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
)

// openGo opens GoMLX's Go backend. Its default limit on parallel work can deadlock when several large matrix products wait
// for workers that they hold themselves, so options that leave the limit in place get it lifted.
func openGo(options string) (*Engine, error) {
	safe := strings.Contains(options, "parallelism=") || slices.Contains(strings.Split(options, ","), "ops_sequential")
	backend, err := gobackend.New(options)
	if err != nil {
		return nil, fmt.Errorf("open engine go with options %q: %w", options, err)
	}
	if !safe {
		if backend, err = unlimited(backend, options); err != nil {
			return nil, err
		}
	}
	wide := func(f compute.Function) compute.Function { return &wideProducts{f} }
	return &Engine{kind: Go, backend: &adapted{Backend: backend, function: wide, bfloat16: true}}, nil
}

// unlimited lifts the backend's limit on parallel work. The option "parallelism=-1" does the same, but prints a line on
// standard output, which belongs to the results; it is the way out should the backend's structure change.
func unlimited(backend compute.Backend, options string) (compute.Backend, error) {
	if pool, ok := workers(backend); ok {
		pool.SetMaxParallelism(-1)
		return backend, nil
	}
	return gobackend.New(strings.TrimPrefix(options+",parallelism=-1", ","))
}

// workerPool is the part of the Go backend's pool that limits parallel work; negative is unlimited.
type workerPool interface {
	SetMaxParallelism(limit int)
	MaxParallelism() int
}

func workers(backend compute.Backend) (workerPool, bool) {
	if own, ok := backend.(*adapted); ok {
		backend = own.Backend
	}
	value := reflect.ValueOf(backend)
	if value.Kind() != reflect.Pointer || value.Elem().Kind() != reflect.Struct {
		return nil, false
	}
	field := value.Elem().FieldByName("Workers")
	if !field.IsValid() || !field.CanInterface() {
		return nil, false
	}
	pool, ok := field.Interface().(workerPool)
	return pool, ok
}
