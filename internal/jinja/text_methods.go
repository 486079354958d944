package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// textMethods are the methods of texts.
var textMethods map[string]func(r *renderer, s string, a *arguments) any

func init() {
	textMethods = map[string]func(r *renderer, s string, a *arguments) any{
		"strip": stripper(strings.TrimFunc), "lstrip": stripper(strings.TrimLeftFunc), "rstrip": stripper(strings.TrimRightFunc),
		"upper": mapper(upper), "lower": mapper(strings.ToLower), "title": mapper(title), "capitalize": mapper(capitalize),
		"swapcase": mapper(swapCase), "casefold": mapper(func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "ß", "ss") }),
		"split": split, "rsplit": rsplit, "splitlines": splitLines, "partition": partition, "rpartition": rpartition,
		"join": joinMethod, "replace": replaceMethod, "format": formatMethod,
		"startswith": affix(strings.HasPrefix), "endswith": affix(strings.HasSuffix),
		"removeprefix": remover(strings.TrimPrefix), "removesuffix": remover(strings.TrimSuffix),
		"find": finder(strings.Index, false), "rfind": finder(strings.LastIndex, false),
		"index": finder(strings.Index, true), "rindex": finder(strings.LastIndex, true), "count": countMethod,
		"center": padder(center), "ljust": padder(leftJustify), "rjust": padder(rightJustify), "zfill": zeroFill, "expandtabs": expandTabs,
		"isalpha": all(unicode.IsLetter), "isdigit": all(isDigit), "isdecimal": all(unicode.IsDigit), "isnumeric": all(unicode.IsNumber),
		"isalnum": all(func(c rune) bool { return unicode.IsLetter(c) || unicode.IsNumber(c) }), "isspace": all(isSpace),
		"isascii":     predicate(func(s string) bool { return strings.IndexFunc(s, func(c rune) bool { return c > 0x7f }) < 0 }),
		"isprintable": predicate(func(s string) bool { return strings.IndexFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }) < 0 }),
		"islower":     predicate(isLower), "isupper": predicate(isUpper), "istitle": predicate(func(s string) bool { return hasCase(s) && title(s) == s }),
		"isidentifier": predicate(isIdentifier),
	}
}

func stripper(trim func(string, func(rune) bool) string) func(*renderer, string, *arguments) any {
	return func(_ *renderer, s string, a *arguments) any {
		chars := a.bind(parameterList{may("chars", nil)})[0]
		return strip(s, chars, trim)
	}
}

// strip takes away characters at the ends: white space when chars is None.
func strip(s string, chars any, trim func(string, func(rune) bool) string) string {
	if chars == nil {
		return trim(s, isSpace)
	}
	cutset, ok := asText(chars)
	if !ok {
		throw(typeError, "strip arg must be None or str")
	}
	return trim(s, func(c rune) bool { return strings.ContainsRune(cutset, c) })
}

func mapper(change func(string) string) func(*renderer, string, *arguments) any {
	return func(r *renderer, s string, a *arguments) any {
		a.bind(nil)
		r.made(len(s))
		return change(s)
	}
}

// upper knows the one letter whose capital is two.
func upper(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "ß", "SS")) }

func capitalize(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return strings.ToTitle(s[:size]) + strings.ToLower(s[size:])
}

func title(s string) string {
	inside := false
	return strings.Map(func(c rune) rune {
		first := !inside
		inside = unicode.IsUpper(c) || unicode.IsLower(c) || unicode.IsTitle(c)
		if first {
			return unicode.ToTitle(c)
		}
		return unicode.ToLower(c)
	}, s)
}

func swapCase(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsUpper(c) {
			return unicode.ToLower(c)
		}
		return unicode.ToUpper(c)
	}, s)
}

func needText(value any) string {
	s, ok := asText(value)
	if !ok {
		need(value)
		throw(typeError, "must be str, not %s", typeName(value))
	}
	return s
}

func textList(parts []string) *List {
	list := &List{}
	for _, part := range parts {
		list.Items = append(list.Items, part)
	}
	return list
}

// splitArguments binds sep and maxsplit; n is -1 for no limit.
func splitArguments(r *renderer, s string, a *arguments) (separator string, blank bool, n int) {
	p := a.bind(parameterList{may("sep", nil), may("maxsplit", int64(-1))})
	limit, ok := asInt(p[1])
	if !ok {
		throw(typeError, "%s object cannot be interpreted as an integer", repr(typeName(p[1])))
	}
	r.spend(len(s))
	n = int(max(limit, -1))
	if p[0] == nil {
		return "", true, n
	}
	if separator = needText(p[0]); separator == "" {
		throw(valueError, "empty separator")
	}
	return separator, false, n
}

func split(r *renderer, s string, a *arguments) any {
	separator, blank, n := splitArguments(r, s, a)
	if !blank {
		if n >= 0 {
			n++ // Go counts parts, Python cuts
		}
		return textList(strings.SplitN(s, separator, n))
	}
	var parts []string
	for s = strings.TrimLeftFunc(s, isSpace); s != ""; s = strings.TrimLeftFunc(s, isSpace) {
		stop := strings.IndexFunc(s, isSpace)
		if stop < 0 || len(parts) == n {
			stop = len(s)
		}
		parts = append(parts, s[:stop])
		s = s[stop:]
	}
	return textList(parts)
}

