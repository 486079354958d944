package jinja

import (
	"fmt"
	"math"
	"math/big"
	"sort"
	"strings"
)

// jsonStyle is how a value is written as JSON, as Python's json.dumps understands it.
type jsonStyle struct {
	ascii       bool
	indent      string
	indented    bool
	item, field string // what stands between items, and between a key and its value
	sort        bool
}

func tojson(r *renderer, value any, a *arguments) any {
	p := a.bind(parameterList{may("ensure_ascii", false), may("indent", nil), may("separators", nil), may("sort_keys", false)})
	style := jsonStyle{ascii: truth(p[0]), item: ", ", field: ": ", sort: truth(p[3])}
	if p[1] != nil {
		style.indented, style.item = true, ","
		if n, ok := asInt(p[1]); ok {
			r.made(int(n))
			style.indent = strings.Repeat(" ", int(max(n, 0)))
		} else {
			style.indent = str(p[1])
		}
	}
	if p[2] != nil {
		separators := r.list(p[2])
		if len(separators) != 2 {
			throw(valueError, "not enough values to unpack (expected 2, got %d)", len(separators))
		}
		style.item, style.field = str(separators[0]), str(separators[1])
	}
	w := jsonWriter{jsonStyle: style}
	w.write(value, 0)
	r.made(w.out.Len())
	return w.out.String()
}

type jsonWriter struct {
	jsonStyle
	out strings.Builder
}

func (w *jsonWriter) write(value any, depth int) {
	if depth > maxDepth {
		throw(valueError, "Circular reference detected")
	}
	if w.out.Len() > maxOutput {
		throw(limitError, "the text of a value is longer than %d bytes", maxOutput)
	}
	switch v := value.(type) {
	case nil:
		w.out.WriteString("null")
	case bool:
		w.out.WriteString(strings.ToLower(repr(v)))
	case int64, *big.Int:
		w.out.WriteString(repr(v))
	case float64:
		w.out.WriteString(jsonFloat(v))
	case string:
		w.text(v)
	case Markup:
		w.text(string(v))
	case *List:
		w.list(v.Items, depth)
	case Tuple:
		w.list(v, depth)
	case *Dict:
		w.dict(v, depth)
	default:
		throw(typeError, "Object of type %s is not JSON serializable", typeName(value))
	}
}

func jsonFloat(v float64) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	}
	return floatRepr(v)
}

func (w *jsonWriter) lineFeed(depth int) {
	if w.indented {
		w.out.WriteString("\n" + strings.Repeat(w.indent, depth))
	}
}

func (w *jsonWriter) list(items []any, depth int) {
	if len(items) == 0 {
		w.out.WriteString("[]")
		return
	}
	w.out.WriteString("[")
	for i, item := range items {
		if i > 0 {
			w.out.WriteString(w.item)
		}
		w.lineFeed(depth + 1)
		w.write(item, depth+1)
	}
	w.lineFeed(depth)
	w.out.WriteString("]")
}

func (w *jsonWriter) dict(d *Dict, depth int) {
	if d.Len() == 0 {
		w.out.WriteString("{}")
		return
	}
	order := make([]int, d.Len())
	names := make([]string, d.Len())
	for i, key := range d.keys {
		order[i], names[i] = i, jsonKey(key)
	}
	if w.sort {
		sort.SliceStable(order, func(i, j int) bool { return names[order[i]] < names[order[j]] })
	}
	w.out.WriteString("{")
	for n, i := range order {
		if n > 0 {
			w.out.WriteString(w.item)
		}
		w.lineFeed(depth + 1)
		w.text(names[i])
		w.out.WriteString(w.field)
		w.write(d.values[i], depth+1)
	}
	w.lineFeed(depth)
	w.out.WriteString("}")
}

func jsonKey(key any) string {
	switch k := key.(type) {
	case string:
		return k
	case Markup:
		return string(k)
	case nil:
		return "null"
	case bool:
		return strings.ToLower(repr(k))
	case int64, *big.Int:
		return repr(k)
	case float64:
		return jsonFloat(k)
	}
	throw(typeError, "keys must be str, int, float, bool or None, not %s", typeName(key))
	return ""
}

var jsonEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}

func (w *jsonWriter) text(s string) {
	w.out.WriteByte('"')
	for _, c := range s {
		escaped, ok := jsonEscapes[c]
		switch {
		case ok:
			w.out.WriteString(escaped)
		case c < 0x20 || w.ascii && c > 0x7e && c < 0x10000:
			fmt.Fprintf(&w.out, `\u%04x`, c)
		case w.ascii && c > 0xffff:
			c -= 0x10000
			fmt.Fprintf(&w.out, `\u%04x\u%04x`, 0xd800+c>>10, 0xdc00+c&0x3ff)
		default:
			w.out.WriteRune(c)
		}
	}
	w.out.WriteByte('"')
}
