package jinja

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

func abs(_ *renderer, value any, a *arguments) any {
	a.bind(nil)
	if f, ok := value.(float64); ok {
		return math.Abs(f)
	}
	n, ok := asBig(value)
	if !ok {
		throw(typeError, "bad operand type for abs(): %s", repr(typeName(value)))
	}
	return normalInt(new(big.Int).Abs(n))
}

func floatFilter(_ *renderer, value any, a *arguments) any {
	fallback := a.bind(parameterList{may("default", 0.0)})[0]
	need(value)
	if s, ok := asText(value); ok {
		if f, ok := parseFloat(s); ok {
			return f
		}
		return fallback
	}
	if f, ok := asFloat(value); ok {
		return f
	}
	return fallback
}

// parseFloat is Python's float() of a text.
func parseFloat(s string) (float64, bool) {
	s = strings.TrimFunc(s, isSpace)
	if strings.ContainsAny(s, "xXpP") || strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	return f, err == nil || math.IsInf(f, 0)
}

func intFilter(_ *renderer, value any, a *arguments) any {
	p := a.bind(parameterList{may("default", int64(0)), may("base", int64(10))})
	need(value)
	if s, ok := asText(value); ok {
		base, _ := asInt(p[1])
		if n, ok := parseInt(s, int(base)); ok {
			return n
		}
		f, ok := parseFloat(s)
		if !ok || math.IsInf(f, 0) || math.IsNaN(f) {
			return p[0]
		}
		return truncated(f)
	}
	if f, ok := value.(float64); ok {
		if math.IsInf(f, 0) || math.IsNaN(f) {
			return p[0]
		}
		return truncated(f)
	}
	if n, ok := asBig(value); ok {
		return normalInt(n)
	}
	return p[0]
}

// parseInt is Python's int() of a text.
func parseInt(s string, base int) (any, bool) {
	s = strings.TrimFunc(s, isSpace)
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	prefix := map[int]string{2: "0b", 8: "0o", 16: "0x"}[base]
	if prefix != "" && strings.HasPrefix(strings.ToLower(s), prefix) {
		s = s[2:]
	}
	if s == "" || strings.ContainsAny(s, "+-") || len(s) > 4300 || base < 2 || base > 36 ||
		strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") {
		return nil, false
	}
	n, ok := new(big.Int).SetString(strings.ReplaceAll(s, "_", ""), base)
	if !ok {
		return nil, false
	}
	if negative {
		n.Neg(n)
	}
	return normalInt(n), true
}

func round(_ *renderer, value any, a *arguments) any {
	p := a.bind(parameterList{may("precision", int64(0)), may("method", "common")})
	how := str(p[1])
	if how != "common" && how != "ceil" && how != "floor" {
		throw(filterArgumentError, "method must be common, ceil or floor")
	}
	precision, ok := asInt(p[0])
	if !ok {
		throw(typeError, "%s object cannot be interpreted as an integer", repr(typeName(p[0])))
	}
	if !isNumber(value) {
		throw(typeError, "type %s doesn't define __round__ method", typeName(value))
	}
	if _, isInt := asBig(value); isInt && how == "common" && precision >= 0 {
		return sign("+", value)
	}
	f, _ := asFloat(value)
	if how == "common" {
		rounded := roundHalfEven(f, precision)
		if _, isInt := asBig(value); isInt {
			return truncated(rounded)
		}
		return rounded
	}
	scale := math.Pow(10, float64(precision))
	if how == "ceil" {
		return math.Ceil(f*scale) / scale
	}
	return math.Floor(f*scale) / scale
}

// roundHalfEven rounds the exact decimal value of a float, ties to even, as Python does.
func roundHalfEven(f float64, precision int64) float64 {
	if precision > 308 || math.IsInf(f, 0) || math.IsNaN(f) {
		return f
	}
	if precision < -308 {
		return math.Copysign(0, f)
	}
	if precision >= 0 {
		rounded, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', int(precision), 64), 64)
		return rounded
	}
	scale := math.Pow(10, float64(-precision))
	return math.RoundToEven(f/scale) * scale
}

func fileSize(_ *renderer, value any, a *arguments) any {
	binary := truth(a.bind(parameterList{may("binary", false)})[0])
	size, ok := asFloat(floatFilter(nil, value, &arguments{}))
	if !ok {
		throw(typeError, "could not convert to float")
	}
	base, prefixes := 1000.0, []string{"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"}
	if binary {
		base, prefixes = 1024, []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}
	}
	switch {
	case size == 1:
		return "1 Byte"
	case size < base:
		return fmt.Sprintf("%d Bytes", int64(size))
	}
	unit := base
	for i, prefix := range prefixes {
		unit = math.Pow(base, float64(i+2))
		if size < unit || i == len(prefixes)-1 {
			return fmt.Sprintf("%.1f %s", base*size/unit, prefix)
		}
	}
	return ""
}
