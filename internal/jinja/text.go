package jinja

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// str is Python's str(): how values print.
func str(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case Markup:
		return string(v)
	case *Undefined:
		return ""
	}
	return repr(value)
}

// repr is Python's repr().
func repr(value any) string {
	var out strings.Builder
	writeRepr(&out, value, 0)
	return out.String()
}

func writeRepr(out *strings.Builder, value any, depth int) {
	if depth > maxDepth {
		throw("RecursionError", "maximum recursion depth exceeded while getting the repr of an object")
	}
	if out.Len() > maxOutput {
		throw(limitError, "the text of a value is longer than %d bytes", maxOutput)
	}
	switch v := value.(type) {
	case nil:
		out.WriteString("None")
	case bool:
		out.WriteString(map[bool]string{true: "True", false: "False"}[v])
	case int64:
		out.WriteString(strconv.FormatInt(v, 10))
	case *big.Int:
		out.WriteString(v.String())
	case float64:
		out.WriteString(floatRepr(v))
	case string:
		writeQuoted(out, v)
	case Markup:
		out.WriteString("Markup(")
		writeQuoted(out, string(v))
		out.WriteString(")")
	case *List:
		writeItems(out, "[", v.Items, "]", depth)
	case Tuple:
		if len(v) == 1 {
			writeItems(out, "(", v, ",)", depth)
			return
		}
		writeItems(out, "(", v, ")", depth)
	case *Dict:
		writeDict(out, v, depth)
	case *view:
		writeItems(out, v.kind+"([", v.items, "])", depth)
	case *Undefined:
		out.WriteString("Undefined")
	case *Range:
		fmt.Fprintf(out, "range(%d, %d", v.start, v.stop)
		if v.step != 1 {
			fmt.Fprintf(out, ", %d", v.step)
		}
		out.WriteString(")")
	case *Namespace:
		out.WriteString("<Namespace ")
		writeDict(out, v.attributes, depth+1)
		out.WriteString(">")
	case *macro:
		out.WriteString("<Macro " + repr(v.name) + ">")
	case *loop:
		fmt.Fprintf(out, "<LoopContext %d/%d>", v.index+1, len(v.items))
	default:
		out.WriteString("<" + typeName(value) + " object>")
	}
}

func writeItems(out *strings.Builder, opening string, items []any, closing string, depth int) {
	out.WriteString(opening)
	for i, item := range items {
		if i > 0 {
			out.WriteString(", ")
		}
		writeRepr(out, item, depth+1)
	}
	out.WriteString(closing)
}

func writeDict(out *strings.Builder, d *Dict, depth int) {
	out.WriteString("{")
	for i, key := range d.keys {
		if i > 0 {
			out.WriteString(", ")
		}
		writeRepr(out, key, depth+1)
		out.WriteString(": ")
		writeRepr(out, d.values[i], depth+1)
	}
	out.WriteString("}")
}

// floatRepr writes the shortest decimal that reads back, as Python does.
func floatRepr(v float64) string {
	s := strconv.FormatFloat(v, 'e', -1, 64)
	if strings.ContainsAny(s, "NI") {
		return strings.ToLower(strings.TrimPrefix(s, "+"))
	}
	mantissa, exponent, _ := strings.Cut(s, "e")
	power, _ := strconv.Atoi(exponent)
	if power < -4 || power >= 16 {
		return fmt.Sprintf("%se%+03d", mantissa, power)
	}
	s = strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func writeQuoted(out *strings.Builder, s string) {
	quote := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	out.WriteRune(quote)
	for _, c := range s {
		switch {
		case c == quote || c == '\\':
			out.WriteRune('\\')
			out.WriteRune(c)
		case c == '\n':
			out.WriteString(`\n`)
		case c == '\r':
			out.WriteString(`\r`)
		case c == '\t':
			out.WriteString(`\t`)
		case unicode.IsPrint(c):
			out.WriteRune(c)
		case c < 0x100:
			fmt.Fprintf(out, `\x%02x`, c)
		case c < 0x10000:
			fmt.Fprintf(out, `\u%04x`, c)
		default:
			fmt.Fprintf(out, `\U%08x`, c)
		}
	}
	out.WriteRune(quote)
}

// escapeHTML replaces the five characters that mean something in HTML.
var escapeHTML = strings.NewReplacer("&", "&amp;", ">", "&gt;", "<", "&lt;", "'", "&#39;", `"`, "&#34;")

func escape(value any) Markup {
	if m, ok := value.(Markup); ok {
		return m
	}
	return Markup(escapeHTML.Replace(str(value)))
}
