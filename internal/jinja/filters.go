package jinja

import (
	"net/url"
	"strings"
)

// builtin is a filter with the name that its error messages have.
type builtin struct {
	callee string
	run    func(r *renderer, value any, a *arguments) any
}

// filters holds all filters by name.
var filters map[string]builtin

func init() {
	filters = map[string]builtin{
		"abs": {"abs", abs}, "attr": {"do_attr", attr}, "batch": {"do_batch", batch}, "capitalize": {"do_capitalize", textFilter(capitalize)},
		"center": {"do_center", centerFilter}, "count": {"len", lengthFilter}, "d": {"do_default", defaultFilter},
		"default": {"do_default", defaultFilter}, "dictsort": {"do_dictsort", dictSort}, "e": {"escape", escapeFilter},
		"escape": {"escape", escapeFilter}, "filesizeformat": {"do_filesizeformat", fileSize}, "first": {"do_first", first},
		"float": {"do_float", floatFilter}, "forceescape": {"do_forceescape", forceEscape}, "format": {"do_format", formatFilter},
		"groupby": {"do_groupby", groupBy}, "indent": {"do_indent", indent}, "int": {"do_int", intFilter}, "items": {"do_items", itemsFilter},
		"join": {"do_join", joinFilter}, "last": {"do_last", last}, "length": {"len", lengthFilter}, "list": {"do_list", listFilter},
		"lower": {"do_lower", textFilter(strings.ToLower)}, "map": {"do_map", mapFilter}, "max": {"do_max", extreme(">")},
		"min": {"do_min", extreme("<")}, "reject": {"do_reject", chooser(false, false)}, "rejectattr": {"do_rejectattr", chooser(true, false)},
		"replace": {"do_replace", replaceFilter}, "reverse": {"do_reverse", reverse}, "round": {"do_round", round}, "safe": {"do_mark_safe", safe},
		"select": {"do_select", chooser(false, true)}, "selectattr": {"do_selectattr", chooser(true, true)}, "slice": {"do_slice", sliceFilter},
		"sort": {"do_sort", sortFilter}, "string": {"soft_str", stringFilter}, "striptags": {"do_striptags", stripTags}, "sum": {"do_sum", sum},
		"title": {"do_title", textFilter(titleFilter)}, "tojson": {"tojson", tojson}, "trim": {"do_trim", trimFilter},
		"truncate": {"do_truncate", truncate}, "unique": {"do_unique", unique}, "upper": {"do_upper", textFilter(upper)},
		"urlencode": {"do_urlencode", urlEncode}, "wordcount": {"do_wordcount", wordCount}, "wordwrap": {"do_wordwrap", wordWrap},
	}
}

const filterArgumentError = "FilterArgumentError"

func textFilter(change func(string) string) func(*renderer, any, *arguments) any {
	return func(r *renderer, value any, a *arguments) any {
		a.bind(nil)
		s := str(value)
		r.made(len(s))
		return change(s)
	}
}

// titleFilter begins each word with a capital, words beginning after blanks, hyphens and opening brackets only.
func titleFilter(s string) string {
	var out strings.Builder
	beginning := true
	for _, c := range s {
		switch {
		case strings.ContainsRune("-({[<", c) || isSpace(c):
			beginning = true
			out.WriteRune(c)
		case beginning:
			beginning = false
			out.WriteString(upper(string(c)))
		default:
			out.WriteString(strings.ToLower(string(c)))
		}
	}
	return out.String()
}

func centerFilter(r *renderer, value any, a *arguments) any {
	return r.padded(str(value), a.bind(parameterList{may("width", int64(80))})[0], " ", center)
}

func defaultFilter(r *renderer, value any, a *arguments) any {
	p := a.bind(parameterList{may("default_value", ""), may("boolean", false)})
	if _, ok := value.(*Undefined); ok || truth(p[1]) && !truth(value) {
		return p[0]
	}
	return value
}

func escapeFilter(r *renderer, value any, a *arguments) any {
	a.bind(nil)
	escaped := escape(value)
	r.made(len(escaped))
	return escaped
}

func forceEscape(r *renderer, value any, a *arguments) any { return escapeFilter(r, str(value), a) }

func safe(_ *renderer, value any, a *arguments) any {
	a.bind(nil)
	return Markup(str(value))
}

func stringFilter(_ *renderer, value any, a *arguments) any {
	a.bind(nil)
	if m, ok := value.(Markup); ok {
		return m
	}
	return str(value)
}

func formatFilter(r *renderer, value any, a *arguments) any {
	if len(a.values) > 0 && len(a.named) > 0 {
		throw(filterArgumentError, "can't handle positional and keyword arguments at the same time")
	}
	if len(a.named) > 0 {
		d := NewDict()
		for _, n := range a.named {
			d.Set(n.name, n.value)
		}
		return r.percent(str(value), d, false)
	}
	return r.percent(str(value), Tuple(a.values), false)
}

func indent(r *renderer, value any, a *arguments) any {
	p := a.bind(parameterList{may("width", int64(4)), may("first", false), may("blank", false)})
	margin, isText := asText(p[0])
	if !isText {
		n, ok := asInt(p[0])
		if !ok {
			throw(typeError, "can't multiply sequence by non-int of type %s", repr(typeName(p[0])))
		}
		r.made(int(n))
		margin = strings.Repeat(" ", int(max(n, 0)))
	}
	s, isText := asText(value)
	if !isText {
		need(value)
		throw(typeError, "unsupported operand type(s) for +=: %s and 'str'", repr(typeName(value)))
	}
	r.made(len(s) + len(margin)*(strings.Count(s, "\n")+1))
	// A line feed is added and taken off again so that a text's last, empty line counts.
	parts := lines(s+"\n", false)
	for i := range parts {
		if i > 0 && (truth(p[2]) || parts[i] != "") || i == 0 && truth(p[1]) {
			parts[i] = margin + parts[i]
		}
	}
	return strings.Join(parts, "\n")
}

func trimFilter(_ *renderer, value any, a *arguments) any {
	return strip(str(value), a.bind(parameterList{may("chars", nil)})[0], strings.TrimFunc)
}

func replaceFilter(r *renderer, value any, a *arguments) any {
	p := a.bind(parameterList{{name: "old"}, {name: "new"}, may("count", nil)})
	n := int64(-1)
	if p[2] != nil {
		var ok bool
		if n, ok = asInt(p[2]); !ok {
			throw(typeError, "%s object cannot be interpreted as an integer", repr(typeName(p[2])))
		}
	}
	return r.replace(str(value), str(p[0]), str(p[1]), n)
}

func stripTags(_ *renderer, value any, a *arguments) any {
	a.bind(nil)
	s := str(value)
	s = cutBetween(cutBetween(s, "<!--", "-->"), "<", ">")
	unescaped := strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#39;", "'", "&#34;", `"`, "&quot;", `"`, "&amp;", "&")
	return unescaped.Replace(strings.Join(strings.FieldsFunc(s, isSpace), " "))
}

func cutBetween(s, opening, closing string) string {
	var out strings.Builder
	for {
		before, after, ok := strings.Cut(s, opening)
		_, rest, closed := strings.Cut(after, closing)
		if !ok || !closed {
			return out.String() + s
		}
		out.WriteString(before)
		s = rest
	}
}

func truncate(_ *renderer, value any, a *arguments) any {
	p := a.bind(parameterList{may("length", int64(255)), may("killwords", false), may("end", "..."), may("leeway", nil)})
	if p[3] == nil {
		p[3] = int64(5)
	}
	length, ok := asInt(p[0])
	leeway, leewayOK := asInt(p[3])
	if !ok || !leewayOK {
		throw(typeError, "truncate takes whole numbers")
	}
	ending := str(p[2])
	endLength := int64(len([]rune(ending)))
	if length < endLength {
		throw("AssertionError", "expected length >= %d, got %d", endLength, length)
	}
	if leeway < 0 {
		throw("AssertionError", "expected leeway >= 0, got %d", leeway)
	}
	if n, ok := count(value); !ok {
		throw(typeError, "object of type %s has no len()", repr(typeName(value)))
	} else if int64(n) <= length+leeway {
		return value
	}
	runes := []rune(needText(value))
	kept := string(runes[:length-endLength])
	if !truth(p[1]) {
		if at := strings.LastIndex(kept, " "); at >= 0 {
			kept = kept[:at]
		}
	}
	return kept + ending
}

func urlEncode(r *renderer, value any, a *arguments) any {
	a.bind(nil)
	quote := func(value any, slash bool) string {
		s := strings.ReplaceAll(url.QueryEscape(str(value)), "+", "%20")
		if slash {
			s = strings.ReplaceAll(s, "%2F", "/")
			return s
		}
		return strings.ReplaceAll(s, "%20", "+")
	}
	if _, isText := asText(value); isText || !iterable(value) {
		return quote(value, true)
	}
	if d, ok := value.(*Dict); ok {
		value = &List{d.pairs()}
	}
	var parts []string
	for _, item := range r.list(value) {
		pair := r.list(item)
		if len(pair) != 2 {
			throw(valueError, "a query is made of pairs, not of %d values", len(pair))
		}
		parts = append(parts, quote(pair[0], false)+"="+quote(pair[1], false))
	}
	return strings.Join(parts, "&")
}

func wordCount(_ *renderer, value any, a *arguments) any {
	a.bind(nil)
	return int64(len(strings.FieldsFunc(str(value), func(c rune) bool { return !isWord(c) })))
}

func wordWrap(r *renderer, value any, a *arguments) any {
	p := a.bind(parameterList{may("width", int64(79)), may("break_long_words", true), may("wrapstring", nil), may("break_on_hyphens", true)})
	width, ok := asInt(p[0])
	if !ok || width <= 0 {
		throw(valueError, "invalid width %s (must be > 0)", repr(p[0]))
	}
	separator := "\n"
	if p[2] != nil {
		separator = str(p[2])
	}
	var out []string
	for _, line := range lines(str(value), false) {
		r.spend(len(line))
		out = append(out, wrapLine(line, int(min(width, maxOutput)), truth(p[1]))...)
	}
	return strings.Join(out, separator)
}

// wrapLine breaks one line at blanks; words longer than the width are cut when long is true.
func wrapLine(line string, width int, long bool) []string {
	var out []string
	current := []rune{}
	for _, word := range strings.FieldsFunc(line, isSpace) {
		runes := []rune(word)
		if len(current) > 0 && len(current)+1+len(runes) <= width {
			current = append(append(current, ' '), runes...)
			continue
		}
		if len(current) > 0 {
			out = append(out, string(current))
		}
		for long && len(runes) > width {
			out = append(out, string(runes[:width]))
			runes = runes[width:]
		}
		current = runes
	}
	return append(out, string(current))
}
