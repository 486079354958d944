package jinja

import (
	"sort"
	"strconv"
	"strings"
)

func generator(items []any) *iterator { return &iterator{items, "generator"} }

func attr(r *renderer, value any, a *arguments) any {
	name := str(a.bind(parameterList{{name: "name"}})[0])
	need(value)
	if attribute, ok := r.knownAttribute(value, name); ok {
		return attribute
	}
	return &Undefined{object: value, name: name}
}

func fills(value any) bool { return value != nil }

func batch(r *renderer, value any, a *arguments) any {
	p := a.bind(parameterList{{name: "linecount"}, may("fill_with", nil)})
	size, ok := asInt(p[0])
	if !ok || size <= 0 {
		throw(valueError, "a batch has at least one item")
	}
	var batches []any
	for items := r.list(value); len(items) > 0; {
		n := min(int(size), len(items))
		batches = append(batches, &List{append([]any{}, items[:n]...)})
		items = items[n:]
	}
	if n := len(batches); n > 0 && fills(p[1]) {
		r.spend(int(size))
		for tail := batches[n-1].(*List); len(tail.Items) < int(size); {
			tail.Items = append(tail.Items, p[1])
		}
	}
	return generator(batches)
}

func sliceFilter(r *renderer, value any, a *arguments) any {
	p := a.bind(parameterList{{name: "slices"}, may("fill_with", nil)})
	count, ok := asInt(p[0])
	if !ok || count <= 0 {
		throw(valueError, "there is at least one slice")
	}
	r.spend(int(min(count, maxSteps+1)))
	items := r.list(value)
	size, longer := len(items)/int(count), len(items)%int(count)
	var slices []any
	at := 0
	for i := range int(count) {
		n := size
		if i < longer {
			n++
		}
		part := append([]any{}, items[at:at+n]...)
		if fills(p[1]) && i >= longer {
			part = append(part, p[1])
		}
		slices = append(slices, &List{part})
		at += n
	}
	return generator(slices)
}

func lengthFilter(_ *renderer, value any, a *arguments) any {
	a.bind(nil)
	n, ok := count(value)
	if !ok {
		throw(typeError, "object of type %s has no len()", repr(typeName(value)))
	}
	return int64(n)
}

func emptyUndefined(hint string) *Undefined {
	u := undefinedName("")
	u.hint = hint
	return u
}

func first(r *renderer, value any, a *arguments) any {
	a.bind(nil)
	items := r.list(value)
	if len(items) == 0 {
		return emptyUndefined("No first item, sequence was empty.")
	}
	return items[0]
}

func last(r *renderer, value any, a *arguments) any {
	a.bind(nil)
	if _, once := value.(*iterator); once || !iterable(value) {
		throw(typeError, "%s object is not reversible", repr(typeName(value)))
	}
	items := r.list(value)
	if len(items) == 0 {
		return emptyUndefined("No last item, sequence was empty.")
	}
	return items[len(items)-1]
}

func listFilter(r *renderer, value any, a *arguments) any {
	a.bind(nil)
	return &List{append([]any{}, r.list(value)...)}
}

func itemsFilter(_ *renderer, value any, a *arguments) any {
	a.bind(nil)
	switch d := value.(type) {
	case *Undefined:
		return generator(nil)
	case *Dict:
		return generator(d.pairs())
	}
	throw(typeError, "Can only get item pairs from a mapping.")
	return nil
}

func reverse(r *renderer, value any, a *arguments) any {
	a.bind(nil)
	if s, ok := asText(value); ok {
		runes := []rune(s)
		for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
			runes[i], runes[j] = runes[j], runes[i]
		}
		return string(runes)
	}
	if !iterable(value) {
		throw(filterArgumentError, "argument must be iterable")
	}
	items := append([]any{}, r.list(value)...)
	for i, j := 0, len(items)-1; i < j; i, j = i+1, j-1 {
		items[i], items[j] = items[j], items[i]
	}
	return &iterator{items, "list_reverseiterator"}
}

