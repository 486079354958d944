package jinja

import (
	"strings"
	"unicode/utf8"
)

// bracesFormat is str.format: replacement fields in braces.
type bracesFormat struct {
	*renderer
	arguments *arguments
	next      int // index of the next {} without a name
}

func (f *bracesFormat) format(text string, depth int) string {
	if depth > 2 {
		throw(valueError, "Max string recursion exceeded")
	}
	var out strings.Builder
	for {
		at := strings.IndexAny(text, "{}")
		if at < 0 {
			break
		}
		out.WriteString(text[:at])
		brace := text[at]
		text = text[at+1:]
		switch {
		case text != "" && text[0] == brace:
			out.WriteByte(brace)
			text = text[1:]
		case brace == '}':
			throw(valueError, "Single '}' encountered in format string")
		default:
			stop := closingBrace(text)
			out.WriteString(f.field(text[:stop], depth))
			text = text[stop+1:]
		}
		f.made(out.Len())
	}
	return out.String() + text
}

func closingBrace(text string) int {
	open := 1
	for i, c := range text {
		switch c {
		case '{':
			open++
		case '}':
			if open--; open == 0 {
				return i
			}
		}
	}
	if text == "" {
		throw(valueError, "Single '{' encountered in format string")
	}
	throw(valueError, "expected '}' before end of string")
	return 0
}

func (f *bracesFormat) field(field string, depth int) string {
	name, rest := field, ""
	if at := strings.IndexAny(field, "!:"); at >= 0 {
		name, rest = field[:at], field[at:]
	}
	value := f.lookup(name)
	if strings.HasPrefix(rest, "!") {
		if len(rest) < 2 {
			throw(valueError, "unmatched '{' in format spec")
		}
		switch rest[1] {
		case 's':
			value = str(value)
		case 'r', 'a':
			value = repr(value)
		default:
			throw(valueError, "Unknown conversion specifier %c", rest[1])
		}
		rest = rest[2:]
	}
	return f.value(value, f.format(strings.TrimPrefix(rest, ":"), depth+1))
}

func (f *bracesFormat) lookup(path string) any {
	first := path
	if at := strings.IndexAny(path, ".["); at >= 0 {
		first = path[:at]
	}
	rest := path[len(first):]
	value := f.argument(first)
	for rest != "" {
		if rest[0] == '.' {
			stop := strings.IndexAny(rest[1:], ".[") + 1
			if stop == 0 {
				stop = len(rest)
			}
			value = f.attribute(value, rest[1:stop])
			rest = rest[stop:]
			continue
		}
		key, after, ok := strings.Cut(rest[1:], "]")
		if !ok {
			throw(valueError, "Missing ']' in format string")
		}
		var index any = key
		if digits := key; leadingNumber(&digits) >= 0 && digits == "" {
			digits = key
			index = int64(leadingNumber(&digits))
		}
		value = f.item(value, index)
		rest = after
	}
	return value
}

func (f *bracesFormat) argument(name string) any {
	digits := name
	index := leadingNumber(&digits)
	switch {
	case name == "":
		index = f.next
		f.next++
	case index < 0 || digits != "":
		for _, n := range f.arguments.named {
			if n.name == name {
				return n.value
			}
		}
		throw("KeyError", "%s", repr(name))
	}
	if index >= len(f.arguments.values) {
		throw("IndexError", "tuple index out of range")
	}
	return f.arguments.values[index]
}

// value formats a value by a spec such as >8.2f.
func (f *bracesFormat) value(value any, text string) string {
	s := parseSpec(text)
	switch {
	case text == "":
		return str(value)
	case strings.IndexByte("eEfFgG%", s.kind) >= 0 && s.kind != 0 && isNumber(value):
		number, _ := asFloat(value)
		return f.formatFloat(s, number)
	}
	if number, ok := value.(float64); ok && s.kind == 0 {
		return f.formatFloat(s, number)
	}
	if number, ok := asBig(value); ok && (s.kind == 0 || strings.IndexByte("bdoxXn", s.kind) >= 0) {
		if s.precision >= 0 {
			throw(valueError, "Precision not allowed in integer format specifier")
		}
		return f.formatInt(s, number)
	}
	if s.kind != 0 && s.kind != 's' || isNumber(value) {
		throw(valueError, "Unknown format code '%c' for object of type %s", s.kind, repr(typeName(value)))
	}
	if _, isText := asText(value); !isText {
		throw(typeError, "unsupported format string passed to %s.__format__", typeName(value))
	}
	return f.formatText(s, str(value))
}

func parseSpec(text string) spec {
	s := spec{fill: " ", precision: -1}
	filled := true
	if _, size := utf8.DecodeRuneInString(text); len(text) > size && strings.IndexByte("<>^=", text[size]) >= 0 {
		s.fill, s.align, text = text[:size], text[size], text[size+1:]
	} else if text != "" && strings.IndexByte("<>^=", text[0]) >= 0 {
		s.align, text, filled = text[0], text[1:], false
	} else {
		filled = false
	}
	if text != "" && strings.IndexByte("+- ", text[0]) >= 0 {
		if text[0] != '-' {
			s.sign = text[0]
		}
		text = text[1:]
	}
	if rest, ok := strings.CutPrefix(text, "#"); ok {
		s.alternate, text = true, rest
	}
	if rest, ok := strings.CutPrefix(text, "0"); ok {
		text = rest
		if !filled {
			s.fill = "0"
		}
		if s.align == 0 {
			s.align = '='
		}
	}
	s.width = max(leadingNumber(&text), 0)
	if text != "" && (text[0] == ',' || text[0] == '_') {
		s.grouping, text = text[0], text[1:]
	}
	if rest, ok := strings.CutPrefix(text, "."); ok {
		text = rest
		if s.precision = leadingNumber(&text); s.precision < 0 {
			throw(valueError, "Format specifier missing precision")
		}
	}
	if len(text) > 1 {
		throw(valueError, "Invalid format specifier")
	}
	if text != "" {
		s.kind = text[0]
	}
	if s.grouping == ',' && s.kind != 0 && strings.IndexByte("boxXnsc", s.kind) >= 0 {
		throw(valueError, "Cannot specify ',' with '%c'.", s.kind)
	}
	return s
}
