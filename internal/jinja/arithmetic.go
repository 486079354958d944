package jinja

import (
	"math"
	"math/big"
	"strings"
)

const maxBits = 1 << 17 // of an integer

func sign(sign string, value any) any {
	need(value)
	if f, ok := value.(float64); ok {
		if sign == "-" {
			return -f
		}
		return f
	}
	n, ok := asBig(value)
	if !ok {
		throw(typeError, "bad operand type for unary %s: %s", sign, repr(typeName(value)))
	}
	if sign == "-" {
		n = new(big.Int).Neg(n)
	}
	return normalInt(n)
}

// binary is the value of an arithmetic operator.
func (r *renderer) binary(operator string, left, right any) any {
	need(left)
	if _, isText := asText(left); !isText || operator != "%" {
		need(right)
	}
	_, leftFloat := left.(float64)
	_, rightFloat := right.(float64)
	if leftFloat || rightFloat || operator == "/" {
		a, leftNumber := asFloat(left)
		b, rightNumber := asFloat(right)
		if leftNumber && rightNumber {
			if operator == "/" && b == 0 && !leftFloat && !rightFloat {
				throw("ZeroDivisionError", "division by zero")
			}
			return floatOperation(operator, a, b)
		}
	}
	a, leftInt := asBig(left)
	b, rightInt := asBig(right)
	if leftInt && rightInt {
		return intOperation(operator, a, b)
	}
	if value, ok := r.sequenceOperation(operator, left, right); ok {
		return value
	}
	if operator == "**" {
		operator = "** or pow()"
	}
	throw(typeError, "unsupported operand type(s) for %s: %s and %s", operator, repr(typeName(left)), repr(typeName(right)))
	return nil
}

func floatOperation(operator string, a, b float64) any {
	if b == 0 && strings.ContainsAny(operator, "/%") {
		message := map[string]string{"/": "float division by zero", "//": "float floor division by zero", "%": "float modulo"}[operator]
		throw("ZeroDivisionError", "%s", message)
	}
	switch operator {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	case "//":
		return math.Floor(a / b)
	case "%":
		m := math.Mod(a, b)
		if m != 0 && (m < 0) != (b < 0) {
			m += b
		}
		return m
	default:
		return power(a, b)
	}
}

func power(a, b float64) any {
	if a == 0 && b < 0 {
		throw("ZeroDivisionError", "0.0 cannot be raised to a negative power")
	}
	result := math.Pow(a, b)
	switch {
	case math.IsNaN(result) && !math.IsNaN(a) && !math.IsNaN(b):
		throw(valueError, "a complex number is no value of a template")
	case math.IsInf(result, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0):
		throw(overflowError, "(34, 'Numerical result out of range')")
	}
	return result
}

func intOperation(operator string, a, b *big.Int) any {
	result := new(big.Int)
	if b.Sign() == 0 && strings.ContainsAny(operator, "/%") {
		message := map[string]string{"//": "integer division or modulo by zero", "%": "integer modulo by zero"}[operator]
		throw("ZeroDivisionError", "%s", message)
	}
	switch operator {
	case "+":
		result.Add(a, b)
	case "-":
		result.Sub(a, b)
	case "*":
		if a.BitLen()+b.BitLen() > maxBits {
			throw(limitError, "an integer is too large")
		}
		result.Mul(a, b)
	case "//":
		floorDivide(result, new(big.Int), a, b)
	case "%":
		floorDivide(new(big.Int), result, a, b)
	default:
		if b.Sign() < 0 {
			x, _ := asFloat(normalInt(a))
			y, _ := asFloat(normalInt(b))
			return power(x, y)
		}
		if !b.IsInt64() || a.BitLen() > 1 && b.Int64() > int64(maxBits/a.BitLen()) {
			throw(limitError, "an integer is too large")
		}
		result.Exp(a, b, nil)
	}
	return normalInt(result)
}

// floorDivide rounds towards minus infinity, as Python does.
func floorDivide(quotient, remainder, a, b *big.Int) {
	quotient.QuoRem(a, b, remainder)
	if remainder.Sign() != 0 && remainder.Sign() != b.Sign() {
		quotient.Sub(quotient, big.NewInt(1))
		remainder.Add(remainder, b)
	}
}

// sequenceOperation is what operators do with texts and lists; ok is false when they do nothing.
func (r *renderer) sequenceOperation(operator string, left, right any) (value any, ok bool) {
	switch operator {
	case "+":
		return r.join(left, right)
	case "*":
		if !isSequence(left) || isType[*Dict](left) || isType[*Range](left) {
			left, right = right, left
		}
		return r.repeat(left, right)
	case "%":
		if format, isText := asText(left); isText {
			if _, safe := left.(Markup); safe {
				return Markup(r.percent(format, right, true)), true
			}
			return r.percent(format, right, false), true
		}
	}
	return nil, false
}

func (r *renderer) join(left, right any) (value any, ok bool) {
	switch a := left.(type) {
	case string, Markup:
		s, _ := asText(left)
		t, isText := asText(right)
		if !isText {
			throw(typeError, `can only concatenate str (not "%s") to str`, typeName(right))
		}
		r.made(len(s) + len(t))
		_, leftSafe := left.(Markup)
		_, rightSafe := right.(Markup)
		if leftSafe || rightSafe {
			return escape(left) + escape(right), true
		}
		return s + t, true
	case *List:
		b, isList := right.(*List)
		if !isList {
			throw(typeError, `can only concatenate list (not "%s") to list`, typeName(right))
		}
		r.spend(len(a.Items) + len(b.Items))
		return &List{append(a.Items[:len(a.Items):len(a.Items)], b.Items...)}, true
	case Tuple:
		b, isTuple := right.(Tuple)
		if !isTuple {
			throw(typeError, `can only concatenate tuple (not "%s") to tuple`, typeName(right))
		}
		r.spend(len(a) + len(b))
		return append(a[:len(a):len(a)], b...), true
	}
	return nil, false
}

func (r *renderer) repeat(sequence, times any) (value any, ok bool) {
	var items []any
	s, isText := asText(sequence)
	switch v := sequence.(type) {
	case *List:
		items = v.Items
	case Tuple:
		items = v
	default:
		if !isText {
			return nil, false
		}
	}
	n, ok := asInt(times)
	if isType[*big.Int](times) {
		throw(overflowError, "cannot fit 'int' into an index-sized integer")
	}
	if !ok {
		throw(typeError, "can't multiply sequence by non-int of type %s", repr(typeName(times)))
	}
	n = max(n, 0)
	if n > maxOutput {
		throw(limitError, "a sequence is repeated %d times", n)
	}
	if isText {
		r.made(len(s) * int(n))
		if _, safe := sequence.(Markup); safe {
			return Markup(strings.Repeat(s, int(n))), true
		}
		return strings.Repeat(s, int(n)), true
	}
	r.spend(len(items) * int(n))
	repeated := make([]any, 0, len(items)*int(n))
	for range n {
		repeated = append(repeated, items...)
	}
	if _, isTuple := sequence.(Tuple); isTuple {
		return Tuple(repeated), true
	}
	return &List{repeated}, true
}
