package jinja

// Function is something that a template can call: a global function of the environment.
type Function struct {
	name string
	run  func(r *renderer, a *arguments) any
}

// method is an attribute of a value that can be called.
type method struct {
	name string
	run  func(r *renderer, a *arguments) any
}

type namedExpression struct {
	name  string
	value expression
}

// argumentList is the source of a call's arguments.
type argumentList struct {
	values          []expression
	named           []namedExpression
	more, moreNamed expression // after * and **
}

type namedValue struct {
	name  string
	value any
}

// arguments are those of one call.
type arguments struct {
	callee string // for messages
	values []any
	named  []namedValue
}

func (l argumentList) eval(r *renderer, s *scope) *arguments {
	a := &arguments{values: r.evalAll(l.values, s)}
	for _, n := range l.named {
		a.named = append(a.named, namedValue{n.name, n.value.eval(r, s)})
	}
	if l.more != nil {
		a.values = append(a.values, r.list(l.more.eval(r, s))...)
	}
	if l.moreNamed != nil {
		d, ok := l.moreNamed.eval(r, s).(*Dict)
		if !ok {
			throw(typeError, "argument after ** must be a mapping")
		}
		for i, key := range d.keys {
			name, ok := asText(key)
			if !ok {
				throw(typeError, "keywords must be strings")
			}
			a.named = append(a.named, namedValue{name, d.values[i]})
		}
	}
	return a
}

// take removes a named argument.
func (a *arguments) take(name string) (any, bool) {
	for i, n := range a.named {
		if n.name == name {
			a.named = append(a.named[:i:i], a.named[i+1:]...)
			return n.value, true
		}
	}
	return nil, false
}

// parameterList lists the parameters of a builtin; those with a value are optional.
type parameterList []builtinParameter

// builtinParameter is a parameter of a builtin.
type builtinParameter struct {
	name     string
	value    any
	optional bool
}

// may is a parameter that may be left out.
func may(name string, value any) builtinParameter { return builtinParameter{name, value, true} }

// bind gives the value of each parameter.
func (a *arguments) bind(list parameterList) []any {
	if len(a.values) > len(list) {
		throw(typeError, "%s() takes at most %d arguments (%d given)", a.callee, len(list), len(a.values))
	}
	values := make([]any, len(list))
	for i, parameter := range list {
		named, found := a.take(parameter.name)
		switch {
		case i < len(a.values) && found:
			throw(typeError, "%s() got multiple values for argument %s", a.callee, repr(parameter.name))
		case i < len(a.values):
			values[i] = a.values[i]
		case found:
			values[i] = named
		case parameter.optional:
			values[i] = parameter.value
		default:
			throw(typeError, "%s() missing 1 required positional argument: %s", a.callee, repr(parameter.name))
		}
	}
	if len(a.named) > 0 {
		throw(typeError, "%s() got an unexpected keyword argument %s", a.callee, repr(a.named[0].name))
	}
	return values
}

// call calls a value.
func (r *renderer) call(callee any, a *arguments) any {
	r.spend(1)
	switch c := callee.(type) {
	case *Function:
		a.callee = c.name
		return c.run(r, a)
	case *method:
		a.callee = c.name
		return c.run(r, a)
	case *macro:
		return c.call(r, a)
	case *loop:
		a.callee = "LoopContext.__call__"
		return c.call(a)
	case *cycler, *joiner:
		if next, ok := r.special(c, "__call__"); ok {
			return next.(*method).run(r, a)
		}
	case *Undefined:
		c.fail()
	}
	throw(typeError, "%s object is not callable", repr(typeName(callee)))
	return nil
}

// enterCall guards recursion of macros; the result undoes it.
func (r *renderer) enterCall() func() {
	if r.calls++; r.calls > maxCalls {
		throw("RecursionError", "maximum recursion depth exceeded")
	}
	return func() { r.calls-- }
}

type parameter struct {
	name  string
	value expression // nil without default
}

type macroBody struct {
	name                    string
	parameters              []parameter
	body                    []statement
	varargs, kwargs, caller bool // whether the body uses them
}

type macroStatement struct {
	line  int
	macro macroBody
}

type callStatement struct {
	line   int
	caller macroBody
	call   *callExpression
}

// macro is a macro with the scope it was defined in.
type macro struct {
	*macroBody
	scope *scope
}

func (n *macroStatement) run(_ *renderer, s *scope) control {
	s.variables[n.macro.name] = &macro{&n.macro, s}
	return onward
}

func (n *callStatement) run(r *renderer, s *scope) control {
	callee := n.call.callee.eval(r, s)
	a := n.call.arguments.eval(r, s)
	a.named = append(a.named, namedValue{"caller", &macro{&n.caller, s}})
	r.line = n.line
	r.write(str(r.call(callee, a)))
	return onward
}

func (m *macro) call(r *renderer, a *arguments) any {
	defer r.enterCall()()
	s := newScope(m.scope)
	if caller, ok := a.take("caller"); ok {
		if !m.caller && !m.kwargs {
			throw(typeError, "macro %s was invoked with two values for the special caller argument. This is most likely a bug.", repr(m.name))
		}
		s.variables["caller"] = caller
	} else if m.caller {
		u := undefinedName("caller")
		u.hint = "No caller defined"
		s.variables["caller"] = u
	}
	given := a.values
	for _, p := range m.parameters {
		if len(given) > 0 {
			s.variables[p.name] = given[0]
			given = given[1:]
			continue
		}
		value, ok := a.take(p.name)
		switch {
		case ok:
		case p.value != nil:
			value = p.value.eval(r, s)
		default:
			u := undefinedName(p.name)
			u.hint = "parameter " + repr(p.name) + " was not provided"
			value = u
		}
		s.variables[p.name] = value
	}
	m.rest(s, given, a)
	return r.capture(func() { r.run(m.body, s) })
}

// rest gives the macro what no parameter takes, or fails.
func (m *macro) rest(s *scope, given []any, a *arguments) {
	if m.kwargs {
		d := NewDict()
		for _, n := range a.named {
			d.Set(n.name, n.value)
		}
		s.variables["kwargs"] = d
	} else if len(a.named) > 0 {
		throw(typeError, "macro %s takes no keyword argument %s", repr(m.name), repr(a.named[0].name))
	}
	if m.varargs {
		s.variables["varargs"] = Tuple(given)
	} else if len(given) > 0 {
		throw(typeError, "macro %s takes not more than %d argument(s)", repr(m.name), len(m.parameters))
	}
}
