package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lexer cuts a template into tokens.
type lexer struct {
	source       string
	pos          int
	line         int
	tokens       []token
	lineStarting bool     // what was read last ended with a line feed
	open         []string // closing brackets that are awaited inside a tag
}

func lex(source string) []token {
	source = strings.ReplaceAll(strings.ReplaceAll(source, "\r\n", "\n"), "\r", "\n")
	source = strings.TrimSuffix(source, "\n")
	l := &lexer{source: source, line: 1, lineStarting: true}
	for l.pos < len(l.source) {
		l.root()
	}
	l.emit(token{kind: end})
	return l.tokens
}

func (l *lexer) emit(t token) {
	t.line = l.line
	l.tokens = append(l.tokens, t)
}

// advance moves past n bytes, counting lines.
func (l *lexer) advance(n int) {
	l.line += strings.Count(l.source[l.pos:l.pos+n], "\n")
	l.pos += n
}

func (l *lexer) rest() string { return l.source[l.pos:] }

// root reads text up to the next tag, and the tag.
func (l *lexer) root() {
	rest := l.rest()
	at := -1
	for i := 0; i+1 < len(rest); i++ {
		if rest[i] == '{' && strings.IndexByte("%{#", rest[i+1]) >= 0 {
			at = i
			break
		}
	}
	if at < 0 {
		l.text(rest)
		l.advance(len(rest))
		return
	}
	opening := rest[at : at+2]
	sign := ""
	if at+2 < len(rest) && (rest[at+2] == '-' || rest[at+2] == '+') {
		sign = rest[at+2 : at+3]
	}
	l.text(l.strip(rest[:at], sign, opening != "{{"))
	l.advance(at)
	if opening == "{%" {
		if length := rawBegin(l.rest()); length > 0 {
			l.advance(length)
			l.lineStarting = strings.HasSuffix(l.source[:l.pos], "\n")
			l.raw()
			return
		}
	}
	l.lineStarting = false
	switch opening {
	case "{#":
		l.advance(2 + len(sign))
		l.comment()
	case "{{":
		l.emit(token{kind: variableBegin})
		l.advance(2 + len(sign))
		l.tag("}}", variableEnd)
	default:
		l.emit(token{kind: blockBegin})
		l.advance(2 + len(sign))
		l.tag("%}", blockEnd)
	}
}

func (l *lexer) text(s string) {
	if s != "" {
		l.emit(token{kind: data, text: s})
	}
}

// strip takes away white space before a tag: all of it for a minus, the blanks of the tag's line for a block without sign.
func (l *lexer) strip(s, sign string, block bool) string {
	if sign == "-" {
		return strings.TrimRightFunc(s, isSpace)
	}
	if sign == "+" || !block {
		return s
	}
	start := strings.LastIndexByte(s, '\n') + 1
	if (start > 0 || l.lineStarting) && strings.TrimFunc(s[start:], isSpace) == "" {
		return s[:start]
	}
	return s
}

// rawBegin gives the length of a {% raw %} at the beginning of s, 0 when there is none.
func rawBegin(s string) int {
	rest := strings.TrimPrefix(s, "{%")
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		rest = rest[1:]
	}
	rest = strings.TrimLeftFunc(rest, isSpace)
	word, found := strings.CutPrefix(rest, "raw")
	if !found {
		return 0
	}
	rest = strings.TrimLeftFunc(word, isSpace)
	switch {
	case strings.HasPrefix(rest, "-%}"):
		rest = strings.TrimLeftFunc(rest[3:], isSpace)
	case strings.HasPrefix(rest, "%}"):
		rest = rest[2:]
	default:
		return 0
	}
	return len(s) - len(rest)
}

func (l *lexer) raw() {
	rest := l.rest()
	for at := 0; ; at++ {
		next := strings.Index(rest[at:], "{%")
		if next < 0 {
			throwAt(l.line, syntaxError, "Missing end of raw directive")
		}
		at += next
		tag := rest[at+2:]
		sign := ""
		if tag != "" && (tag[0] == '-' || tag[0] == '+') {
			sign, tag = tag[:1], tag[1:]
		}
		word, found := strings.CutPrefix(strings.TrimLeftFunc(tag, isSpace), "endraw")
		if !found {
			continue
		}
		tag = strings.TrimLeftFunc(word, isSpace)
		length := blockEnding(tag, "%}", true)
		if length == 0 {
			continue
		}
		l.text(l.strip(rest[:at], sign, true))
		l.advance(len(rest) - len(tag) + length)
		l.lineStarting = l.source[l.pos-1] == '\n'
		return
	}
}

// blockEnding gives the length of a closing tag at the beginning of s with the white space that it swallows, 0 when there is none.
func blockEnding(s, closing string, trim bool) int {
	switch {
	case strings.HasPrefix(s, "+"+closing) && trim:
		return 1 + len(closing)
	case strings.HasPrefix(s, "-"+closing):
		return len(s) - len(strings.TrimLeftFunc(s[1+len(closing):], isSpace))
	case strings.HasPrefix(s, closing):
		if trim && strings.HasPrefix(s[len(closing):], "\n") {
			return len(closing) + 1
		}
		return len(closing)
	}
	return 0
}

