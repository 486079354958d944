package jinja

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Kinds of tokens. Operators are tokens of kind operator whose text is the operator.
type kind int

const (
	end kind = iota
	data
	variableBegin
	variableEnd
	blockBegin
	blockEnd
	name
	text // a string literal, unescaped
	integer
	float
	operator
)

type token struct {
	kind  kind
	text  string
	value any // of a number
	line  int
}

// is reports whether the token is this operator or this name.
func (t token) is(word string) bool {
	return (t.kind == operator || t.kind == name) && t.text == word
}

// String describes the token in the words of Jinja2's messages.
func (t token) String() string {
	switch t.kind {
	case end:
		return "end of template"
	case data:
		return "template data / text"
	case variableBegin:
		return "begin of print statement"
	case variableEnd:
		return "end of print statement"
	case blockBegin:
		return "begin of statement block"
	case blockEnd:
		return "end of statement block"
	case integer:
		return "integer"
	case float:
		return "float"
	case text:
		return "string"
	default:
		return t.text
	}
}

func numberToken(source string, line int) token {
	digits := strings.ReplaceAll(source, "_", "")
	hex := strings.HasPrefix(strings.ToLower(digits), "0x")
	if !hex && strings.ContainsAny(digits, ".eE") {
		value, err := strconv.ParseFloat(digits, 64)
		if err != nil && value == 0 {
			throwAt(line, syntaxError, "invalid number %s", source)
		}
		return token{kind: float, text: source, value: value, line: line}
	}
	base := 10
	if len(digits) > 1 && digits[0] == '0' && strings.ContainsAny(digits[1:2], "xXoObB") {
		base = 0
	}
	value, ok := new(big.Int).SetString(digits, base)
	if !ok {
		throwAt(line, syntaxError, "invalid number %s", source)
	}
	return token{kind: integer, text: source, value: normalInt(value), line: line}
}

// unescape resolves the backslash sequences of a string literal as Python's unicode-escape does.
func unescape(s string, line int) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			out.WriteByte(s[i])
			i++
			continue
		}
		plain, ok := simpleEscapes[s[i+1]]
		switch c := s[i+1]; {
		case c == 'N':
			throwAt(line, syntaxError, `malformed \N character escape`)
		case ok:
			out.WriteString(plain)
			i += 2
		case c == 'x' || c == 'u' || c == 'U':
			length := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
			out.WriteRune(hexRune(s, i, length, line))
			i += 2 + length
		case c >= '0' && c <= '7':
			stop := i + 1
			for stop < len(s) && stop < i+4 && s[stop] >= '0' && s[stop] <= '7' {
				stop++
			}
			code, _ := strconv.ParseUint(s[i+1:stop], 8, 32) // three octal digits fit
			out.WriteRune(rune(code))
			i = stop
		default:
			out.WriteByte('\\')
			i++
		}
	}
	return out.String()
}

var simpleEscapes = map[byte]string{
	'n': "\n", 't': "\t", 'r': "\r", 'a': "\a", 'b': "\b", 'f': "\f", 'v': "\v", '\\': `\`, '\'': "'", '"': `"`, '\n': "",
}

func hexRune(s string, at, length, line int) rune {
	start := at + 2
	if start+length <= len(s) {
		if code, err := strconv.ParseUint(s[start:start+length], 16, 32); err == nil && code <= 0x10ffff {
			return rune(code)
		}
	}
	throwAt(line, syntaxError, "%s", fmt.Sprintf(`truncated \%c%s escape`, s[at+1], strings.Repeat("X", length)))
	return 0
}
