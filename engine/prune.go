package engine

import (
	"reflect"
	"unsafe"

	"github.com/gomlx/compute"
)

// prune takes the operations out of a graph that no output needs. GoMLX leaves many there where it recomputes activations,
// compute-onnx v0.0.0-20260727 hands them on, and ONNX Runtime computes them and holds what they read. Where the builder is
// not as known it changes nothing. It returns how many operations there were and are.
func prune(builder compute.Builder) (before, after int) {
	main, ok := field(reflect.ValueOf(builder), "mainFn")
	if !ok {
		return 0, 0
	}
	nodes, ok := field(main, "nodes")
	returns, found := field(main, "returns")
	if !ok || !found || nodes.Kind() != reflect.Slice || returns.Kind() != reflect.Slice {
		return 0, 0
	}
	needed := map[string]bool{}
	for i := range returns.Len() {
		name, ok := field(returns.Index(i), "name")
		if !ok {
			return 0, 0
		}
		needed[name.String()] = true
	}
	kept := reflect.MakeSlice(nodes.Type(), 0, nodes.Len())
	for i := nodes.Len() - 1; i >= 0; i-- {
		node := nodes.Index(i)
		name, hasName := field(node, "name")
		more, hasMore := field(node, "outputNames")
		inputs, hasInputs := field(node, "inputs")
		if !hasName || !hasMore || !hasInputs {
			return 0, 0
		}
		live := needed[name.String()]
		for j := range more.Len() {
			live = live || needed[more.Index(j).String()]
		}
		if !live {
			continue
		}
		kept = reflect.Append(kept, node)
		for j := range inputs.Len() {
			name, _ := field(inputs.Index(j), "name")
			needed[name.String()] = true
		}
	}
	swap := reflect.Swapper(kept.Interface())
	for i, j := 0, kept.Len()-1; i < j; i, j = i+1, j-1 {
		swap(i, j)
	}
	before = nodes.Len()
	nodes.Set(kept)
	return before, kept.Len()
}

// field is a field of the struct that a pointer points to, readable and settable although the package keeps it to itself.
func field(pointer reflect.Value, name string) (reflect.Value, bool) {
	for pointer.Kind() == reflect.Interface {
		pointer = pointer.Elem()
	}
	if pointer.Kind() != reflect.Pointer || pointer.Elem().Kind() != reflect.Struct {
		return reflect.Value{}, false
	}
	f := pointer.Elem().FieldByName(name)
	if !f.IsValid() {
		return reflect.Value{}, false
	}
	return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem(), true
}
