package mathanswer

import (
	"regexp"
	"strings"
	"unicode"
)

// replaced and removed are the texts that the normalisation of Lewkowycz et al., appendix D, replaces and takes out, in order.
var (
	replaced = []struct{ from, to string }{
		{"an ", ""},
		{"a ", ""},
		{".$", "$"},
		{`\$`, ""},
		{`\ `, ""},
		{" ", ""},
		{"mbox", "text"},
		{`,\text{and}`, ","},
		{`\text{and}`, ","},
		{`\text{m}`, `\text{}`},
	}
	removed = []string{
		"square", "ways", "integers", "dollars", "mph", "inches", "ft", "hours", "km", "units", `\ldots`, "sue", "points", "feet",
		"minutes", "digits", "cents", "degrees", "cm", "gm", "pounds", "meters", "meals", "edges", "students", "childrentickets",
		"multiples", `\text{s}`, `\text{.}`, "\\text{\ns}", `\text{}^2`, `\text{}^3`, "\\text{\n}", `\text{}`, `\mathrm{th}`, `^\circ`,
		`^{\circ}`, `\;`, `,\!`, "{,}", `"`, `\dots`,
	}
)

// wrappers are taken off and shorthand is spelt out, in order.
var wrappers = []struct {
	pattern     *regexp.Regexp
	replacement string
}{
	{regexp.MustCompile(`(.*?)\$(.*?)\$(.*)`), "$$${2}$$"},
	{regexp.MustCompile(`\\text\{(.*?)\}`), "${1}"},
	{regexp.MustCompile(`\\textbf\{(.*?)\}`), "${1}"},
	{regexp.MustCompile(`\\overline\{(.*?)\}`), "${1}"},
	{regexp.MustCompile(`\\boxed\{(.*)\}`), "${1}"},
	{regexp.MustCompile(`frac([^{])(.)`), "frac{${1}}{${2}}"},
	{regexp.MustCompile(`sqrt([^{])`), "sqrt{${1}}"},
}

// Normalize brings an answer into the form in which [FinalAnswer]'s and the reference's are compared. It knows no words: what is
// taken out is taken out inside of them too, so that \infty becomes \iny.
func Normalize(answer string) string {
	answer = answer[strings.LastIndexByte(answer, '=')+1:]
	for _, r := range replaced {
		answer = strings.ReplaceAll(answer, r.from, r.to)
	}
	for _, text := range removed {
		answer = strings.ReplaceAll(answer, text, "")
	}
	for _, w := range wrappers {
		answer = w.pattern.ReplaceAllString(answer, w.replacement)
	}
	answer = strings.ReplaceAll(answer, "$", "")
	if plain := strings.ReplaceAll(answer, ",", ""); plain != "" && strings.IndexFunc(plain, func(r rune) bool { return !isDigit(r) }) < 0 {
		return plain
	}
	return answer
}

// isDigit reports digits as Python's str.isdigit has them: those of all scripts, and raised, lowered and circled ones.
func isDigit(r rune) bool {
	return unicode.IsDigit(r) || strings.ContainsRune("²³¹⁰⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉①②③④⑤⑥⑦⑧⑨", r)
}
