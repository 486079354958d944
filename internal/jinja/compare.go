package jinja

import (
	"math"
	"math/big"
	"strings"
)

// compare is the value of a comparison operator.
func (r *renderer) compare(operator string, left, right any) bool {
	switch operator {
	case "==":
		return r.equal(left, right)
	case "!=":
		return !r.equal(left, right)
	case "in":
		return r.contains(right, left)
	case "not in":
		return !r.contains(right, left)
	}
	need(left, right)
	order, comparable := r.order(operator, left, right)
	if !comparable {
		return false // NaN
	}
	switch operator {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	default:
		return order >= 0
	}
}

// equal is Python's ==.
func (r *renderer) equal(left, right any) bool {
	r.spend(1)
	if left == nil || right == nil {
		return left == right
	}
	if s, ok := asText(left); ok {
		t, ok := asText(right)
		return ok && s == t
	}
	if order, ok := numberOrder(left, right); ok {
		return order == 0
	}
	switch a := left.(type) {
	case *List:
		b, ok := right.(*List)
		return ok && (a == b || r.equalItems(a.Items, b.Items))
	case Tuple:
		b, ok := right.(Tuple)
		return ok && r.equalItems(a, b)
	case *Dict:
		b, ok := right.(*Dict)
		return ok && r.equalDicts(a, b)
	case *Undefined:
		_, ok := right.(*Undefined)
		return ok
	case *Range:
		b, ok := right.(*Range)
		return ok && r.equalItems(iterate(a), iterate(b))
	case *view:
		b, ok := right.(*view)
		return ok && a.kind == b.kind && r.equalItems(a.items, b.items)
	case bool, int64, *big.Int, float64:
		return false // not both numbers, or NaN
	}
	return left == right // one and the same
}

func (r *renderer) equalItems(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !r.equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func (r *renderer) equalDicts(a, b *Dict) bool {
	if a == b {
		return true
	}
	if a.Len() != b.Len() {
		return false
	}
	for i, key := range a.keys {
		value, ok := b.Get(key)
		if !ok || !r.equal(a.values[i], value) {
			return false
		}
	}
	return true
}

// numberOrder compares two numbers; ok is false when one is none, or NaN.
func numberOrder(left, right any) (order int, ok bool) {
	a, leftInt := asBig(left)
	b, rightInt := asBig(right)
	if leftInt && rightInt {
		return a.Cmp(b), true
	}
	x, leftNumber := left.(float64)
	y, rightNumber := right.(float64)
	if !leftInt && !leftNumber || !rightInt && !rightNumber || math.IsNaN(x) || math.IsNaN(y) {
		return 0, false
	}
	if !leftInt && math.IsInf(x, 0) || !rightInt && math.IsInf(y, 0) {
		if leftInt {
			x = 0
		}
		if rightInt {
			y = 0
		}
		return compareFloats(x, y), true
	}
	return exact(a, x).Cmp(exact(b, y)), true
}

// exact is an integer, or else the float, without rounding.
func exact(n *big.Int, f float64) *big.Rat {
	if n != nil {
		return new(big.Rat).SetInt(n)
	}
	return new(big.Rat).SetFloat64(f)
}

func compareFloats(x, y float64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// order compares two values of an ordered type; ok is false when neither is before the other.
func (r *renderer) order(operator string, left, right any) (order int, ok bool) {
	r.spend(1)
	if s, leftText := asText(left); leftText {
		if t, rightText := asText(right); rightText {
			return strings.Compare(s, t), true
		}
	}
	if isNumber(left) && isNumber(right) {
		return numberOrder(left, right)
	}
	a, leftList := left.(*List)
	b, rightList := right.(*List)
	if leftList && rightList {
		return r.orderItems(operator, a.Items, b.Items)
	}
	x, leftTuple := left.(Tuple)
	y, rightTuple := right.(Tuple)
	if leftTuple && rightTuple {
		return r.orderItems(operator, x, y)
	}
	throw(typeError, "%s not supported between instances of %s and %s", repr(operator), repr(typeName(left)), repr(typeName(right)))
	return 0, false
}

func (r *renderer) orderItems(operator string, a, b []any) (order int, ok bool) {
	for i := range min(len(a), len(b)) {
		if !r.equal(a[i], b[i]) {
			need(a[i], b[i])
			return r.order(operator, a[i], b[i])
		}
	}
	return len(a) - len(b), true
}

func isNumber(value any) bool {
	switch value.(type) {
	case bool, int64, *big.Int, float64:
		return true
	}
	return false
}

// contains is Python's in.
func (r *renderer) contains(container, value any) bool {
	switch c := container.(type) {
	case *Dict:
		_, ok := c.Get(value)
		return ok
	case string, Markup:
		s, _ := asText(container)
		part, ok := asText(value)
		if !ok {
			throw(typeError, "'in <string>' requires string as left operand, not %s", typeName(value))
		}
		r.spend(len(s) / 64)
		return strings.Contains(s, part)
	}
	if !iterable(container) {
		throw(typeError, "argument of type %s is not iterable", repr(typeName(container)))
	}
	for _, item := range r.list(container) {
		if r.equal(item, value) {
			return true
		}
	}
	return false
}
