package mathanswer

import (
	"math"
	"math/big"
	"slices"
	"strings"
)

// Grade judges a generation against a solution whose answer stands in a \boxed. exactMatch takes the answer wherever the generation
// gives it, as formula or number, and accepts other forms of it, as Math-Verify does; exactMatchOriginal is the rule of Lewkowycz
// et al. (arXiv:2206.14858), which reads only the last sentence of the few-shot examples.
func Grade(generation, solution string) (exactMatch, exactMatchOriginal bool) {
	return verified(find(solution, false), find(generation, true)), gradeOriginal(generation, Unbox(LastBoxed(solution)))
}

// A finding is the answer that a text gives: read, or nil if none could be, and as text.
type finding struct {
	answer *answer
	text   string
}

// find returns the likeliest answer of a text that can be read, and the text of the likeliest.
func find(text string, plain bool) finding {
	var f finding
	for _, m := range mentions(text, plain) {
		a, latex := m.read()
		if f.text == "" {
			f.text = latex
		}
		if a != nil {
			f.answer = a
			break
		}
	}
	return f
}

// read returns a mention's answer, nil if it cannot be read, and its text.
func (m mention) read() (*answer, string) {
	texts := m.latex
	if len(texts) == 0 {
		texts = []string{m.plain}
		if !strings.ContainsAny(m.plain, "+-*/^()") { // a number, with blanks or commas between thousands or a decimal comma
			texts[0] = strings.ReplaceAll(m.plain, " ", "")
		}
	}
	list := &answer{kind: ','}
	for i, text := range texts {
		texts[i] = clean(text, strings.HasPrefix(text, `\boxed`))
		a, err := readAnswer(texts[i])
		if err != nil {
			return nil, texts[0]
		}
		if m.percent && a.expression != nil {
			a.expression = operation("*", a.expression, &expression{op: "number", rat: big.NewRat(1, 100)})
		}
		if a.kind == ',' {
			list.items = append(list.items, a.items...)
		} else {
			list.items = append(list.items, a)
		}
	}
	if len(list.items) == 1 {
		return list.items[0], texts[0]
	}
	return list, strings.Join(texts, " and ")
}

func verified(want, got finding) bool {
	if want.answer != nil && got.answer != nil && matches(want.answer, got.answer) {
		return true
	}
	return want.text != "" && want.text == got.text
}

// matches reports whether an answer is the wanted one. Where only one of them says which variable it is the value of, that does
// not count.
func matches(want, got *answer) bool {
	switch {
	case got.isEquation() && !want.isEquation():
		got = got.items[len(got.items)-1]
	case want.isAssignment() && !got.isEquation():
		want = want.items[len(want.items)-1]
	}
	if want.kind == 'r' && got.kind != 'r' {
		want = want.interval()
	}
	switch {
	case want.expression != nil && got.expression != nil:
		return matchExpressions(want.expression, got.expression)
	case want.kind == 'r' && got.kind == 'r':
		return matchRelations(want, got)
	case len(want.items) != len(got.items) || want.kind == 'r' || got.kind == 'r':
		return false
	case want.kind == 'u' || got.kind == 'u':
		return want.kind == got.kind && matchUnordered(want.items, got.items)
	case want.kind == '(' && got.kind == '(':
		return (len(want.items) > 2 || want.brackets == got.brackets) && matchOrdered(want.items, got.items)
	case want.kind == '(' || got.kind == '(':
		return (want.brackets == "()" || got.brackets == "()" || len(want.items) > 2) && matchOrdered(want.items, got.items)
	}
	return matchUnordered(want.items, got.items)
}

func matchOrdered(want, got []*answer) bool {
	return slices.EqualFunc(want, got, matches)
}

func matchUnordered(want, got []*answer) bool {
	left := slices.Clone(got)
	for _, w := range want {
		i := slices.IndexFunc(left, func(g *answer) bool { return matches(w, g) })
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return len(left) == 0
}

func (a *answer) isEquation() bool {
	return a.kind == 'r' && !slices.ContainsFunc(a.signs, func(sign string) bool { return sign != "=" })
}

// isAssignment reports an equation that names what it is the value of: x, AB, or (x,y), but also f(x).
func (a *answer) isAssignment() bool { return a.isEquation() && a.items[0].isName() }

func (a *answer) isName() bool {
	if a.expression == nil {
		return !slices.ContainsFunc(a.items, func(item *answer) bool { return !item.isName() })
	}
	_, ok := a.expression.letters()
	return ok
}

// letters returns the letters of a product of symbols, or of one symbol, in order.
func (e *expression) letters() (string, bool) {
	switch e.op {
	case "symbol":
		return e.name, true
	case "*":
		left, ok := e.args[0].letters()
		right, okToo := e.args[1].letters()
		return left + right, ok && okToo
	}
	return "", false
}

// decimals is to how many places numbers count where one of them is a decimal.
const decimals = 6

func matchExpressions(want, got *expression) bool {
	if want, got = want.spread(), got.spread(); want.op == "matrix" || got.op == "matrix" {
		return matchMatrices(want, got)
	}
	left, word := want.letters()
	right, wordToo := got.letters()
	if word && wordToo && (want.op == "symbol" || got.op == "symbol") {
		return left == right || (len(left) > 1 && strings.EqualFold(left, right))
	}
	if want.isDecimal() || got.isDecimal() {
		a, err := want.at(point{verify: true})
		b, errToo := got.at(point{verify: true})
		if err == nil && errToo == nil && !hasSymbols(want) && !hasSymbols(got) {
			scale := math.Pow10(decimals)
			return math.RoundToEven(real(a.complex)*scale) == math.RoundToEven(real(b.complex)*scale) && imag(a.complex) == imag(b.complex)
		}
	}
	return same(want, got, true)
}

// isDecimal reports a number with a decimal point, or one with a percent sign.
func (e *expression) isDecimal() bool {
	if e.op == "*" && e.args[1].op == "number" && e.args[1].rat.Cmp(big.NewRat(1, 100)) == 0 {
		e = e.args[0]
	}
	return e.decimal
}

// matchMatrices compares element by element.
func matchMatrices(want, got *expression) bool {
	if want.op != got.op || len(want.args) != len(got.args) || (want.op != "matrix" && want.op != "row") {
		return false
	}
	return slices.EqualFunc(want.args, got.args, func(a, b *expression) bool {
		if a.op == "row" {
			return matchMatrices(a, b)
		}
		return matchExpressions(a, b)
	})
}

// spread returns the matrix that a matrix times numbers is; other expressions as they are.
func (e *expression) spread() *expression {
	if e.op != "*" {
		return e
	}
	left, right := e.args[0].spread(), e.args[1].spread()
	switch {
	case left.op == "matrix" && right.op != "matrix":
		return left.scaled(right)
	case right.op == "matrix" && left.op != "matrix":
		return right.scaled(left)
	}
	return e
}

func (e *expression) scaled(factor *expression) *expression {
	if e.op != "matrix" && e.op != "row" {
		return operation("*", e, factor)
	}
	scaled := operation(e.op)
	for _, arg := range e.args {
		scaled.args = append(scaled.args, arg.scaled(factor))
	}
	return scaled
}
