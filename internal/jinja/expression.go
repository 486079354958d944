package jinja

import "strings"

// expression is a node that has a value.
type expression interface {
	eval(r *renderer, s *scope) any
	kind() string // as messages name it
}

type (
	constant        struct{ value any }
	variable        struct{ name string }
	listExpression  struct{ items []expression }
	tupleExpression struct{ items []expression }
	sliceExpression struct{ bounds [3]expression }
	concatenation   struct{ parts []expression }
	negation        struct{ value expression }
	dictExpression  struct {
		line         int
		keys, values []expression
	}
	attributeExpression struct {
		line  int
		value expression
		name  string
	}
	itemExpression struct {
		line        int
		value, item expression
	}
	callExpression struct {
		line      int
		callee    expression
		arguments argumentList
	}
	filterExpression struct {
		line      int
		value     expression
		name      string
		arguments argumentList
	}
	testExpression struct {
		line      int
		value     expression
		name      string
		arguments argumentList
	}
	signed struct {
		line  int
		sign  string
		value expression
	}
	binary struct {
		line        int
		operator    string
		left, right expression
	}
	comparison struct {
		line  int
		first expression
		rest  []operand
	}
	operand struct {
		operator string
		value    expression
	}
	logical struct {
		left, right expression
		or          bool
	}
	conditional struct {
		line                  int
		then, test, otherwise expression
	}
	// blockValue is what a filter of a block works on: the text of the block, in the variable of that name.
	blockValue struct{}
	// attributeTarget is the attribute of a namespace in a set.
	attributeTarget struct {
		line            int
		name, attribute string
	}
)

const blockName = "{block}" // no template can name this variable

func (*constant) kind() string            { return "const" }
func (*variable) kind() string            { return "name" }
func (*listExpression) kind() string      { return "list" }
func (*tupleExpression) kind() string     { return "tuple" }
func (*sliceExpression) kind() string     { return "slice" }
func (*concatenation) kind() string       { return "concat" }
func (*negation) kind() string            { return "not" }
func (*dictExpression) kind() string      { return "dict" }
func (*attributeExpression) kind() string { return "getattr" }
func (*itemExpression) kind() string      { return "getitem" }
func (*callExpression) kind() string      { return "call" }
func (*filterExpression) kind() string    { return "filter" }
func (*testExpression) kind() string      { return "test" }
func (*signed) kind() string              { return "neg" }
func (*binary) kind() string              { return "binexpr" }
func (*comparison) kind() string          { return "compare" }
func (*logical) kind() string             { return "and" }
func (*conditional) kind() string         { return "condexpr" }
func (*blockValue) kind() string          { return "block" }
func (*attributeTarget) kind() string     { return "nsref" }

func (e *constant) eval(*renderer, *scope) any { return e.value }

func (e *variable) eval(r *renderer, s *scope) any {
	r.spend(1)
	return r.lookup(s, e.name)
}

func (e *blockValue) eval(r *renderer, s *scope) any { return r.lookup(s, blockName) }

func (e *attributeTarget) eval(r *renderer, s *scope) any {
	r.line = e.line
	return r.attribute(r.lookup(s, e.name), e.attribute)
}

func (r *renderer) evalAll(nodes []expression, s *scope) []any {
	values := make([]any, len(nodes))
	for i, node := range nodes {
		values[i] = node.eval(r, s)
	}
	r.spend(len(nodes))
	return values
}

func (e *listExpression) eval(r *renderer, s *scope) any { return &List{r.evalAll(e.items, s)} }

func (e *tupleExpression) eval(r *renderer, s *scope) any { return Tuple(r.evalAll(e.items, s)) }

// slice is the value of a slice expression, which only an item expression understands.
type slice struct{ bounds [3]any }

func (e *sliceExpression) eval(r *renderer, s *scope) any {
	var v slice
	for i, bound := range e.bounds {
		if bound != nil {
			v.bounds[i] = bound.eval(r, s)
		}
	}
	return &v
}

func (e *dictExpression) eval(r *renderer, s *scope) any {
	d := NewDict()
	for i, key := range e.keys {
		k := key.eval(r, s)
		r.line = e.line
		d.Set(k, e.values[i].eval(r, s))
	}
	r.spend(len(e.keys))
	return d
}

func (e *concatenation) eval(r *renderer, s *scope) any {
	var parts []string
	size := 0
	for _, part := range e.parts {
		text := str(part.eval(r, s))
		size += len(text)
		parts = append(parts, text)
	}
	r.made(size)
	return strings.Join(parts, "")
}

func (e *negation) eval(r *renderer, s *scope) any { return !truth(e.value.eval(r, s)) }

func (e *attributeExpression) eval(r *renderer, s *scope) any {
	value := e.value.eval(r, s)
	r.line = e.line
	r.spend(1)
	return r.attribute(value, e.name)
}

func (e *itemExpression) eval(r *renderer, s *scope) any {
	value := e.value.eval(r, s)
	item := e.item.eval(r, s)
	r.line = e.line
	r.spend(1)
	if bounds, ok := item.(*slice); ok {
		return r.slice(value, bounds)
	}
	return r.item(value, item)
}

func (e *callExpression) eval(r *renderer, s *scope) any {
	callee := e.callee.eval(r, s)
	arguments := e.arguments.eval(r, s)
	r.line = e.line
	return r.call(callee, arguments)
}

func (e *filterExpression) eval(r *renderer, s *scope) any {
	value := e.value.eval(r, s)
	arguments := e.arguments.eval(r, s)
	r.line = e.line
	return r.filter(e.name, value, arguments)
}

func (r *renderer) filter(name string, value any, arguments *arguments) any {
	f, ok := filters[name]
	if !ok {
		throw(runtimeError, "No filter named %s found.", repr(name))
	}
	r.spend(1)
	arguments.callee = f.callee
	return f.run(r, value, arguments)
}

func (e *testExpression) eval(r *renderer, s *scope) any {
	value := e.value.eval(r, s)
	arguments := e.arguments.eval(r, s)
	r.line = e.line
	return r.test(e.name, value, arguments)
}

func (r *renderer) test(name string, value any, arguments *arguments) bool {
	run, ok := tests[name]
	if !ok {
		throw(runtimeError, "No test named %s found.", repr(name))
	}
	r.spend(1)
	arguments.callee = "test_" + name
	return run(r, value, arguments)
}

func (e *signed) eval(r *renderer, s *scope) any {
	value := e.value.eval(r, s)
	r.line = e.line
	return sign(e.sign, value)
}

func (e *binary) eval(r *renderer, s *scope) any {
	left := e.left.eval(r, s)
	right := e.right.eval(r, s)
	r.line = e.line
	r.spend(1)
	return r.binary(e.operator, left, right)
}

func (e *comparison) eval(r *renderer, s *scope) any {
	left := e.first.eval(r, s)
	for _, operand := range e.rest {
		right := operand.value.eval(r, s)
		r.line = e.line
		r.spend(1)
		if !r.compare(operand.operator, left, right) {
			return false
		}
		left = right
	}
	return true
}

func (e *logical) eval(r *renderer, s *scope) any {
	left := e.left.eval(r, s)
	if truth(left) == e.or {
		return left
	}
	return e.right.eval(r, s)
}

func (e *conditional) eval(r *renderer, s *scope) any {
	if truth(e.test.eval(r, s)) {
		return e.then.eval(r, s)
	}
	if e.otherwise == nil {
		u := undefinedName("")
		u.hint = "the inline if-expression on line " + repr(int64(e.line)) + " evaluated to false and no else section was defined."
		return u
	}
	return e.otherwise.eval(r, s)
}
