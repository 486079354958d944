package onnxgraph

import (
	"maps"
	"reflect"
	"slices"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// node is an operation of a builder's graph with one result.
type node struct {
	name   string
	op     string // of ONNX, or "Parameter" or "Constant"
	inputs []*node
	dtype  dtypes.DType
	dims   []int
	value  any      // of a constant: a flat slice
	more   []string // names of the results where there are several
	place  int      // in the graph's order
	users  []*node

	origin reflect.Value // *Node of compute-onnx

	fusing // what fuse.go finds out
}

func (n *node) size() int {
	size := 1
	for _, d := range n.dims {
		size *= d
	}
	return size
}

// graph is a builder's graph. Its nodes are in an order in which inputs come before their users.
type graph struct {
	nodes   []*node
	returns []*node

	list reflect.Value // the builder's nodes
}

// read takes a builder's graph apart; false where the builder is not as known.
func read(builder compute.Builder) (*graph, bool) {
	main, ok := field(reflect.ValueOf(builder), "mainFn")
	if !ok {
		return nil, false
	}
	list, ok := field(main, "nodes")
	returns, found := field(main, "returns")
	if !ok || !found || list.Kind() != reflect.Slice || returns.Kind() != reflect.Slice {
		return nil, false
	}
	g := &graph{list: list}
	known := map[unsafe.Pointer]*node{}
	for i := range list.Len() {
		n, ok := readNode(list.Index(i), known)
		if !ok {
			return nil, false
		}
		n.place = i
		g.nodes = append(g.nodes, n)
		known[list.Index(i).UnsafePointer()] = n
	}
	for i := range returns.Len() {
		n, ok := known[returns.Index(i).UnsafePointer()]
		if !ok {
			return nil, false
		}
		g.returns = append(g.returns, n)
	}
	return g, true
}

// attributed says whether a node's attributes are as known.
func attributed(origin reflect.Value) bool {
	domain, ok := field(origin, "domain")
	list, found := field(origin, "attributes")
	if !ok || !found || domain.Kind() != reflect.String || list.Kind() != reflect.Slice || list.Type().Elem().Kind() != reflect.Pointer {
		return false
	}
	attribute := reflect.New(list.Type().Elem().Elem()).Elem()
	for name, kind := range map[string]reflect.Kind{
		"Name": reflect.String, "Type": reflect.Int32, "I": reflect.Int64, "S": reflect.Slice, "Ints": reflect.Slice, "Floats": reflect.Slice,
	} {
		if f := attribute.FieldByName(name); f.Kind() != kind {
			return false
		}
	}
	return true
}

func readNode(origin reflect.Value, known map[unsafe.Pointer]*node) (*node, bool) {
	if !attributed(origin) {
		return nil, false
	}
	n := &node{origin: origin}
	var shape struct {
		DType      dtypes.DType
		Dimensions []int
	}
	for name, into := range map[string]any{"name": &n.name, "opType": &n.op, "flatValue": &n.value, "outputNames": &n.more} {
		f, ok := field(origin, name)
		if !ok || !f.Type().AssignableTo(reflect.TypeOf(into).Elem()) {
			return nil, false
		}
		reflect.ValueOf(into).Elem().Set(f)
	}
	f, ok := field(origin, "shape")
	if !ok || f.Kind() != reflect.Struct {
		return nil, false
	}
	for name, into := range map[string]any{"DType": &shape.DType, "Dimensions": &shape.Dimensions} {
		part := f.FieldByName(name)
		if !part.IsValid() || !part.Type().AssignableTo(reflect.TypeOf(into).Elem()) {
			return nil, false
		}
		reflect.ValueOf(into).Elem().Set(part)
	}
	n.dtype, n.dims = shape.DType, shape.Dimensions
	inputs, ok := field(origin, "inputs")
	if !ok || inputs.Kind() != reflect.Slice {
		return nil, false
	}
	for i := range inputs.Len() {
		input, ok := known[inputs.Index(i).UnsafePointer()]
		if !ok {
			return nil, false
		}
		n.inputs = append(n.inputs, input)
		input.users = append(input.users, n)
	}
	return n, true
}

// write puts the graph's nodes back into the builder.
func (g *graph) write() {
	list := reflect.MakeSlice(g.list.Type(), len(g.nodes), len(g.nodes))
	for i, n := range g.nodes {
		list.Index(i).Set(n.origin)
	}
	g.list.Set(list)
}

// attribute is a field of an attribute's value ("S", "I", "Ints"), of the zero Value where the node has no such attribute.
func (n *node) attribute(name, part string) reflect.Value {
	list, ok := field(n.origin, "attributes")
	if !ok {
		return reflect.Value{}
	}
	for i := range list.Len() {
		if a := list.Index(i).Elem(); a.FieldByName("Name").String() == name {
			return a.FieldByName(part)
		}
	}
	return reflect.Value{}
}

func (n *node) text(name string) string {
	if v := n.attribute(name, "S"); v.IsValid() {
		return string(v.Bytes())
	}
	return ""
}

func (n *node) ints(name string) []int64 {
	if v := n.attribute(name, "Ints"); v.IsValid() {
		list, _ := v.Interface().([]int64)
		return list
	}
	return nil
}

func (n *node) number(name string) int64 {
	if v := n.attribute(name, "I"); v.IsValid() {
		return v.Int()
	}
	return 0
}

// attribute types of ONNX
const (
	oneInt    = 2
	manyFloat = 6
	manyInts  = 7
)

// become turns a node into another operation on the given inputs.
func (n *node) become(op, domain string, inputs []*node, attributes map[string]any) {
	n.set("opType", op)
	n.set("domain", domain)
	n.op = op
	n.setInputs(inputs)
	n.setAttributes(attributes)
}

// set writes a field that read has seen.
func (n *node) set(name string, value any) {
	f, _ := field(n.origin, name)
	f.Set(reflect.ValueOf(value))
}

func (n *node) setInputs(inputs []*node) {
	list, _ := field(n.origin, "inputs")
	own := reflect.MakeSlice(list.Type(), len(inputs), len(inputs))
	for i, input := range inputs {
		own.Index(i).Set(input.origin)
	}
	list.Set(own)
	n.inputs = inputs
}

func (n *node) setAttributes(attributes map[string]any) {
	list, _ := field(n.origin, "attributes")
	fresh := reflect.MakeSlice(list.Type(), 0, len(attributes))
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := reflect.New(list.Type().Elem().Elem())
		a.Elem().FieldByName("Name").SetString(name)
		kind := a.Elem().FieldByName("Type")
		switch value := attributes[name].(type) {
		case int64:
			kind.SetInt(oneInt)
			a.Elem().FieldByName("I").SetInt(value)
		case []int64:
			kind.SetInt(manyInts)
			a.Elem().FieldByName("Ints").Set(reflect.ValueOf(value))
		case []float32:
			kind.SetInt(manyFloat)
			a.Elem().FieldByName("Floats").Set(reflect.ValueOf(value))
		}
		fresh = reflect.Append(fresh, a)
	}
	list.Set(fresh)
}

// added makes a new node, which is of no graph yet.
func added(like *node, name string, outputs []string) *node {
	n := &node{name: name, more: outputs, origin: reflect.New(like.origin.Type().Elem())}
	n.set("name", name)
	n.set("outputNames", outputs)
	return n
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