// getter reads an attribute path such as "user.0.name" from items.
func (r *renderer) getter(path any, missing any) func(any) any {
	var keys []any
	switch p := path.(type) {
	case nil:
	case string:
		for _, part := range strings.Split(p, ".") {
			if n, err := strconv.ParseInt(part, 10, 64); err == nil && n >= 0 {
				keys = append(keys, n)
			} else {
				keys = append(keys, part)
			}
		}
	default:
		keys = []any{p}
	}
	return func(item any) any {
		for _, key := range keys {
			item = r.item(item, key)
			if _, ok := item.(*Undefined); ok && missing != nil {
				item = missing
			}
		}
		return item
	}
}

func foldCase(value any) any {
	if s, ok := asText(value); ok {
		return strings.ToLower(s)
	}
	return value
}

// folded is a getter whose texts are in lower case unless case matters.
func folded(get func(any) any, caseMatters any) func(any) any {
	if truth(caseMatters) {
		return get
	}
	return func(item any) any { return foldCase(get(item)) }
}

func joinFilter(r *renderer, value any, a *arguments) any {
	p := a.bind(parameterList{may("d", ""), may("attribute", nil)})
	get := r.getter(p[1], nil)
	separator := str(p[0])
	var parts []string
	size := 0
	for _, item := range r.list(value) {
		part := str(get(item))
		size += len(part) + len(separator)
		parts = append(parts, part)
	}
	r.made(size)
	return strings.Join(parts, separator)
}

func mapFilter(r *renderer, value any, a *arguments) any {
	if !truth(value) {
		return generator(nil) // None and undefined values included
	}
	apply := r.mapped(a)
	var results []any
	for _, item := range r.list(value) {
		results = append(results, apply(item))
	}
	return generator(results)
}

// mapped gives what map does to each item: it takes an attribute, or runs a filter.
func (r *renderer) mapped(a *arguments) func(any) any {
	if len(a.values) == 0 {
		if attribute, ok := a.take("attribute"); ok {
			missing, _ := a.take("default")
			if len(a.named) > 0 {
				throw(filterArgumentError, "Unexpected keyword argument %s", repr(a.named[0].name))
			}
			return r.getter(attribute, missing)
		}
		throw(filterArgumentError, "map requires a filter argument")
	}
	name := str(a.values[0])
	f, ok := filters[name]
	if !ok {
		need(a.values[0])
		throw(runtimeError, "No filter named %s.", repr(name))
	}
	return func(item any) any {
		return f.run(r, item, &arguments{f.callee, a.values[1:], append([]namedValue{}, a.named...)})
	}
}

// chooser is select, reject, selectattr or rejectattr.
func chooser(byAttribute, keep bool) func(*renderer, any, *arguments) any {
	return func(r *renderer, value any, a *arguments) any {
		if !truth(value) {
			return generator(nil) // None and undefined values included
		}
		get := func(item any) any { return item }
		if byAttribute {
			if len(a.values) == 0 {
				throw(filterArgumentError, "Missing parameter for attribute name")
			}
			get = r.getter(a.values[0], nil)
			a.values = a.values[1:]
		}
		holds := truth
		if len(a.values) > 0 {
			name := str(a.values[0])
			run, ok := tests[name]
			if !ok {
				need(a.values[0])
				throw(runtimeError, "No test named %s.", repr(name))
			}
			holds = func(item any) bool {
				return run(r, item, &arguments{"test_" + name, a.values[1:], append([]namedValue{}, a.named...)})
			}
		}
		var kept []any
		for _, item := range r.list(value) {
			if holds(get(item)) == keep {
				kept = append(kept, item)
			}
		}
		return generator(kept)
	}
}