func rsplit(r *renderer, s string, a *arguments) any {
	separator, blank, n := splitArguments(r, s, a)
	var reversed []string
	for n < 0 || len(reversed) < n {
		if blank {
			s = strings.TrimRightFunc(s, isSpace)
			if s == "" {
				break
			}
		}
		at, size := strings.LastIndex(s, separator), len(separator)
		if blank {
			at, size = strings.LastIndexFunc(s, isSpace), 0
			if at >= 0 {
				_, size = utf8.DecodeRuneInString(s[at:])
			}
		}
		if at < 0 {
			break
		}
		reversed = append(reversed, s[at+size:])
		s = s[:at]
	}
	if blank {
		s = strings.TrimRightFunc(s, isSpace)
	}
	if !blank || s != "" {
		reversed = append(reversed, s)
	}
	list := &List{}
	for i := len(reversed) - 1; i >= 0; i-- {
		list.Items = append(list.Items, reversed[i])
	}
	return list
}

func splitLines(r *renderer, s string, a *arguments) any {
	keep := truth(a.bind(parameterList{may("keepends", false)})[0])
	r.spend(len(s))
	return textList(lines(s, keep))
}

// lines cuts a text where Python sees lines end.
func lines(s string, keep bool) []string {
	var parts []string
	for s != "" {
		at := strings.IndexFunc(s, func(c rune) bool {
			return c >= '\n' && c <= '\r' || c >= 0x1c && c <= 0x1e || c == 0x85 || c == 0x2028 || c == 0x2029
		})
		if at < 0 {
			return append(parts, s)
		}
		_, size := utf8.DecodeRuneInString(s[at:])
		if strings.HasPrefix(s[at:], "\r\n") {
			size = 2
		}
		if keep {
			parts = append(parts, s[:at+size])
		} else {
			parts = append(parts, s[:at])
		}
		s = s[at+size:]
	}
	return parts
}

func partition(_ *renderer, s string, a *arguments) any {
	separator := partitionSeparator(a)
	if before, after, ok := strings.Cut(s, separator); ok {
		return Tuple{before, separator, after}
	}
	return Tuple{s, "", ""}
}

func rpartition(_ *renderer, s string, a *arguments) any {
	separator := partitionSeparator(a)
	if at := strings.LastIndex(s, separator); at >= 0 {
		return Tuple{s[:at], separator, s[at+len(separator):]}
	}
	return Tuple{"", "", s}
}

func partitionSeparator(a *arguments) string {
	separator := needText(a.bind(parameterList{{name: "sep"}})[0])
	if separator == "" {
		throw(valueError, "empty separator")
	}
	return separator
}

func joinMethod(r *renderer, s string, a *arguments) any {
	var parts []string
	size := 0
	iterated := a.bind(parameterList{{name: "iterable"}})[0]
	if !iterable(iterated) {
		throw(typeError, "can only join an iterable")
	}
	for i, item := range r.list(iterated) {
		part, ok := asText(item)
		if !ok {
			throw(typeError, "sequence item %d: expected str instance, %s found", i, typeName(item))
		}
		parts = append(parts, part)
		size += len(part) + len(s)
	}
	r.made(size)
	return strings.Join(parts, s)
}

func replaceMethod(r *renderer, s string, a *arguments) any {
	p := a.bind(parameterList{{name: "old"}, {name: "new"}, may("count", int64(-1))})
	old, with := needText(p[0]), needText(p[1])
	n, ok := asInt(p[2])
	if !ok {
		throw(typeError, "%s object cannot be interpreted as an integer", repr(typeName(p[2])))
	}
	return r.replace(s, old, with, n)
}

func (r *renderer) replace(s, old, with string, n int64) string {
	times := int64(strings.Count(s, old))
	if n >= 0 && n < times {
		times = n
	}
	r.made(len(s) + int(times)*len(with))
	return strings.Replace(s, old, with, int(times))
}

func formatMethod(r *renderer, s string, a *arguments) any {
	return (&bracesFormat{renderer: r, arguments: a}).format(s, 0)
}

func affix(has func(s, part string) bool) func(*renderer, string, *arguments) any {
	return func(_ *renderer, s string, a *arguments) any {
		p := a.bind(parameterList{{name: "prefix"}, may("start", nil), may("end", nil)})
		s, _, inside := window(s, p[1], p[2])
		parts, ok := p[0].(Tuple)
		if !ok {
			if _, isText := asText(p[0]); !isText {
				need(p[0])
				throw(typeError, "%s first arg must be str or a tuple of str, not %s", a.callee, typeName(p[0]))
			}
			parts = Tuple{p[0]}
		}
		for _, part := range parts {
			if has(s, needText(part)) && inside {
				return true
			}
		}
		return false
	}
}

func remover(trim func(s, part string) string) func(*renderer, string, *arguments) any {
	return func(_ *renderer, s string, a *arguments) any {
		return trim(s, needText(a.bind(parameterList{{name: "prefix"}})[0]))
	}
}

