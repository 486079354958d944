package jinja

import "strings"

// item is value[key]: an item, or else an attribute of that name, or else undefined.
func (r *renderer) item(value, key any) any {
	need(value)
	if found, ok := subscript(value, key); ok {
		return found
	}
	if name, isText := asText(key); isText {
		if attribute, ok := r.knownAttribute(value, name); ok {
			return attribute
		}
	}
	return &Undefined{object: value, name: key}
}

// attribute is value.name: an attribute, or else an item, or else undefined.
func (r *renderer) attribute(value any, name string) any {
	need(value)
	if attribute, ok := r.knownAttribute(value, name); ok {
		return attribute
	}
	if found, ok := subscript(value, name); ok {
		return found
	}
	return &Undefined{object: value, name: name}
}

// subscript is the item of a value. Where Python would raise an error, there is none.
func subscript(value, key any) (any, bool) {
	if d, ok := value.(*Dict); ok {
		switch key.(type) {
		case *List, *Dict:
			return nil, false
		}
		return d.Get(key)
	}
	i, ok := asInt(key)
	if !ok {
		return nil, false
	}
	switch v := value.(type) {
	case *List:
		return at(v.Items, i)
	case Tuple:
		return at(v, i)
	case *Range:
		n := v.length()
		if i < 0 {
			i += n
		}
		if i < 0 || i >= n {
			return nil, false
		}
		return v.start + i*v.step, true
	}
	if s, isText := asText(value); isText {
		runes := []rune(s)
		if i < 0 {
			i += int64(len(runes))
		}
		if i < 0 || i >= int64(len(runes)) {
			return nil, false
		}
		return string(runes[i]), true
	}
	return nil, false
}

func at(items []any, i int64) (any, bool) {
	if i < 0 {
		i += int64(len(items))
	}
	if i < 0 || i >= int64(len(items)) {
		return nil, false
	}
	return items[i], true
}

// unsafeNames are attributes of all Python objects that the sandbox keeps back.
var unsafeNames = map[string]bool{}

// mutators are methods that would change a list or a dict, which the sandbox keeps back, too.
var mutators = map[string]map[string]bool{"list": {}, "dict": {}}

func init() {
	for _, name := range strings.Fields("class delattr dir doc eq format ge getattribute getstate gt hash init init_subclass le lt ne new " +
		"reduce reduce_ex repr setattr sizeof str subclasshook") {
		unsafeNames["__"+name+"__"] = true
	}
	for _, name := range strings.Fields("append clear pop reverse insert sort extend remove") {
		mutators["list"][name] = true
	}
	for _, name := range strings.Fields("clear pop popitem setdefault update") {
		mutators["dict"][name] = true
	}
}

// knownAttribute gives an attribute that the value's type has; one that the sandbox keeps back is undefined with a SecurityError.
func (r *renderer) knownAttribute(value any, name string) (any, bool) {
	if unsafeNames[name] || mutators[typeName(value)][name] {
		return &Undefined{
			hint:   "access to attribute " + repr(name) + " of " + repr(typeName(value)) + " object is unsafe.",
			object: value, name: name, error: securityError,
		}, true
	}
	switch v := value.(type) {
	case *loop:
		return v.attribute(name)
	case *Namespace:
		return v.attributes.Get(name)
	}
	return r.special(value, name)
}

// special gives the methods of builtin types.
func (r *renderer) special(value any, name string) (any, bool) {
	if s, ok := asText(value); ok {
		run, known := textMethods[name]
		if !known {
			return nil, false
		}
		return &method{name: name, run: func(r *renderer, a *arguments) any { return run(r, s, a) }}, true
	}
	run, known := valueMethods[typeName(value)][name]
	if known {
		return &method{name: name, run: func(r *renderer, a *arguments) any { return run(r, value, a) }}, true
	}
	switch v := value.(type) {
	case *macro:
		switch name {
		case "name":
			return v.name, true
		case "arguments":
			var names Tuple
			for _, p := range v.parameters {
				names = append(names, p.name)
			}
			return names, true
		}
	case *cycler:
		if name == "current" {
			return v.items[v.index], true
		}
	}
	return nil, false
}

// slice is value[start:stop:step].
func (r *renderer) slice(value any, s *slice) any {
	need(value)
	switch v := value.(type) {
	case *List:
		return &List{sliced(r, v.Items, s)}
	case Tuple:
		return Tuple(sliced(r, v, s))
	case string:
		return string(sliced(r, []rune(v), s))
	case Markup:
		return Markup(sliced(r, []rune(string(v)), s))
	case *Range:
		return slicedRange(v, s)
	case *Dict:
		throw(typeError, "unhashable type: 'slice'")
	}
	throw(typeError, "%s object is not subscriptable", repr(typeName(value)))
	return nil
}

func sliced[T any](r *renderer, items []T, s *slice) []T {
	start, _, step := s.resolve(int64(len(items)))
	count := s.count(int64(len(items)))
	r.spend(int(count))
	picked := make([]T, 0, count)
	for i := start; count > 0; i, count = i+step, count-1 {
		picked = append(picked, items[i])
	}
	return picked
}

func slicedRange(v *Range, s *slice) *Range {
	start, stop, step := s.resolve(v.length())
	return &Range{v.start + start*v.step, v.start + stop*v.step, step * v.step}
}

// count is how many of n items a slice has.
func (s *slice) count(n int64) int64 {
	start, stop, step := s.resolve(n)
	return (&Range{start, stop, step}).length()
}

// resolve gives the first index of a slice of n items, the index that it stops before, and the step.
func (s *slice) resolve(n int64) (start, stop, step int64) {
	step = 1
	if s.bounds[2] != nil {
		step = sliceBound(s.bounds[2])
		if step == 0 {
			throw(valueError, "slice step cannot be zero")
		}
	}
	lowest, highest := int64(0), n
	if step < 0 {
		lowest, highest = -1, n-1
	}
	bound := func(value any, missing int64) int64 {
		if value == nil {
			return missing
		}
		i := sliceBound(value)
		if i < 0 {
			i = max(i+n, lowest)
		}
		return min(i, highest)
	}
	start = bound(s.bounds[0], lowest)
	stop = bound(s.bounds[1], highest)
	if step < 0 {
		start = bound(s.bounds[0], highest)
		stop = bound(s.bounds[1], lowest)
	}
	return start, stop, step
}

func sliceBound(value any) int64 {
	if u, ok := value.(*Undefined); ok {
		u.fail()
	}
	n, ok := asBig(value)
	if !ok {
		throw(typeError, "slice indices must be integers or None or have an __index__ method")
	}
	const far = 1 << 40 // beyond any sequence, and safe to add
	switch {
	case !n.IsInt64() && n.Sign() < 0, n.IsInt64() && n.Int64() < -far:
		return -far
	case !n.IsInt64(), n.Int64() > far:
		return far
	}
	return n.Int64()
}
