package jinja

type forStatement struct {
	line      int
	target    assignable
	items     expression
	test      expression
	recursive bool
	body      []statement
	otherwise []statement
}

// loop is the variable of that name inside a loop.
type loop struct {
	items   []any
	index   int // from 0
	depth   int // from 0
	changed []any
	recurse func(items any, depth int) string // nil for loops that are not recursive
}

func (n *forStatement) run(r *renderer, s *scope) control {
	return n.loop(r, s, n.items.eval(r, s), 0)
}

func (n *forStatement) loop(r *renderer, s *scope, value any, depth int) control {
	r.line = n.line
	l := &loop{items: r.list(value), depth: depth}
	if n.test != nil {
		l.items = n.kept(r, s, l.items)
	}
	if n.recursive {
		l.recurse = func(items any, depth int) string {
			defer r.enterCall()()
			return r.capture(func() { n.loop(r, s, items, depth) })
		}
	}
	for i, item := range l.items {
		r.spend(1)
		inner := newScope(s)
		inner.variables["loop"] = l
		l.index = i
		n.target.assign(r, inner, item)
		if r.run(n.body, inner) == leave {
			break
		}
	}
	if len(l.items) == 0 {
		return r.run(n.otherwise, newScope(s))
	}
	return onward
}

// kept filters the items by the loop's condition.
func (n *forStatement) kept(r *renderer, s *scope, items []any) []any {
	var kept []any
	for _, item := range items {
		inner := newScope(s)
		n.target.assign(r, inner, item)
		if truth(n.test.eval(r, inner)) {
			kept = append(kept, item)
		}
	}
	return kept
}

// attribute gives an attribute of the loop variable.
func (l *loop) attribute(name string) (any, bool) {
	index, length := int64(l.index), int64(len(l.items))
	switch name {
	case "index":
		return index + 1, true
	case "index0":
		return index, true
	case "revindex":
		return length - index, true
	case "revindex0":
		return length - index - 1, true
	case "first":
		return index == 0, true
	case "last":
		return index == length-1, true
	case "length":
		return length, true
	case "depth":
		return int64(l.depth + 1), true
	case "depth0":
		return int64(l.depth), true
	case "previtem":
		return l.neighbour(-1, "there is no previous item"), true
	case "nextitem":
		return l.neighbour(1, "there is no next item"), true
	case "cycle":
		return &method{name: name, run: func(_ *renderer, a *arguments) any {
			if len(a.values) == 0 {
				throw(typeError, "no items for cycling given")
			}
			return a.values[l.index%len(a.values)]
		}}, true
	case "changed":
		return &method{name: name, run: func(r *renderer, a *arguments) any {
			if l.changed != nil && r.equal(Tuple(l.changed), Tuple(a.values)) {
				return false
			}
			l.changed = append([]any{}, a.values...)
			return true
		}}, true
	}
	return nil, false
}

func (l *loop) neighbour(offset int, hint string) any {
	if i := l.index + offset; i >= 0 && i < len(l.items) {
		return l.items[i]
	}
	u := undefinedName("")
	u.hint = hint
	return u
}

func (l *loop) call(a *arguments) any {
	if l.recurse == nil {
		throw(typeError, "The loop must have the 'recursive' marker to be called recursively.")
	}
	items := a.bind(parameterList{{name: "iterable"}})
	return l.recurse(items[0], l.depth+1)
}
