package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// spec is how one value is formatted: by the % operator, or by str.format.
type spec struct {
	fill      string
	align     byte // < > ^ =, 0 for the type's own
	sign      byte // + or blank; 0 for negative numbers only
	alternate bool
	grouping  byte // , or _
	width     int
	precision int // -1 when absent
	kind      byte
}

const maxWidth = 1 << 20 // of a formatted value, and of its precision

func (r *renderer) pad(s spec, text string, align byte) string {
	if s.align != 0 {
		align = s.align
	}
	if s.width > maxWidth || s.precision > maxWidth {
		throw(limitError, "a value is formatted wider than %d", maxWidth)
	}
	missing := s.width - utf8.RuneCountInString(text)
	if missing <= 0 {
		return text
	}
	r.made(s.width * utf8.UTFMax)
	switch align {
	case '<':
		return text + strings.Repeat(s.fill, missing)
	case '^':
		return strings.Repeat(s.fill, missing/2) + text + strings.Repeat(s.fill, missing-missing/2)
	case '=':
		digits := strings.TrimLeft(text, "+- ")
		return text[:len(text)-len(digits)] + strings.Repeat(s.fill, missing) + digits
	}
	return strings.Repeat(s.fill, missing) + text
}

// signed puts the sign that the spec asks for before the digits of a number.
func (s spec) signed(negative bool, digits string) string {
	switch {
	case negative:
		return "-" + digits
	case s.sign != 0:
		return string(s.sign) + digits
	}
	return digits
}

func (r *renderer) formatInt(s spec, n *big.Int) string {
	base, prefix := 10, ""
	switch s.kind {
	case 'b':
		base, prefix = 2, "0b"
	case 'o':
		base, prefix = 8, "0o"
	case 'x', 'X':
		base, prefix = 16, "0x"
	}
	digits := new(big.Int).Abs(n).Text(base)
	if missing := s.precision - len(digits); missing > 0 && s.precision <= maxWidth {
		digits = strings.Repeat("0", missing) + digits
	}
	if s.grouping != 0 {
		size := 3
		if base != 10 {
			size = 4
		}
		digits = group(digits, s.grouping, size)
	}
	if s.alternate {
		digits = prefix + digits
	}
	if s.kind == 'X' {
		digits = strings.ToUpper(digits)
	}
	return r.pad(s, s.signed(n.Sign() < 0, digits), '>')
}

func group(digits string, separator byte, size int) string {
	for i := len(digits) - size; i > 0; i -= size {
		digits = digits[:i] + string(separator) + digits[i:]
	}
	return digits
}

func (r *renderer) formatFloat(s spec, f float64) string {
	if s.precision > maxWidth {
		throw(limitError, "a value is formatted wider than %d", maxWidth)
	}
	precision, kind, suffix := s.precision, s.kind, ""
	if precision < 0 {
		precision = 6
	}
	if kind == '%' {
		f, kind, suffix = f*100, 'f', "%"
	}
	var digits string
	switch kind {
	case 'e', 'E', 'f', 'F':
		digits = strconv.FormatFloat(math.Abs(f), kind|0x20, precision, 64)
	case 'g', 'G':
		digits = strconv.FormatFloat(math.Abs(f), 'g', max(precision, 1), 64)
	default:
		digits = floatRepr(math.Abs(f))
		if s.precision >= 0 {
			digits = strconv.FormatFloat(math.Abs(f), 'g', max(precision, 1), 64)
			if !strings.ContainsAny(digits, ".en") {
				digits += ".0"
			}
		}
	}
	digits = strings.ToLower(strings.TrimPrefix(digits, "+"))
	if kind == 'E' || kind == 'F' || kind == 'G' {
		digits = strings.ToUpper(digits)
	}
	if s.grouping != 0 {
		whole, rest, point := strings.Cut(digits, ".")
		digits = group(whole, s.grouping, 3)
		if point {
			digits += "." + rest
		}
	}
	return r.pad(s, s.signed(math.Signbit(f) && !math.IsNaN(f), digits)+suffix, '>')
}

func (r *renderer) formatText(s spec, text string) string {
	if runes := []rune(text); s.precision >= 0 && s.precision < len(runes) {
		text = string(runes[:s.precision])
	}
	return r.pad(s, text, '<')
}

// percent is the % operator of a text; in a safe one the texts that are put in are escaped.
func (r *renderer) percent(format string, value any, safe bool) string {
	p := &percentFormat{renderer: r, rest: format, values: []any{value}, mapping: value, safe: safe}
	if t, ok := value.(Tuple); ok {
		p.values = t
	}
	for {
		at := strings.IndexByte(p.rest, '%')
		if at < 0 {
			break
		}
		p.out.WriteString(p.rest[:at])
		p.rest = p.rest[at+1:]
		p.one()
		r.made(p.out.Len())
	}
	if mapping := isType[*Dict](value) || isType[*List](value) || isType[*Undefined](value); p.used < len(p.values) && !mapping {
		throw(typeError, "not all arguments converted during string formatting")
	}
	return p.out.String() + p.rest
}

