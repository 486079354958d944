package mathanswer

import (
	"regexp"
	"strings"
)

// rewrites bring LaTeX into the form that is parsed for verifying, in order: commands that print the same become one, "and"
// becomes a comma, decorations go.
var rewrites = []struct {
	pattern     *regexp.Regexp
	replacement string
}{
	{regexp.MustCompile(`\\mathrm\{th\}|\\!\s*|\\text\s*\{\s*\}|\\\$|\$|["']|\\displaystyle`), ""},
	{regexp.MustCompile(`\\m?(left|right)\b`), ""},
	{regexp.MustCompile(`\\(?:math(?:rm|it|bf)|text(?:normal|bf|it|rm)|mbox)\b`), `\text`},
	{regexp.MustCompile(`\\[dtc]frac`), `\frac`},
	{regexp.MustCompile(`\s*\{\s*,\s*\}`), ","},
	{regexp.MustCompile(`,?\s*\\text\s*\{\s*(?:and|or)\s*\}`), ","},
	{regexp.MustCompile(`,?\s*\b(?:and|or)\b`), ","},
	{regexp.MustCompile(`(^|[^\\])\\[ ,;:]`), "${1} "},
	{regexp.MustCompile(`,?\\ldots`), " "},
	{regexp.MustCompile(`\\text\s*\{\s*(?:percent|percentage|pct)\s*\}|\s*\b(?:percentage|percent|pct)\b`), `\%`},
	{regexp.MustCompile(`([^\\a-zA-Z]|^)(?:infinity|inf)\b`), `${1}\infty`},
	{regexp.MustCompile(`\^\s*\{?\s*\\circ\s*\}?`), ""},
}

// units are words that may follow an answer without changing it.
var units = strings.Fields("acre apple are cc cent cm coin cube cubic day deg degree digit dm edge feet foot ft gal gallon gm gram hectare " +
	"hour hr inch inches integer kg km kmh kmph lb liter litre loss man mark meal men meter metre mile min minute mm month mph mt " +
	"number ohm per pie point pound profit ratio rd rounds rs rupee sec second soldier sq square st student t th tile toy unit way " +
	"west woman women yard year yr c d g h l m o s")

var (
	unitText = regexp.MustCompile(`\\text\s*\{[^{}]*\}(?:\^\d|\^\{\d\})?$`)
	unitWord = regexp.MustCompile(`([\d}\s])\s*(?:` + strings.Join(units, "|") + `)(?:s|es)?\s*$`)
)

// shorthand is spelt out: \frac12, \sqrt3, \log_28.
var shorthand = []struct {
	pattern     *regexp.Regexp
	replacement string
}{
	{regexp.MustCompile(`\\sqrt\s?\(([^()]*)\)`), `\sqrt{${1}}`},
	{regexp.MustCompile(`\\frac\s?(\d)\s?(\d+)`), `\frac{${1}}{${2}}`},
	{regexp.MustCompile(`\\frac\s?(\{[^{}]*\})\s?(\d)`), `\frac${1}{${2}}`},
	{regexp.MustCompile(`\\frac\s?(\d)\s?\{`), `\frac{${1}}{`},
	{regexp.MustCompile(`\\sqrt\s*([\da-zA-Z])`), `\sqrt{${1}}`},
	{regexp.MustCompile(`\^\s?\(([^()]*)\)`), `^{${1}}`},
}

// clean brings an answer's LaTeX into the form that is parsed. Of boxes it takes the contents: of all, or with last set of the last
// and of those close before it.
func clean(latex string, last bool) string {
	text := contents(latex, last)
	for _, r := range rewrites {
		text = r.pattern.ReplaceAllString(text, r.replacement)
	}
	text = strings.TrimSpace(strings.ReplaceAll(text, "\n", " "))
	if short := strings.TrimSpace(unitText.ReplaceAllString(text, "")); short != "" {
		text = short
	}
	for range 2 {
		if short := unitWord.ReplaceAllString(text, "${1}"); strings.TrimSpace(short) != "" {
			text = short
		}
	}
	for _, s := range shorthand {
		text = s.pattern.ReplaceAllString(text, s.replacement)
	}
	return strings.TrimSpace(text)
}

// nearby is how many characters may stand between two boxes that belong together.
const nearby = 10

// contents returns what stands in a text's boxes, joined by commas, or the text where it has none.
func contents(text string, last bool) string {
	var found []string
	limit := len(text)
	for {
		at := max(strings.LastIndex(text[:limit], `\boxed`), strings.LastIndex(text[:limit], `\fbox`))
		if at < 0 {
			break
		}
		content, end := braced(text[:limit], at+len(command(text[at:])))
		if len(found) > 0 && last && limit-end >= nearby {
			break
		}
		if content = strings.TrimSpace(content); content != "" && (len(found) == 0 || found[0] != content) {
			found = append([]string{content}, found...)
		}
		limit = at
	}
	if len(found) == 0 {
		return text
	}
	return strings.Join(found, ",")
}
