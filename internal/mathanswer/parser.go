package mathanswer

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// A dialect is what LaTeX means. The plain one is that of SymPy's parse_latex: a letter before a bracket is a function, e, i and \pi are
// variables, 2\frac12 is a product, and what follows an expression is not read. In the dialect for verifying, a letter before a
// bracket is a factor, i and \pi are numbers, 2\frac12 is a mixed number, \text{…} is a name, and nothing may be left over.
type dialect struct{ verify bool }

// An expression is a number, a symbol, or an operation on expressions.
type expression struct {
	op   string // "number", "symbol", "+", "*", "^", "relation", "matrix", "row", or a function's name
	args []*expression
	rat  *big.Rat // of a number
	name string   // of a symbol, or the relation's sign
	free bool     // a function that is only a name

	decimal bool // a number with a decimal point
}

// maxDepth bounds how deep brackets may nest.
const maxDepth = 100

type parser struct {
	dialect
	tokens []token
	at     int
	depth  int
}

var errUnexpected = errors.New("something else is expected")

// parse reads one expression, which may be a relation.
func (d dialect) parse(latex string) (*expression, error) {
	tokens, err := d.tokenize(latex)
	if err != nil {
		return nil, err
	}
	p := &parser{dialect: d, tokens: tokens}
	e, err := p.relation()
	if err == nil && d.verify && p.at < len(p.tokens) && p.peek().kind != '_' {
		err = fmt.Errorf("%q is left over", p.peek().text)
	}
	return e, err
}

func (p *parser) peek() token {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return token{}
}

func (p *parser) accept(kind byte) bool {
	if p.peek().kind == kind && kind != 0 {
		p.at++
		return true
	}
	return false
}

func (p *parser) acceptCommand(names ...string) bool {
	for _, name := range names {
		if p.peek().kind == 'c' && p.peek().text == name {
			p.at++
			return true
		}
	}
	return false
}

var relations = map[string]string{
	"=": "=", "<": "<", ">": ">", `\lt`: "<", `\gt`: ">", `\le`: "≤", `\leq`: "≤", `\leqslant`: "≤", `\ge`: "≥", `\geq`: "≥",
	`\geqslant`: "≥", `\ne`: "≠", `\neq`: "≠",
}

func (p *parser) relation() (*expression, error) {
	left, err := p.sum()
	for err == nil {
		sign, ok := relations[p.peek().text]
		if !ok {
			return left, nil
		}
		p.at++
		var right *expression
		if right, err = p.sum(); err == nil {
			left = &expression{op: "relation", name: sign, args: []*expression{left, right}}
		}
	}
	return nil, err
}

func (p *parser) sum() (*expression, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, errors.New("nested too deep")
	}
	defer func() { p.depth-- }()
	left, err := p.product(true)
	for err == nil {
		minus := p.peek().kind == '-'
		if !minus && p.peek().kind != '+' {
			return left, nil
		}
		p.at++
		var right *expression
		if right, err = p.product(true); err == nil {
			if minus {
				right = negative(right)
			}
			left = operation("+", left, right)
		}
	}
	return nil, err
}

// product reads factors with signs between them. With functions unset it stops before a function.
func (p *parser) product(functions bool) (*expression, error) {
	left, err := p.signed(functions)
	for err == nil {
		divide := p.peek().kind == '/' || p.peek().kind == ':' || (p.peek().kind == 'c' && p.peek().text == `\div`)
		switch {
		case divide || p.peek().kind == '*':
			p.at++
		case p.acceptCommand(`\times`, `\cdot`):
		default:
			return left, nil
		}
		var right *expression
		if right, err = p.signed(functions); err == nil {
			if divide {
				right = operation("^", right, integer(-1))
			}
			left = operation("*", left, right)
		}
	}
	return nil, err
}