type percentFormat struct {
	*renderer
	out     strings.Builder
	rest    string
	values  []any
	used    int
	mapping any
	safe    bool
}

func (p *percentFormat) next() any {
	if p.used >= len(p.values) {
		throw(typeError, "not enough arguments for format string")
	}
	p.used++
	return p.values[p.used-1]
}

// one formats one placeholder, whose percent sign was read.
func (p *percentFormat) one() {
	s := spec{fill: " ", precision: -1}
	take := p.next
	if strings.HasPrefix(p.rest, "(") {
		name, rest, ok := strings.Cut(p.rest[1:], ")")
		d, isDict := p.mapping.(*Dict)
		if !ok {
			throw(valueError, "incomplete format key")
		}
		if !isDict {
			throw(typeError, "format requires a mapping")
		}
		p.rest = rest
		take = func() any {
			value, ok := d.Get(name)
			if !ok {
				throw("KeyError", "%s", repr(name))
			}
			return value
		}
	}
	for ; p.rest != "" && strings.IndexByte("#0- +", p.rest[0]) >= 0; p.rest = p.rest[1:] {
		switch c := p.rest[0]; c {
		case '-':
			s.align = '<'
		case '0':
			if s.align == 0 {
				s.align, s.fill = '=', "0"
			}
		case '#':
			s.alternate = true
		case '+':
			s.sign = c
		case ' ':
			if s.sign == 0 {
				s.sign = c
			}
		}
	}
	if s.align == '<' {
		s.fill = " "
	}
	s.width = max(p.number(), 0)
	if strings.HasPrefix(p.rest, ".") {
		p.rest = p.rest[1:]
		s.precision = max(p.number(), 0)
	}
	if p.rest == "" {
		throw(valueError, "incomplete format")
	}
	s.kind, p.rest = p.rest[0], p.rest[1:]
	if s.kind == '%' {
		p.out.WriteString("%")
		return
	}
	p.out.WriteString(p.value(s, take()))
}

// number reads a width or a precision, -1 when there is none; a star takes it from the values.
func (p *percentFormat) number() int {
	if strings.HasPrefix(p.rest, "*") {
		p.rest = p.rest[1:]
		n, ok := asInt(p.next())
		if !ok {
			throw(typeError, "* wants int")
		}
		return int(max(min(n, maxWidth+1), -1))
	}
	return leadingNumber(&p.rest)
}

func leadingNumber(s *string) int {
	length := 0
	for length < len(*s) && (*s)[length] >= '0' && (*s)[length] <= '9' {
		length++
	}
	if length == 0 {
		return -1
	}
	n, err := strconv.Atoi((*s)[:length])
	if err != nil {
		n = maxWidth + 1
	}
	*s = (*s)[length:]
	return n
}

func (p *percentFormat) value(s spec, value any) string {
	switch s.kind {
	case 's', 'r', 'a':
		text := str(value)
		if s.kind != 's' {
			text = repr(value)
		}
		if _, escaped := value.(Markup); p.safe && (!escaped || s.kind != 's') {
			text = string(escape(text))
		}
		if s.align == '=' {
			s.align, s.fill = 0, " "
		}
		if s.align == 0 {
			s.align = '>'
		}
		return p.formatText(s, text)
	case 'd', 'i', 'u', 'o', 'x', 'X':
		need(value)
		if f, isFloat := value.(float64); isFloat && strings.IndexByte("diu", s.kind) >= 0 {
			value = truncated(f)
		}
		n, ok := asBig(value)
		if wanted := map[bool]string{true: "a real number", false: "an integer"}[strings.IndexByte("diu", s.kind) >= 0]; !ok {
			throw(typeError, "%%%c format: %s is required, not %s", s.kind, wanted, typeName(value))
		}
		return p.formatInt(s, n)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		need(value)
		f, ok := asFloat(value)
		if !ok {
			throw(typeError, "must be real number, not %s", typeName(value))
		}
		return p.formatFloat(s, f)
	case 'c':
		if n, ok := asInt(value); ok && n >= 0 && n <= utf8.MaxRune {
			return p.formatText(s, string(rune(n)))
		}
		if c, ok := asText(value); ok && utf8.RuneCountInString(c) == 1 {
			return p.formatText(s, c)
		}
		throw(typeError, "%%c requires int or char")
	}
	throw(valueError, "unsupported format character '%c' (0x%x)", s.kind, s.kind)
	return ""
}

// truncated is Python's int() of a float.
func truncated(f float64) any {
	switch {
	case math.IsNaN(f):
		throw(valueError, "cannot convert float NaN to integer")
	case math.IsInf(f, 0):
		throw(overflowError, "cannot convert float infinity to integer")
	}
	n, _ := big.NewFloat(math.Trunc(f)).Int(nil)
	return normalInt(n)
}