// sorted orders items by a key, stably; reversed keeps equal items in their order, too.
func (r *renderer) sorted(items []any, key func(any) any, reversed bool) []any {
	keys := make([]any, len(items))
	order := make([]int, len(items))
	for i, item := range items {
		keys[i], order[i] = key(item), i
	}
	if len(items) > 1 {
		need(keys...)
	}
	sort.SliceStable(order, func(i, j int) bool {
		a, b := keys[order[i]], keys[order[j]]
		if reversed {
			a, b = b, a
		}
		return r.compare("<", a, b)
	})
	result := make([]any, len(items))
	for i, from := range order {
		result[i] = items[from]
	}
	return result
}

func sortFilter(r *renderer, value any, a *arguments) any {
	p := a.bind(parameterList{may("reverse", false), may("case_sensitive", false), may("attribute", nil)})
	return &List{r.sorted(r.list(value), r.sortKey(p[2], p[1]), truth(p[0]))}
}

// sortKey reads one or more attributes, with commas between them.
func (r *renderer) sortKey(attribute, caseMatters any) func(any) any {
	names, ok := asText(attribute)
	if !ok || !strings.Contains(names, ",") {
		return folded(r.getter(attribute, nil), caseMatters)
	}
	var getters []func(any) any
	for _, name := range strings.Split(names, ",") {
		getters = append(getters, folded(r.getter(name, nil), caseMatters))
	}
	return func(item any) any {
		var keys []any
		for _, get := range getters {
			keys = append(keys, get(item))
		}
		return &List{keys}
	}
}

func dictSort(r *renderer, value any, a *arguments) any {
	p := a.bind(parameterList{may("case_sensitive", false), may("by", "key"), may("reverse", false)})
	column := map[string]int64{"key": 0, "value": 1}
	by, ok := column[str(p[1])]
	if !ok {
		throw(filterArgumentError, `You can only sort by either "key" or "value"`)
	}
	d, ok := value.(*Dict)
	if !ok {
		need(value)
		throw("AttributeError", "%s object has no attribute 'items'", repr(typeName(value)))
	}
	return &List{r.sorted(d.pairs(), folded(r.getter(by, nil), p[0]), truth(p[2]))}
}

func extreme(operator string) func(*renderer, any, *arguments) any {
	return func(r *renderer, value any, a *arguments) any {
		p := a.bind(parameterList{may("case_sensitive", false), may("attribute", nil)})
		items := r.list(value)
		if len(items) == 0 {
			return emptyUndefined("No aggregated item, sequence was empty.")
		}
		key := folded(r.getter(p[1], nil), p[0])
		best := items[0]
		for _, item := range items[1:] {
			if r.compare(operator, key(item), key(best)) {
				best = item
			}
		}
		return best
	}
}

func sum(r *renderer, value any, a *arguments) any {
	p := a.bind(parameterList{may("attribute", nil), may("start", int64(0))})
	get := r.getter(p[0], nil)
	total := p[1]
	if _, isText := asText(total); isText {
		throw(typeError, "sum() can't sum strings [use ''.join(seq) instead]")
	}
	for _, item := range r.list(value) {
		total = r.binary("+", total, get(item))
	}
	return total
}

func unique(r *renderer, value any, a *arguments) any {
	p := a.bind(parameterList{may("case_sensitive", false), may("attribute", nil)})
	key := folded(r.getter(p[1], nil), p[0])
	seen := map[any]bool{}
	var kept []any
	for _, item := range r.list(value) {
		if hash := hashKey(key(item)); !seen[hash] {
			seen[hash] = true
			kept = append(kept, item)
		}
	}
	return generator(kept)
}

func groupBy(r *renderer, value any, a *arguments) any {
	p := a.bind(parameterList{{name: "attribute"}, may("default", nil), may("case_sensitive", false)})
	get := r.getter(p[0], p[1])
	key := folded(get, p[2])
	var groups []any
	var current any
	for i, item := range r.sorted(r.list(value), key, false) {
		k := key(item)
		if i == 0 || !r.equal(k, current) {
			groups = append(groups, Tuple{get(item), &List{}})
			current = k
		}
		members := groups[len(groups)-1].(Tuple)[1].(*List)
		members.Items = append(members.Items, item)
	}
	return &List{groups}
}
