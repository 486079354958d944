package mathanswer

import (
	"math"
	"math/cmplx"
)

// turned gives every sign the one that it becomes when its sides change places.
var turned = map[string]string{"=": "=", "≠": "≠", "<": ">", ">": "<", "≤": "≥", "≥": "≤"}

// matchRelations compares two chains of relations link by link: the values of a variable, or equations and inequalities that are
// multiples of each other.
func matchRelations(want, got *answer) bool {
	if want.isAssignment() && got.isAssignment() {
		return matches(want.items[0], got.items[0]) && matches(want.items[len(want.items)-1], got.items[len(got.items)-1])
	}
	if len(want.items) != len(got.items) {
		return false
	}
	for i, sign := range want.signs {
		if !matchLink(want.items[i:i+2], got.items[i:i+2], relations[sign], relations[got.signs[i]]) {
			return false
		}
	}
	return true
}

func matchLink(want, got []*answer, wantSign, gotSign string) bool {
	if wantSign != gotSign && wantSign != turned[gotSign] {
		return false
	}
	for _, side := range append(want, got...) {
		if side.expression == nil {
			return wantSign == gotSign && matches(want[0], got[0]) && matches(want[1], got[1])
		}
	}
	ratio := cmplx.NaN()
	for seed := range points {
		p := point{seed: byte(seed), verify: true}
		a, errA := difference(want, p)
		b, errB := difference(got, p)
		r := b / a
		if errA != nil || errB != nil || cmplx.IsNaN(r) || cmplx.IsInf(r) || r == 0 {
			return false
		}
		if seed > 0 && cmplx.Abs(r-ratio) > tolerance*math.Max(1, cmplx.Abs(ratio)) {
			return false
		}
		ratio = r
	}
	if wantSign == "=" || wantSign == "≠" {
		return true
	}
	return imag(ratio) == 0 && (real(ratio) > 0) == (wantSign == gotSign)
}

// difference returns how much the left side of a relation exceeds the right.
func difference(sides []*answer, p point) (complex128, error) {
	left, err := sides[0].expression.at(p)
	if err != nil {
		return 0, err
	}
	right, err := sides[1].expression.at(p)
	return left.complex - right.complex, err
}

// interval returns the interval that an inequality of one variable, or two around it, stand for; other relations as they are.
func (a *answer) interval() *answer {
	infinity := func(negated bool) *answer {
		e := symbol(`\infty`)
		if negated {
			e = negative(e)
		}
		return &answer{expression: e}
	}
	isVariable := func(item *answer) bool { return item.expression != nil && item.expression.op == "symbol" }
	var low, high *answer
	var lowSign, highSign string
	switch {
	case len(a.items) == 3 && isVariable(a.items[1]):
		low, lowSign, highSign, high = a.items[0], relations[a.signs[0]], relations[a.signs[1]], a.items[2]
	case len(a.items) == 2 && isVariable(a.items[0]):
		low, lowSign, highSign, high = infinity(true), "<", relations[a.signs[0]], a.items[1]
	case len(a.items) == 2 && isVariable(a.items[1]):
		low, lowSign, highSign, high = a.items[0], relations[a.signs[0]], "<", infinity(false)
	default:
		return a
	}
	return bounded(a, low, high, lowSign, highSign)
}

// bounded makes the interval between two bounds; signs that point the other way change the bounds' places.
func bounded(a, low, high *answer, lowSign, highSign string) *answer {
	opening, closing := map[string]string{"<": "(", "≤": "["}, map[string]string{"<": ")", "≤": "]"}
	if len(a.items) == 2 && (highSign == ">" || highSign == "≥") { // x > 1
		low, lowSign, high, highSign = high, turned[highSign], &answer{expression: symbol(`\infty`)}, "<"
	} else if len(a.items) == 2 && (lowSign == ">" || lowSign == "≥") { // 1 > x
		low, lowSign, high, highSign = &answer{expression: negative(symbol(`\infty`))}, "<", low, turned[lowSign]
	} else if lowSign == ">" || lowSign == "≥" { // 2 > x > 1
		low, lowSign, high, highSign = high, turned[highSign], low, turned[lowSign]
	}
	if opening[lowSign] == "" || closing[highSign] == "" {
		return a
	}
	return &answer{kind: '(', items: []*answer{low, high}, brackets: opening[lowSign] + closing[highSign]}
}
