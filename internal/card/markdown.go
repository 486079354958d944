package card

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// inline is text as Markdown shows it in a line: what would be markup is escaped, line ends are spaces.
func inline(text string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(text), " ") {
		if strings.ContainsRune("\\`*_[]<>|#&~", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// code is text as a span of code, between more backticks than it has in a row; for use in tables its bars are escaped.
func code(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	longest, row := 0, 0
	for _, r := range text {
		if r == '`' {
			row++
		} else {
			row = 0
		}
		longest = max(longest, row)
	}
	if text == "" {
		return ""
	}
	fence := strings.Repeat("`", longest+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + strings.ReplaceAll(text, "|", `\|`) + fence
}

// arXivID matches the number of a paper.
var arXivID = regexp.MustCompile(`arXiv (\d{4}\.\d{4,5})`)

// cite is the name of a paper with its arXiv number as a link.
func cite(source string) string {
	return arXivID.ReplaceAllString(inline(source), "[arXiv $1](https://arxiv.org/abs/$1)")
}

// number writes a measurement with four digits.
func number(value float64) string {
	switch {
	case math.IsNaN(value):
		return "NaN"
	case math.IsInf(value, 0):
		return strings.TrimPrefix(strconv.FormatFloat(value, 'g', -1, 64), "+")
	}
	return strconv.FormatFloat(value, 'g', 4, 64)
}

// table is a Markdown table; cells are Markdown already.
func table(head []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(head)
	rule := make([]string, len(head))
	for i := range rule {
		rule[i] = "---"
	}
	line(rule)
	for _, row := range rows {
		line(row)
	}
	return b.String()
}