func finder(find func(s, part string) int, must bool) func(*renderer, string, *arguments) any {
	return func(_ *renderer, s string, a *arguments) any {
		p := a.bind(parameterList{{name: "sub"}, may("start", nil), may("end", nil)})
		part := needText(p[0])
		s, start, inside := window(s, p[1], p[2])
		at := find(s, part)
		if at >= 0 && inside {
			return start + int64(utf8.RuneCountInString(s[:at]))
		}
		if must {
			throw(valueError, "substring not found")
		}
		return int64(-1)
	}
}

func countMethod(_ *renderer, s string, a *arguments) any {
	p := a.bind(parameterList{{name: "sub"}, may("start", nil), may("end", nil)})
	part := needText(p[0])
	s, _, inside := window(s, p[1], p[2])
	if !inside {
		return int64(0)
	}
	return int64(strings.Count(s, part))
}

// window is the part of a text from start to stop, with the index that it begins at; inside is false where not even an empty text lies between them.
func window(s string, start, stop any) (part string, first int64, inside bool) {
	runes := []rune(s)
	n := int64(len(runes))
	first, last, _ := (&slice{[3]any{start, stop, nil}}).resolve(n)
	if first > last || start != nil && sliceBound(start) > n {
		return "", first, false
	}
	return string(runes[first:last]), first, true
}

func padder(pad func(s, fill string, missing, width int) string) func(*renderer, string, *arguments) any {
	return func(r *renderer, s string, a *arguments) any {
		p := a.bind(parameterList{{name: "width"}, may("fillchar", " ")})
		return r.padded(s, p[0], p[1], pad)
	}
}

func (r *renderer) padded(s string, width, fill any, pad func(s, fill string, missing, width int) string) string {
	n, ok := asInt(width)
	if !ok {
		need(width)
		throw(typeError, "%s object cannot be interpreted as an integer", repr(typeName(width)))
	}
	char := needText(fill)
	if utf8.RuneCountInString(char) != 1 {
		throw(typeError, "The fill character must be exactly one character long")
	}
	missing := n - int64(utf8.RuneCountInString(s))
	if missing <= 0 {
		return s
	}
	r.made(int(min(n, maxOutput+1)) * len(char))
	return pad(s, char, int(missing), int(n))
}

func center(s, fill string, missing, width int) string {
	left := missing/2 + missing&width&1
	return strings.Repeat(fill, left) + s + strings.Repeat(fill, missing-left)
}

func leftJustify(s, fill string, missing, _ int) string { return s + strings.Repeat(fill, missing) }

func rightJustify(s, fill string, missing, _ int) string { return strings.Repeat(fill, missing) + s }

func zeroFill(r *renderer, s string, a *arguments) any {
	width := a.bind(parameterList{{name: "width"}})[0]
	return r.padded(s, width, "0", func(s, fill string, missing, _ int) string {
		if s != "" && (s[0] == '-' || s[0] == '+') {
			return s[:1] + strings.Repeat(fill, missing) + s[1:]
		}
		return strings.Repeat(fill, missing) + s
	})
}

func expandTabs(r *renderer, s string, a *arguments) any {
	size, ok := asInt(a.bind(parameterList{may("tabsize", int64(8))})[0])
	if !ok || size > maxWidth {
		throw(typeError, "tabsize must be a small integer")
	}
	r.made(len(s) + strings.Count(s, "\t")*int(max(size, 0)))
	var out strings.Builder
	column := int64(0)
	for _, c := range s {
		switch c {
		case '\t':
			if size > 0 {
				out.WriteString(strings.Repeat(" ", int(size-column%size)))
				column += size - column%size
			}
			continue
		case '\n', '\r':
			column = -1
		}
		out.WriteRune(c)
		column++
	}
	return out.String()
}

func predicate(holds func(string) bool) func(*renderer, string, *arguments) any {
	return func(_ *renderer, s string, a *arguments) any {
		a.bind(nil)
		return holds(s)
	}
}

func all(holds func(rune) bool) func(*renderer, string, *arguments) any {
	return predicate(func(s string) bool {
		return s != "" && strings.IndexFunc(s, func(c rune) bool { return !holds(c) }) < 0
	})
}

// isDigit holds for the digits of numbers and for those that stand above or below the line.
func isDigit(c rune) bool {
	return unicode.IsDigit(c) || strings.ContainsRune("²³¹", c) || c == 0x2070 || c >= 0x2074 && c <= 0x2079 || c >= 0x2080 && c <= 0x2089
}

func hasCase(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return unicode.IsUpper(c) || unicode.IsLower(c) }) >= 0
}

func isLower(s string) bool { return hasCase(s) && strings.ToLower(s) == s }

func isUpper(s string) bool { return hasCase(s) && strings.IndexFunc(s, unicode.IsLower) < 0 }

func isIdentifier(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	return s != "" && (first == '_' || unicode.IsLetter(first)) && strings.IndexFunc(s, func(c rune) bool { return !isWord(c) }) < 0
}
