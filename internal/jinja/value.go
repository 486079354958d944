package jinja

import (
	"math"
	"math/big"
	"unicode/utf8"
)

// Values are nil (None), bool, int64 or *big.Int beyond it, float64, string, Markup, *List, Tuple, *Dict and the types of this package
// that only templates make.

// Markup is a text that was escaped, or declared safe.
type Markup string

// List is Python's list.
type List struct{ Items []any }

// Tuple is Python's tuple.
type Tuple []any

// Range is Python's range.
type Range struct{ start, stop, step int64 }

// Namespace holds attributes that {% set %} can change from inside loops.
type Namespace struct{ attributes *Dict }

// iterator is a value that can be read once: what map, select, items and the like give.
type iterator struct {
	items []any
	kind  string
}

// view is what keys, values and items of a dict give.
type view struct {
	kind  string
	items []any
}

// Undefined stands for what does not exist. It prints as nothing and fails when it is used otherwise.
type Undefined struct {
	hint   string
	object any // whose attribute or item is missing; absent for a variable
	name   any
	error  string // the exception, UndefinedError if empty
}

type absentObject struct{}

var absent = absentObject{}

func undefinedName(name string) *Undefined { return &Undefined{object: absent, name: name} }

// message says what does not exist.
func (u *Undefined) message() string {
	if u.hint != "" {
		return u.hint
	}
	if u.object == absent {
		return repr(u.name) + " is undefined"
	}
	name, isText := asText(u.name)
	if !isText {
		return objectName(u.object) + " has no element " + repr(u.name)
	}
	return repr(objectName(u.object)) + " has no attribute " + repr(name)
}

// fail ends rendering because the value was needed.
func (u *Undefined) fail() {
	kind := u.error
	if kind == "" {
		kind = undefinedError
	}
	throw(kind, "%s", u.message())
}

// need fails for undefined values.
func need(values ...any) {
	for _, value := range values {
		if u, ok := value.(*Undefined); ok {
			u.fail()
		}
	}
}

// typeName is the name of the value's type in Python.
func typeName(value any) string {
	switch v := value.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case Markup:
		return "Markup"
	case *List:
		return "list"
	case Tuple:
		return "tuple"
	case *Dict:
		return "dict"
	case *Undefined:
		return "Undefined"
	case *Range:
		return "range"
	case *iterator:
		return v.kind
	case *view:
		return v.kind
	case *Namespace:
		return "Namespace"
	case *loop:
		return "LoopContext"
	case *macro:
		return "Macro"
	case *method:
		return "builtin_function_or_method"
	case *Function:
		return "function"
	case *cycler:
		return "Cycler"
	case *joiner:
		return "Joiner"
	}
	return "object"
}

// objectName is how Jinja2 names a value in messages about undefined ones.
func objectName(value any) string {
	switch value.(type) {
	case nil:
		return "None"
	case Markup:
		return "markupsafe.Markup object"
	case *Namespace, *cycler, *joiner:
		return "jinja2.utils." + typeName(value) + " object"
	case *loop, *macro, *Undefined:
		return "jinja2.runtime." + typeName(value) + " object"
	}
	return typeName(value) + " object"
}

// truth is Python's bool().
func truth(value any) bool {
	switch v := value.(type) {
	case nil, *Undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case *big.Int:
		return v.Sign() != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case Markup:
		return v != ""
	case *List:
		return len(v.Items) > 0
	case Tuple:
		return len(v) > 0
	case *Dict:
		return v.Len() > 0
	case *view:
		return len(v.items) > 0
	case *Range:
		return v.length() > 0
	}
	return true
}

// asText gives the text of str and Markup.
func asText(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case Markup:
		return string(v), true
	}
	return "", false
}

// asInt gives an integer that fits; bools are integers.
func asInt(value any) (int64, bool) {
	switch v := value.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// asBig gives any integer.
func asBig(value any) (*big.Int, bool) {
	if v, ok := value.(*big.Int); ok {
		return v, true
	}
	if v, ok := asInt(value); ok {
		return big.NewInt(v), true
	}
	return nil, false
}

// asFloat gives any number.
func asFloat(value any) (float64, bool) {
	switch v := value.(type) {
	case float64:
		return v, true
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		if math.IsInf(f, 0) {
			throw(overflowError, "int too large to convert to float")
		}
		return f, true
	}
	v, ok := asInt(value)
	return float64(v), ok
}

// normalInt keeps integers that fit as int64.
func normalInt(v *big.Int) any {
	if v.IsInt64() {
		return v.Int64()
	}
	return v
}

func (r *Range) length() int64 {
	if r.step > 0 && r.start < r.stop {
		return (r.stop-r.start-1)/r.step + 1
	}
	if r.step < 0 && r.start > r.stop {
		return (r.start-r.stop-1)/-r.step + 1
	}
	return 0
}

// iterate lists the items of a value, dicts giving their keys.
func iterate(value any) []any {
	switch v := value.(type) {
	case *List:
		return v.Items
	case Tuple:
		return v
	case *Dict:
		return v.Keys()
	case *view:
		return v.items
	case *iterator:
		items := v.items
		v.items = nil
		return items
	case *Undefined:
		return nil
	case *Range:
		items := make([]any, 0, v.length())
		for i, n := v.start, v.length(); n > 0; i, n = i+v.step, n-1 {
			items = append(items, i)
		}
		return items
	}
	if s, ok := asText(value); ok {
		items := make([]any, 0, len(s))
		for _, c := range s {
			items = append(items, string(c))
		}
		return items
	}
	throw(typeError, "%s object is not iterable", repr(typeName(value)))
	return nil
}

func iterable(value any) bool {
	switch value.(type) {
	case *List, Tuple, *Dict, *view, *iterator, *Undefined, *Range, string, Markup:
		return true
	}
	return false
}

// count is Python's len(); ok is false for values without one.
func count(value any) (n int, ok bool) {
	switch v := value.(type) {
	case *List:
		return len(v.Items), true
	case Tuple:
		return len(v), true
	case *Dict:
		return v.Len(), true
	case *view:
		return len(v.items), true
	case *Range:
		return int(v.length()), true
	case *loop:
		return len(v.items), true
	case *Undefined:
		return 0, true
	}
	s, ok := asText(value)
	return utf8.RuneCountInString(s), ok
}
