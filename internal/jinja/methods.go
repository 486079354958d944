package jinja

// valueMethods are the methods of values that are no texts, by the name of their type.
var valueMethods map[string]map[string]func(r *renderer, value any, a *arguments) any

func init() {
	valueMethods = map[string]map[string]func(r *renderer, value any, a *arguments) any{
		"dict":  {"keys": dictKeys, "values": dictValues, "items": dictItems, "get": dictGet, "copy": dictCopy},
		"list":  {"index": indexOf, "count": countOf, "copy": listCopy},
		"tuple": {"index": indexOf, "count": countOf},
		"range": {"index": indexOf, "count": countOf},
		"int":   {"bit_length": bitLength},
		"float": {"is_integer": isInteger},
		"Cycler": {
			"next": func(_ *renderer, value any, _ *arguments) any { return value.(*cycler).next() },
		},
		"Joiner": {"__call__": func(_ *renderer, value any, _ *arguments) any { return value.(*joiner).next() }},
	}
}

func dictKeys(_ *renderer, value any, a *arguments) any {
	a.bind(nil)
	return &view{"dict_keys", value.(*Dict).keys}
}

func dictValues(_ *renderer, value any, a *arguments) any {
	a.bind(nil)
	return &view{"dict_values", value.(*Dict).values}
}

func dictItems(r *renderer, value any, a *arguments) any {
	a.bind(nil)
	d := value.(*Dict)
	r.spend(d.Len())
	return &view{"dict_items", d.pairs()}
}

func dictGet(_ *renderer, value any, a *arguments) any {
	p := a.bind(parameterList{{name: "key"}, may("default", nil)})
	if found, ok := value.(*Dict).Get(p[0]); ok {
		return found
	}
	return p[1]
}

func dictCopy(r *renderer, value any, a *arguments) any {
	a.bind(nil)
	d := value.(*Dict)
	r.spend(d.Len())
	return d.copy()
}

func listCopy(r *renderer, value any, a *arguments) any {
	a.bind(nil)
	return &List{append([]any{}, r.list(value)...)}
}

func indexOf(r *renderer, value any, a *arguments) any {
	p := a.bind(parameterList{{name: "value"}, may("start", int64(0)), may("stop", nil)})
	items := r.list(value)
	start, stop, _ := (&slice{[3]any{p[1], p[2], nil}}).resolve(int64(len(items)))
	for i := start; i < stop; i++ {
		if r.equal(items[i], p[0]) {
			return i
		}
	}
	if _, isTuple := value.(Tuple); isTuple {
		throw(valueError, "tuple.index(x): x not in tuple")
	}
	throw(valueError, "%s is not in %s", repr(p[0]), typeName(value))
	return nil
}

func countOf(r *renderer, value any, a *arguments) any {
	p := a.bind(parameterList{{name: "value"}})
	count := int64(0)
	for _, item := range r.list(value) {
		if r.equal(item, p[0]) {
			count++
		}
	}
	return count
}

func bitLength(_ *renderer, value any, a *arguments) any {
	a.bind(nil)
	n, _ := asBig(value)
	return int64(n.BitLen())
}

func isInteger(_ *renderer, value any, a *arguments) any {
	a.bind(nil)
	f := value.(float64)
	return f-f == 0 && f == float64(int64(f))
}