func (p *parser) signed(functions bool) (*expression, error) {
	minus := false
	for p.peek().kind == '-' || p.peek().kind == '+' {
		minus = minus != (p.peek().kind == '-')
		p.at++
	}
	factors, err := p.factors(functions)
	if err != nil {
		return nil, err
	}
	e := p.multiply(factors)
	if minus {
		e = negative(e)
	}
	return e, nil
}

// factors reads what stands side by side.
func (p *parser) factors(functions bool) ([]*expression, error) {
	var list []*expression
	for p.startsFactor(functions || len(list) == 0) {
		e, err := p.power()
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	if len(list) == 0 {
		return nil, errUnexpected
	}
	return list, nil
}

// multiply joins factors: a number and a fraction of numbers are a mixed number where the dialect has those, and an x between
// numbers is a sign.
func (p *parser) multiply(factors []*expression) *expression {
	product := factors[0]
	for i, factor := range factors[1:] {
		before, last := factors[i], i+2 == len(factors)
		switch {
		case p.verify && i == 0 && before.op == "number" && before.rat.IsInt() && isFraction(factor):
			product = operation("+", product, factor)
		case factor.op == "symbol" && factor.name == "x" && !last && !hasSymbols(before) && !hasSymbols(factors[i+2]):
		default:
			product = operation("*", product, factor)
		}
	}
	return product
}

func isFraction(e *expression) bool {
	return e.op == `\frac` && e.args[0].op == "number" && e.args[1].op == "number"
}

func hasSymbols(e *expression) bool {
	found := e.op == "symbol"
	for _, arg := range e.args {
		found = found || hasSymbols(arg)
	}
	return found
}

// power reads a factor with its exponents, factorials and percent sign.
func (p *parser) power() (*expression, error) {
	e, err := p.primary()
	for err == nil {
		switch {
		case p.accept('^'):
			if p.acceptCommand(`\circ`) { // degrees
				continue
			}
			var exponent *expression
			if exponent, err = p.script(); err == nil {
				e = operation("^", e, exponent)
			}
		case p.accept('!'):
			e = operation("!", e)
		case p.verify && (p.accept('%') || p.acceptCommand(`\%`)):
			e = operation("*", e, &expression{op: "number", rat: big.NewRat(1, 100)})
		default:
			return e, nil
		}
	}
	return nil, err
}

// script reads what stands after ^ or _: an expression in braces, or one number, letter or command.
func (p *parser) script() (*expression, error) {
	if p.peek().kind == '{' {
		p.at++
		if p.acceptCommand(`\circ`) && p.accept('}') {
			return integer(1), nil
		}
		return p.until('}')
	}
	if kind := p.peek().kind; kind == 'n' || kind == 'a' || kind == 'c' {
		return p.primary()
	}
	return nil, errUnexpected
}

// until reads an expression and the bracket that closes it.
func (p *parser) until(closing byte) (*expression, error) {
	e, err := p.sum()
	if err == nil && !p.accept(closing) {
		err = fmt.Errorf("%c is expected", closing)
	}
	return e, err
}

func operation(op string, args ...*expression) *expression { return &expression{op: op, args: args} }

func integer(n int64) *expression { return &expression{op: "number", rat: big.NewRat(n, 1)} }

func negative(e *expression) *expression { return operation("*", integer(-1), e) }

func symbol(name string) *expression { return &expression{op: "symbol", name: name} }

// literal reads a number. SymPy refuses an integer that starts with a zero.
func (d dialect) literal(text string) (*expression, error) {
	plain := strings.ReplaceAll(text, ",", "")
	if !d.verify && len(plain) > 1 && plain[0] == '0' && !strings.Contains(plain, ".") && strings.Trim(plain, "0") != "" {
		return nil, fmt.Errorf("%s starts with a zero", text)
	}
	rat, ok := new(big.Rat).SetString(plain)
	if !ok || len(plain) > 1000 {
		return nil, fmt.Errorf("%.20s is not a number that can be read", text)
	}
	return &expression{op: "number", rat: rat, decimal: strings.Contains(plain, ".")}, nil
}