func (l *lexer) comment() {
	rest := l.rest()
	for at := range len(rest) {
		if length := blockEnding(rest[at:], "#}", true); length > 0 {
			l.advance(at + length)
			l.lineStarting = l.source[l.pos-1] == '\n'
			return
		}
	}
	throwAt(l.line, syntaxError, "Missing end of comment tag")
}

// tag reads the inside of a tag up to its end.
func (l *lexer) tag(closing string, kind kind) {
	l.open = l.open[:0]
	for l.pos < len(l.source) {
		if len(l.open) == 0 {
			if length := blockEnding(l.rest(), closing, closing == "%}"); length > 0 {
				l.emit(token{kind: kind})
				l.advance(length)
				l.lineStarting = l.source[l.pos-1] == '\n'
				return
			}
		}
		l.inside()
	}
}

// inside reads one token inside a tag.
func (l *lexer) inside() {
	rest := l.rest()
	first, size := utf8.DecodeRuneInString(rest)
	switch {
	case isSpace(first):
		l.advance(size)
	case first >= '0' && first <= '9':
		length := numberLength(rest, l.pos > 0 && l.source[l.pos-1] == '.')
		l.tokens = append(l.tokens, numberToken(rest[:length], l.line))
		l.advance(length)
	case isWord(first):
		length := strings.IndexFunc(rest, func(r rune) bool { return !isWord(r) })
		if length < 0 {
			length = len(rest)
		}
		if !unicode.IsLetter(first) && first != '_' {
			throwAt(l.line, syntaxError, "Invalid character in identifier")
		}
		l.emit(token{kind: name, text: rest[:length]})
		l.advance(length)
	case first == '\'' || first == '"':
		length := stringLength(rest)
		if length == 0 {
			throwAt(l.line, syntaxError, "unexpected char %s at %d", repr(string(first)), utf8.RuneCountInString(l.source[:l.pos]))
		}
		l.emit(token{kind: text, text: unescape(rest[1:length-1], l.line)})
		l.advance(length)
	default:
		l.operator(rest, first)
	}
}

func (l *lexer) operator(rest string, first rune) {
	length := 1
	if len(rest) > 1 {
		switch rest[:2] {
		case "//", "**", "==", "!=", ">=", "<=":
			length = 2
		}
	}
	if length == 1 && !strings.ContainsRune("+-*/%~[](){}><=.:|,;", first) {
		throwAt(l.line, syntaxError, "unexpected char %s at %d", repr(string(first)), utf8.RuneCountInString(l.source[:l.pos]))
	}
	sign := rest[:length]
	switch sign {
	case "{":
		l.open = append(l.open, "}")
	case "(":
		l.open = append(l.open, ")")
	case "[":
		l.open = append(l.open, "]")
	case "}", ")", "]":
		if len(l.open) == 0 {
			throwAt(l.line, syntaxError, "unexpected '%s'", sign)
		}
		if expected := l.open[len(l.open)-1]; expected != sign {
			throwAt(l.line, syntaxError, "unexpected '%s', expected '%s'", sign, expected)
		}
		l.open = l.open[:len(l.open)-1]
	}
	l.emit(token{kind: operator, text: sign})
	l.advance(length)
}

// stringLength gives the length of a string literal with its quotes, 0 when it does not end.
func stringLength(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return 0
}

// digitsLength gives the length of digits of a base, single underscores between them allowed.
func digitsLength(s, digits string) int {
	i := 0
	for i < len(s) && (strings.IndexByte(digits, s[i]) >= 0 ||
		s[i] == '_' && i > 0 && i+1 < len(s) && strings.IndexByte(digits, s[i+1]) >= 0) {
		i++
	}
	return i
}

// numberLength gives the length of a number. After a dot there are whole numbers only: x.1.2 takes an item of an item.
func numberLength(s string, afterDot bool) int {
	const decimal = "0123456789"
	if len(s) > 2 && s[0] == '0' {
		for prefix, digits := range map[string]string{"xX": decimal + "abcdefABCDEF", "oO": "01234567", "bB": "01"} {
			if strings.IndexByte(prefix, s[1]) >= 0 {
				if length := digitsLength(s[2:], digits); length > 0 {
					return 2 + length
				}
			}
		}
	}
	whole := digitsLength(s, decimal)
	if length := floatLength(s, whole); length > whole && !afterDot {
		return length
	}
	if s[0] == '0' {
		return digitsLength(s, "0")
	}
	return whole
}

func floatLength(s string, whole int) int {
	const decimal = "0123456789"
	length := whole
	if length < len(s) && s[length] == '.' {
		if fraction := digitsLength(s[length+1:], decimal); fraction > 0 {
			length += 1 + fraction
		}
	}
	if length < len(s) && (s[length] == 'e' || s[length] == 'E') {
		sign := 0
		if length+1 < len(s) && (s[length+1] == '+' || s[length+1] == '-') {
			sign = 1
		}
		if exponent := digitsLength(s[length+1+sign:], decimal); exponent > 0 {
			length += 1 + sign + exponent
		}
	}
	return length
}

func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)
}

// isSpace is Python's str.isspace: the four separators of ASCII count, too.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }
