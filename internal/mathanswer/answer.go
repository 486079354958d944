package mathanswer

import (
	"errors"
	"strings"
)

// An answer is what was read from a mention: an expression or relation, or a collection of answers.
type answer struct {
	expression *expression
	items      []*answer
	kind       byte   // of a collection: '(' in brackets, '{' a set, ',' a list without brackets, 'u' a union, 'r' a chain of relations
	brackets   string // of one in brackets, such as "[)"
	signs      []string
}

var errEmpty = errors.New("nothing stands there")

// readAnswer reads LaTeX in the form that [clean] makes.
func readAnswer(latex string) (*answer, error) { return readPart(latex, 0) }

func readPart(latex string, depth int) (*answer, error) {
	if latex = strings.TrimSpace(latex); latex == "" {
		return nil, errEmpty
	}
	if depth > maxDepth {
		return nil, errors.New("nested too deep")
	}
	for _, split := range []struct {
		kind byte
		at   []string
	}{{'u', []string{`\cup`}}, {',', []string{",", ";"}}} {
		if parts, _ := splitOutside(latex, split.at...); len(parts) > 1 {
			return collection(split.kind, parts, depth)
		}
	}
	if parts, _ := splitOutside(latex, `\in`); len(parts) == 2 {
		return readPart(parts[1], depth+1)
	}
	if parts, signs := splitOutside(latex, relationSigns...); len(parts) > 1 {
		a, err := collection('r', parts, depth)
		if err == nil {
			a.signs = signs
		}
		return a, err
	}
	if inner, brackets, ok := bracketed(latex); ok {
		parts, _ := splitOutside(inner, ",", ";")
		set := strings.HasPrefix(brackets, `\`)
		if set || len(parts) > 1 {
			a, err := collection('(', parts, depth)
			if set && err == nil {
				a.kind = '{'
			}
			if err == nil {
				a.brackets = brackets
			}
			return a, err
		}
	}
	e, err := dialect{verify: true}.parse(latex)
	return &answer{expression: e}, err
}

func collection(kind byte, parts []string, depth int) (*answer, error) {
	a := &answer{kind: kind}
	for _, part := range parts {
		item, err := readPart(part, depth+1)
		if err != nil {
			return nil, err
		}
		a.items = append(a.items, item)
	}
	return a, nil
}

var relationSigns = []string{
	`\leqslant`, `\geqslant`, `\leq`, `\geq`, `\neq`, `\le`, `\ge`, `\ne`, `\lt`, `\gt`, "=", "<", ">",
}

// splitOutside splits LaTeX at separators outside of brackets and braces, and returns which stood where. A comma between digits
// that groups thousands is none.
func splitOutside(latex string, separators ...string) (parts, found []string) {
	depth, start := 0, 0
	for i := 0; i < len(latex); i++ {
		switch c := latex[i]; {
		case strings.IndexByte("([{", c) >= 0:
			depth++
		case strings.IndexByte(")]}", c) >= 0:
			depth--
		case depth == 0:
			for _, s := range separators {
				after := latex[min(i+len(s), len(latex)):]
				if !strings.HasPrefix(latex[i:], s) || (s[0] == '\\' && after != "" && isLetter(after[0])) || (s == "," && groups(latex[start:i], after)) {
					continue
				}
				parts, found = append(parts, latex[start:i]), append(found, s)
				start = i + len(s)
				i = start - 1
				break
			}
		}
	}
	return append(parts, latex[start:]), found
}

// groups reports whether a comma stands between the thousands of one number.
func groups(before, after string) bool {
	n := len(before)
	for n > 0 && (isDigitByte(before[n-1]) || before[n-1] == ',') {
		n--
	}
	head := before[n:]
	lead, _, _ := strings.Cut(head, ",")
	return digits(after) == 3 && lead != "" && len(lead) <= 3 && lead[0] != '0'
}

// bracketed takes the brackets off LaTeX that stands in one pair.
func bracketed(latex string) (inner, brackets string, ok bool) {
	if inner, ok := strings.CutPrefix(latex, `\{`); ok {
		if inner, ok := strings.CutSuffix(inner, `\}`); ok {
			return inner, `\{}`, true
		}
	}
	last := len(latex) - 1
	if last < 1 || strings.IndexByte("([", latex[0]) < 0 || strings.IndexByte(")]", latex[last]) < 0 {
		return "", "", false
	}
	depth := 0
	for i := range len(latex) {
		switch latex[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth == 0 && i < last {
				return "", "", false
			}
		}
	}
	return latex[1:last], latex[:1] + latex[last:], true
}
