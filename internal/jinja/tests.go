package jinja

// tests holds what can stand after "is", by name.
var tests map[string]func(r *renderer, value any, a *arguments) bool

func init() {
	is := func(holds func(value any) bool) func(*renderer, any, *arguments) bool {
		return func(_ *renderer, value any, a *arguments) bool {
			if n := len(a.values); n > 0 {
				throw(typeError, "%s() takes 1 positional argument but %d were given", a.callee, n+1)
			}
			a.bind(nil)
			return holds(value)
		}
	}
	compares := func(operator string) func(*renderer, any, *arguments) bool {
		return func(r *renderer, value any, a *arguments) bool {
			return r.compare(operator, value, a.bind(parameterList{{name: "other"}})[0])
		}
	}
	tests = map[string]func(r *renderer, value any, a *arguments) bool{
		"defined":   is(func(v any) bool { return !isType[*Undefined](v) }),
		"undefined": is(isType[*Undefined]),
		"none":      is(func(v any) bool { return v == nil }),
		"boolean":   is(isType[bool]),
		"true":      is(func(v any) bool { return v == true }),
		"false":     is(func(v any) bool { return v == false }),
		"integer":   is(func(v any) bool { return typeName(v) == "int" }),
		"float":     is(isType[float64]),
		"number":    is(isNumber),
		"string":    is(func(v any) bool { _, ok := asText(v); return ok }),
		"mapping":   is(isType[*Dict]),
		"iterable":  is(iterable),
		"sequence":  is(isSequence),
		"callable":  is(isCallable),
		"escaped":   is(isType[Markup]),
		"lower":     is(func(v any) bool { return isLower(str(v)) }),
		"upper":     is(func(v any) bool { return isUpper(str(v)) }),
		"odd":       remainder(2, 1),
		"even":      remainder(2, 0),
		"divisibleby": func(r *renderer, value any, a *arguments) bool {
			return r.equal(r.binary("%", value, a.bind(parameterList{{name: "num"}})[0]), int64(0))
		},
		"sameas": func(_ *renderer, value any, a *arguments) bool {
			return same(value, a.bind(parameterList{{name: "other"}})[0])
		},
		"in": compares("in"),
		"filter": func(_ *renderer, value any, a *arguments) bool {
			a.bind(nil)
			_, ok := filters[str(value)]
			return ok
		},
		"test": func(_ *renderer, value any, a *arguments) bool {
			a.bind(nil)
			_, ok := tests[str(value)]
			return ok
		},
	}
	for operator, names := range map[string][]string{
		"==": {"==", "eq", "equalto"}, "!=": {"!=", "ne"}, ">": {">", "gt", "greaterthan"}, ">=": {">=", "ge"},
		"<": {"<", "lt", "lessthan"}, "<=": {"<=", "le"},
	} {
		for _, name := range names {
			tests[name] = compares(operator)
		}
	}
}

func isType[T any](value any) bool {
	_, ok := value.(T)
	return ok
}

func isSequence(value any) bool {
	switch value.(type) {
	case *List, Tuple, *Dict, *Range, *Undefined, string, Markup:
		return true
	}
	return false
}

func isCallable(value any) bool {
	switch value.(type) {
	case *Function, *method, *macro, *loop, *joiner, *Undefined:
		return true
	}
	return false
}

func remainder(divisor, wanted int64) func(*renderer, any, *arguments) bool {
	return func(r *renderer, value any, a *arguments) bool {
		a.bind(nil)
		return r.equal(r.binary("%", value, divisor), wanted)
	}
}

// same is Python's is, as far as values here have an identity.
func same(a, b any) bool {
	x, aTuple := a.(Tuple)
	y, bTuple := b.(Tuple)
	if aTuple || bTuple {
		return aTuple && bTuple && len(x) == len(y) && (len(x) == 0 || &x[0] == &y[0])
	}
	return a == b
}
