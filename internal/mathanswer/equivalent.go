package mathanswer

import (
	"math"
	"math/cmplx"
	"strings"
)

// points is at how many values of their variables two expressions are compared.
const points = 4

// tolerance is the relative difference up to which two values that are not exact count as the same.
const tolerance = 1e-10

// Equivalent reports whether two normalised answers ([Normalize]) are the same expression, as SymPy's parse_latex reads them: their
// values agree, exactly where they are rational, at several complex values of their variables. What cannot be read, and what is
// no number (pairs, intervals, relations), is equivalent to nothing, itself included.
func Equivalent(a, b string) bool {
	plain := dialect{}
	left, err := plain.parse(a)
	if err != nil || left.op == "relation" {
		return false
	}
	right, err := plain.parse(b)
	if err != nil || right.op == "relation" {
		return false
	}
	return same(left, right, false)
}

func same(a, b *expression, verify bool) bool {
	for seed := range points {
		p := point{seed: byte(seed), verify: verify}
		left, err := a.at(p)
		if err != nil {
			return false
		}
		right, err := b.at(p)
		if err != nil || !left.equals(right, tolerance) {
			return false
		}
	}
	return true
}

func (v value) equals(w value, tolerance float64) bool {
	if v.rat != nil && w.rat != nil {
		return v.rat.Cmp(w.rat) == 0
	}
	size := math.Max(cmplx.Abs(v.complex), cmplx.Abs(w.complex))
	return cmplx.Abs(v.complex-w.complex) <= tolerance*math.Max(1, size)
}

// gradeOriginal grades as Lewkowycz et al. do: the answer of the last sentence, normalised, must be the reference's text or
// equivalent to it.
func gradeOriginal(generation, reference string) bool {
	answer := Normalize(FinalAnswer(generation))
	if answer == Invalid {
		return false
	}
	reference = Normalize(reference)
	return strings.TrimSpace(answer) == strings.TrimSpace(reference) || Equivalent(answer, reference)
}
