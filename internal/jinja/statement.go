package jinja

// statement is a node that runs.
type statement interface {
	run(r *renderer, s *scope) control
}

// control says what a loop does after a statement.
type control int

const (
	onward control = iota
	again          // continue
	leave          // break
)

type (
	textStatement       struct{ text string }
	scopeStatement      struct{ body []statement }
	generationStatement struct{ body []statement }
	controlStatement    struct{ control control }
	printStatement      struct {
		line   int
		values []expression
	}
	branch struct {
		line int
		test expression
		body []statement
	}
	ifStatement struct {
		branches  []branch
		otherwise []statement
	}
	setStatement struct {
		line   int
		target assignable
		value  expression
	}
	setBlock struct {
		line   int
		target assignable
		filter *filterExpression
		body   []statement
	}
	withStatement struct {
		line    int
		targets []assignable
		values  []expression
		body    []statement
	}
	filterStatement struct {
		line   int
		filter *filterExpression
		body   []statement
	}
)

func (r *renderer) run(body []statement, s *scope) control {
	for _, node := range body {
		r.spend(1)
		if c := node.run(r, s); c != onward {
			return c
		}
	}
	return onward
}

func (n *textStatement) run(r *renderer, _ *scope) control {
	r.write(n.text)
	return onward
}

func (n *scopeStatement) run(r *renderer, s *scope) control { return r.run(n.body, newScope(s)) }

// run notes where its text stands in the result. Inside of what is captured first, in a macro say, that is not known.
func (n *generationStatement) run(r *renderer, s *scope) control {
	first := r.out.Len()
	c := r.run(n.body, newScope(s))
	if r.out == r.result {
		r.generated = append(r.generated, Span{first, r.out.Len()})
	} else {
		r.hidden = true
	}
	return c
}

func (n *controlStatement) run(*renderer, *scope) control { return n.control }

func (n *printStatement) run(r *renderer, s *scope) control {
	for _, value := range n.values {
		r.line = n.line
		r.write(str(value.eval(r, s)))
	}
	return onward
}

func (n *ifStatement) run(r *renderer, s *scope) control {
	for _, branch := range n.branches {
		r.line = branch.line
		if truth(branch.test.eval(r, s)) {
			return r.run(branch.body, s)
		}
	}
	return r.run(n.otherwise, s)
}

func (n *setStatement) run(r *renderer, s *scope) control {
	r.line = n.line
	value := n.value.eval(r, s)
	n.target.assign(r, s, value)
	return onward
}

func (n *setBlock) run(r *renderer, s *scope) control {
	inner := newScope(s)
	var value any = r.capture(func() { r.run(n.body, inner) })
	if n.filter != nil {
		inner.variables[blockName] = value
		value = n.filter.eval(r, inner)
	}
	r.line = n.line
	n.target.assign(r, s, value)
	return onward
}

func (n *withStatement) run(r *renderer, s *scope) control {
	inner := newScope(s)
	for i, target := range n.targets {
		r.line = n.line
		target.assign(r, inner, n.values[i].eval(r, s))
	}
	return r.run(n.body, inner)
}

func (n *filterStatement) run(r *renderer, s *scope) control {
	inner := newScope(s)
	inner.variables[blockName] = r.capture(func() { r.run(n.body, inner) })
	r.line = n.line
	r.write(str(n.filter.eval(r, inner)))
	return onward
}

// assignable is what a value can be assigned to.
type assignable interface {
	assign(r *renderer, s *scope, value any)
}

type (
	nameTarget  struct{ name string }
	tupleTarget struct{ targets []assignable }
)

func (t *nameTarget) assign(_ *renderer, s *scope, value any) { s.variables[t.name] = value }

func (t *tupleTarget) assign(r *renderer, s *scope, value any) {
	need(value)
	if !iterable(value) {
		throw(typeError, "cannot unpack non-iterable %s object", typeName(value))
	}
	items := r.list(value)
	switch wanted := len(t.targets); {
	case len(items) < wanted:
		throw(valueError, "not enough values to unpack (expected %d, got %d)", wanted, len(items))
	case len(items) > wanted:
		throw(valueError, "too many values to unpack (expected %d)", wanted)
	}
	for i, target := range t.targets {
		target.assign(r, s, items[i])
	}
}

func (e *attributeTarget) assign(r *renderer, s *scope, value any) {
	n, ok := r.lookup(s, e.name).(*Namespace)
	if !ok {
		throwAt(e.line, runtimeError, "cannot assign attribute on non-namespace object")
	}
	n.attributes.Set(e.attribute, value)
}
