package jinja

import "time"

// cycler gives its items in turn.
type cycler struct {
	items []any
	index int
}

func (c *cycler) next() any {
	item := c.items[c.index]
	c.index = (c.index + 1) % len(c.items)
	return item
}

// joiner gives nothing the first time it is called, and then its separator.
type joiner struct {
	separator any
	used      bool
}

func (j *joiner) next() any {
	if j.used {
		return j.separator
	}
	j.used = true
	return ""
}

// globals are the functions that every template can call.
func globals(now time.Time) map[string]any {
	functions := map[string]func(r *renderer, a *arguments) any{
		"range": newRange, "dict": func(r *renderer, a *arguments) any { return newDict(r, a) },
		"namespace": func(r *renderer, a *arguments) any { return &Namespace{newDict(r, a)} },
		"cycler": func(_ *renderer, a *arguments) any {
			if len(a.values) == 0 {
				throw(runtimeError, "at least one item has to be provided")
			}
			return &cycler{items: a.values}
		},
		"joiner": func(_ *renderer, a *arguments) any {
			return &joiner{separator: a.bind(parameterList{may("sep", ", ")})[0]}
		},
		"raise_exception": func(_ *renderer, a *arguments) any {
			throw("TemplateError", "%s", str(a.bind(parameterList{{name: "message"}})[0]))
			return nil
		},
		"strftime_now": func(r *renderer, a *arguments) any {
			format, ok := asText(a.bind(parameterList{{name: "format"}})[0])
			if !ok {
				throw(typeError, "strftime() argument 1 must be str")
			}
			r.made(len(format) * 16)
			return strftime(now, format)
		},
	}
	all := map[string]any{}
	for name, run := range functions {
		all[name] = &Function{name, run}
	}
	return all
}

func newRange(_ *renderer, a *arguments) any {
	bounds := [3]int64{0, 0, 1}
	switch n := len(a.values); {
	case n == 0:
		throw(typeError, "range expected at least 1 argument, got 0")
	case n > 3:
		throw(typeError, "range expected at most 3 arguments, got %d", n)
	case len(a.named) > 0:
		throw(typeError, "range() takes no keyword arguments")
	}
	for i, value := range a.values {
		need(value)
		n, ok := asInt(value)
		if !ok {
			throw(typeError, "%s object cannot be interpreted as an integer", repr(typeName(value)))
		}
		if len(a.values) == 1 {
			i = 1
		}
		bounds[i] = n
	}
	if bounds[2] == 0 {
		throw(valueError, "range() arg 3 must not be zero")
	}
	const far = 1 << 60
	if bounds[0] < -far || bounds[0] > far || bounds[1] < -far || bounds[1] > far || bounds[2] < -far || bounds[2] > far {
		throw(limitError, "a range reaches too far")
	}
	result := &Range{bounds[0], bounds[1], bounds[2]}
	if result.length() > maxRange {
		throw(overflowError, "Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).", maxRange)
	}
	return result
}

func newDict(r *renderer, a *arguments) *Dict {
	d := NewDict()
	if len(a.values) > 1 {
		throw(typeError, "dict expected at most 1 argument, got %d", len(a.values))
	}
	for _, value := range a.values {
		if from, ok := value.(*Dict); ok {
			value = &view{"dict_items", from.pairs()}
		}
		for i, item := range r.list(value) {
			pair := r.list(item)
			if len(pair) != 2 {
				throw(valueError, "dictionary update sequence element #%d has length %d; 2 is required", i, len(pair))
			}
			d.Set(pair[0], pair[1])
		}
	}
	for _, n := range a.named {
		d.Set(n.name, n.value)
	}
	return d
}
