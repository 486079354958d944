package sentence

import (
	"strings"

	"github.com/dlclark/regexp2"
)

// A rewrite puts spaces where a word ends.
type rewrite struct {
	pattern     *regexp2.Regexp
	replacement string
}

func rule(pattern, replacement string) rewrite {
	return rewrite{regexp2.MustCompile(pattern, regexp2.None), replacement}
}

// space is a class of white space as Python has it.
const space = `[\t-\r\x1c-\x1f\x85\p{Z}]`

// treebank are the rules in the order in which they apply: opening quotes, punctuation, brackets and dashes, and then, once the
// text has a space at either end, closing quotes and contractions.
var (
	treebank = []rewrite{
		rule("([«“‘„]|`+)", " $1 "),
		rule(`^"`, "``"),
		rule("(``)", " $1 "),
		rule(`([ (\[{<])("|'{2})`, "$1 `` "),
		rule(`(?i)(')(?!re|ve|ll|m|t|s|d|n)(\w)\b`, "$1 $2"),

		rule(`([^.])(\.)([\])}>"' »”’]*)`+space+`*$`, "$1 $2 $3 "),
		rule(`([:,])([^\d])`, " $1 $2"),
		rule(`([:,])$`, " $1 "),
		rule(`\.{2,}`, " $0 "),
		rule(`[;@#$%&]`, " $0 "),
		rule(`([^.])(\.)([\])}>"']*)`+space+`*$`, "$1 $2$3 "),
		rule(`[?!]`, " $0 "),
		rule(`([^'])' `, "$1 ' "),
		rule(`[*]`, " $0 "),

		rule(`[\]\[(){}<>]`, " $0 "),
		rule(`--`, " -- "),
	}
	clitics = []rewrite{
		rule(`([»”’])`, " $1 "),
		rule(`''`, " '' "),
		rule(`"`, " '' "),
		rule(`([^' ])('[sS]|'[mM]|'[dD]|') `, "$1 $2 "),
		rule(`([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) `, "$1 $2 "),

		rule(`(?i)\b(can)(not)\b`, " $1 $2 "),
		rule(`(?i)\b(d)('ye)\b`, " $1 $2 "),
		rule(`(?i)\b(gim)(me)\b`, " $1 $2 "),
		rule(`(?i)\b(gon)(na)\b`, " $1 $2 "),
		rule(`(?i)\b(got)(ta)\b`, " $1 $2 "),
		rule(`(?i)\b(lem)(me)\b`, " $1 $2 "),
		rule(`(?i)\b(more)('n)\b`, " $1 $2 "),
		rule(`(?i)\b(wan)(na)(?=`+space+`)`, " $1 $2 "),
		rule(`(?i) ('t)(is)\b`, " $1 $2 "),
		rule(`(?i) ('t)(was)\b`, " $1 $2 "),
	}
)

// Words returns the words and punctuation marks of a text, sentence by sentence. Double quotes come back as two backticks
// and two apostrophes, as the Treebank writes them.
func Words(text string) []string {
	var words []string
	for _, sentence := range Split(text) {
		sentence = apply(treebank, sentence)
		sentence = apply(clitics, " "+sentence+" ")
		words = append(words, strings.FieldsFunc(sentence, isSpace)...)
	}
	return words
}

func apply(rules []rewrite, text string) string {
	for _, r := range rules {
		if changed, err := r.pattern.Replace(text, r.replacement, -1, -1); err == nil { // only a time limit fails, and there is none
			text = changed
		}
	}
	return text
}
