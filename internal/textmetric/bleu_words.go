package textmetric

import (
	"regexp"
	"strings"
	"unicode"
)

// unescape takes out what mteval-v13a takes out, in this order.
var unescape = []struct{ old, new string }{
	{"<skipped>", ""}, {"-\n", ""}, {"\n", " "}, {"&quot;", `"`}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"},
}

// separate sets punctuation apart, one rule after the other over the whole text.
var separate = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile("([ -&(-+/:-@\\[-`{-~])"), " $1 "}, // ASCII punctuation but ' , - .
	{regexp.MustCompile(`([^0-9])([.,])`), "$1 $2 "},
	{regexp.MustCompile(`([.,])([^0-9])`), " $1 $2"},
	{regexp.MustCompile(`([0-9])(-)`), "$1 $2 "},
}

// bleuWords are the tokens of a text by the rules of WMT's mteval-v13a, as sacreBLEU's tokenizer "13a" has them.
func bleuWords(text string) []string {
	text = strings.TrimRightFunc(text, isSpace)
	for _, u := range unescape {
		text = strings.ReplaceAll(text, u.old, u.new)
	}
	text = " " + text + " "
	for _, s := range separate {
		text = s.pattern.ReplaceAllString(text, s.with)
	}
	return strings.FieldsFunc(text, isSpace)
}

// isSpace reports whether Python takes a character for white space: Unicode's, and the four separators of ASCII.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }
