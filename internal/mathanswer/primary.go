package mathanswer

import (
	"fmt"
	"slices"
	"strings"
)

// functions are the commands that take what follows as their argument.
var functions = strings.Fields(`\exp \log \ln \lg \sin \cos \tan \csc \sec \cot \arcsin \arccos \arctan \sinh \cosh \tanh`)

func (p *parser) startsFactor(function bool) bool {
	t := p.peek()
	switch t.kind {
	case 'n', 'a', 't', '(', '[', '{':
		return true
	case '|':
		return !p.insideBars()
	case '.':
		return !p.verify // SymPy expects a number then, and fails
	case 'c':
		switch {
		case slices.Contains(functions, t.text) || t.text == `\sqrt`:
			return function
		case relations[t.text] != "" || t.text == `\times` || t.text == `\cdot` || t.text == `\div`:
			return false
		case t.text == `\\` || (p.verify && t.text == `\end`) || t.text == `\}` || t.text == `\%` || t.text == `\rfloor` || t.text == `\rceil`:
			return false
		}
		return true
	}
	return false
}

// insideBars reports whether a bar closes an absolute value rather than opening one.
func (p *parser) insideBars() bool {
	open := 0
	for _, t := range p.tokens[:p.at] {
		if t.kind == '|' {
			open = 1 - open
		}
	}
	return open == 1
}

// primary reads a number, a symbol, a bracket, or a command with its arguments.
func (p *parser) primary() (*expression, error) {
	t := p.peek()
	p.at++
	switch t.kind {
	case 'n':
		return p.literal(t.text)
	case 'a':
		return p.named(t.text)
	case 't':
		return symbol(nameOf(t.text)), nil
	case '(':
		return p.until(')')
	case '[':
		return p.until(']')
	case '{':
		return p.until('}')
	case '|':
		e, err := p.until('|')
		return operation("abs", e), err
	case 'c':
		return p.command(t.text)
	}
	return nil, errUnexpected
}

// nameOf returns the symbol that stands for a text: its letters and digits, in lower case where there are several.
func nameOf(text string) string {
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, "("); ok {
		if inner, ok = strings.CutSuffix(inner, ")"); ok {
			text = strings.TrimSpace(inner)
		}
	}
	text = strings.Join(strings.Fields(text), "")
	if len(text) > 1 {
		text = strings.ToLower(text)
	}
	return text
}

// named reads a variable with its index, or the arguments of a function that is only a name.
func (p *parser) named(name string) (*expression, error) {
	if p.accept('_') {
		start := p.at
		if _, err := p.script(); err != nil {
			return nil, err
		}
		index := ""
		for _, t := range p.tokens[start:p.at] {
			index += t.text
		}
		name += "_" + strings.Trim(index, "{}")
	}
	for p.accept('\'') {
		name += "'"
	}
	if p.verify || p.peek().kind != '(' {
		return symbol(name), nil
	}
	p.at++
	call := &expression{op: name, free: true}
	for {
		arg, err := p.sum()
		if err != nil {
			return nil, err
		}
		call.args = append(call.args, arg)
		if p.accept(')') {
			return call, nil
		}
		if !p.accept(',') {
			return nil, errUnexpected
		}
	}
}

func (p *parser) command(name string) (*expression, error) {
	switch name {
	case `\frac`, `\dfrac`, `\tfrac`, `\cfrac`:
		return p.pair(`\frac`)
	case `\binom`, `\dbinom`, `\tbinom`:
		return p.pair(`\binom`)
	case `\sqrt`:
		return p.root()
	case `\{`:
		return p.closed(`\}`, "")
	case `\lfloor`:
		return p.closed(`\rfloor`, "floor")
	case `\lceil`:
		return p.closed(`\rceil`, "ceil")
	case `\begin`:
		if p.verify {
			return p.matrix()
		}
	}
	switch {
	case slices.Contains(functions, name):
		return p.function(name)
	case p.verify && name == `\in`, p.verify && name == `\cup`, name == `\|`, name == `\}`, name == `\\`, relations[name] != "":
		return nil, fmt.Errorf("%s is not expected", name)
	}
	return p.named(name)
}

// pair reads the two arguments of a fraction or a binomial, each in braces or one digit.
func (p *parser) pair(op string) (*expression, error) {
	var args [2]*expression
	for i := range args {
		var err error
		if p.accept('{') {
			args[i], err = p.until('}')
		} else {
			args[i], err = p.digit()
		}
		if err != nil {
			return nil, err
		}
	}
	return operation(op, args[:]...), nil
}

// digit reads the first digit of a number and leaves the rest.
func (p *parser) digit() (*expression, error) {
	t := p.peek()
	if t.kind != 'n' || !isDigitByte(t.text[0]) {
		return nil, errUnexpected
	}
	if len(t.text) == 1 {
		p.at++
	} else {
		p.tokens[p.at].text = t.text[1:]
	}
	return p.literal(t.text[:1])
}

func (p *parser) root() (*expression, error) {
	degree := integer(2)
	var err error
	if p.accept('[') {
		if degree, err = p.until(']'); err != nil {
			return nil, err
		}
	}
	if !p.accept('{') {
		return nil, errUnexpected
	}
	base, err := p.until('}')
	return operation("^", base, operation("^", degree, integer(-1))), err
}

// closed reads an expression up to a command; op, where given, is a function of it.
func (p *parser) closed(closing, op string) (*expression, error) {
	e, err := p.sum()
	if err == nil && !p.acceptCommand(closing) {
		err = fmt.Errorf("%s is expected", closing)
	}
	if op != "" {
		e = operation(op, e)
	}
	return e, err
}

// function reads a function's base and exponent, and its argument with brackets or without.
func (p *parser) function(name string) (*expression, error) {
	var base, exponent, arg *expression
	var err error
	for err == nil && (p.peek().kind == '_' || p.peek().kind == '^') {
		target := &base
		if p.peek().kind == '^' {
			target = &exponent
		}
		p.at++
		if target == &base && p.peek().kind == 'n' { // \log_28 has the base 2
			*target, err = p.digit()
		} else {
			*target, err = p.script()
		}
	}
	if err != nil {
		return nil, err
	}
	if p.accept('(') {
		arg, err = p.until(')')
	} else {
		arg, err = p.product(false)
	}
	if err != nil {
		return nil, err
	}
	e := operation(name, arg)
	if base != nil {
		e.args = append(e.args, base)
	}
	if exponent != nil {
		e = operation("^", e, exponent)
	}
	return e, nil
}

// matrix reads rows of elements up to \end. All kinds of matrix are the same.
func (p *parser) matrix() (*expression, error) {
	if err := p.skipBraces(); err != nil {
		return nil, err
	}
	m := operation("matrix", operation("row"))
	for {
		e, err := p.sum()
		if err != nil {
			return nil, err
		}
		row := m.args[len(m.args)-1]
		row.args = append(row.args, e)
		switch {
		case p.accept('&'):
		case p.acceptCommand(`\\`):
			if p.acceptCommand(`\end`) { // the last row may end with a line break
				return m, p.skipBraces()
			}
			m.args = append(m.args, operation("row"))
		case p.acceptCommand(`\end`):
			return m, p.skipBraces()
		default:
			return nil, errUnexpected
		}
	}
}

// skipBraces reads an environment's name.
func (p *parser) skipBraces() error {
	if !p.accept('{') {
		return errUnexpected
	}
	for p.at < len(p.tokens) && p.peek().kind != '}' {
		p.at++
	}
	if !p.accept('}') {
		return errUnexpected
	}
	return nil
}
