package mathanswer

import (
	"errors"
	"hash/fnv"
	"math"
	"math/big"
	"math/cmplx"
)

// A value is a complex number, exact where it is rational.
type value struct {
	rat     *big.Rat // nil where it is not known to be rational
	complex complex128
}

func exact(r *big.Rat) value {
	f, _ := r.Float64()
	return value{r, complex(f, 0)}
}

// A point gives every symbol a value: the same symbol has the same one wherever it stands.
type point struct {
	seed   byte
	verify bool // i and \pi are numbers, variables are real
}

var errNoValue = errors.New("it has no value")

// maxBits bounds the size of exact numbers.
const maxBits = 4096

func (e *expression) at(p point) (value, error) {
	switch e.op {
	case "number":
		return exact(e.rat), nil
	case "symbol":
		return p.symbol(e.name), nil
	case "relation", "matrix", "row":
		return value{}, errNoValue
	}
	args := make([]value, len(e.args))
	for i, arg := range e.args {
		var err error
		if args[i], err = arg.at(p); err != nil {
			return value{}, err
		}
	}
	if e.free {
		return p.free(e.op, args), nil
	}
	v := apply(e.op, args)
	if v.rat == nil && (cmplx.IsNaN(v.complex) || cmplx.IsInf(v.complex)) {
		return value{}, errNoValue
	}
	return v, nil
}

// symbol returns a number that depends on the name and the seed alone, with real and imaginary parts from -2 to 2. For verifying,
// variables are real.
func (p point) symbol(name string) value {
	if p.verify && name == `\pi` {
		return value{complex: math.Pi}
	}
	if p.verify && name == "i" {
		return value{complex: 1i}
	}
	hash := fnv.New64a()
	hash.Write(append([]byte(name), 0, p.seed)) //nolint:errcheck // a hash takes everything
	bits := hash.Sum64() * 0x9e3779b97f4a7c15
	x, y := float64(bits>>40)/(1<<22)-2, float64(bits<<24>>40)/(1<<22)-2
	if p.verify {
		return value{complex: complex(x, 0)}
	}
	return value{complex: complex(x, y)}
}

// free returns the value of a function of which only the name is known: it depends smoothly on its arguments.
func (p point) free(name string, args []value) value {
	sum := p.symbol(name + "()").complex
	for i, arg := range args {
		sum += arg.complex * p.symbol(name+string(rune('0'+i))).complex
	}
	return value{complex: cmplx.Tanh(sum / 8)}
}

func apply(op string, args []value) value {
	a := args[0]
	var b value
	if len(args) > 1 {
		b = args[1]
	}
	switch op {
	case "+":
		return arithmetic(a, b, (*big.Rat).Add, a.complex+b.complex)
	case "*":
		return arithmetic(a, b, (*big.Rat).Mul, a.complex*b.complex)
	case `\frac`:
		return apply("*", []value{a, power(b, exact(big.NewRat(-1, 1)))})
	case "^":
		return power(a, b)
	case "!":
		return factorial(a)
	case `\binom`:
		return binomial(a, b)
	case "abs":
		if a.rat != nil {
			return exact(new(big.Rat).Abs(a.rat))
		}
		return value{complex: complex(cmplx.Abs(a.complex), 0)}
	case "floor":
		return round(a, math.Floor)
	case "ceil":
		return round(a, math.Ceil)
	case `\log`, `\lg`, `\ln`:
		return logarithm(op, args)
	}
	return value{complex: elementary[op](a.complex)}
}

// arithmetic is exact where both sides are and the result is not too long.
func arithmetic(a, b value, exactly func(z, x, y *big.Rat) *big.Rat, otherwise complex128) value {
	if a.rat == nil || b.rat == nil || bits(a.rat)+bits(b.rat) > maxBits {
		return value{complex: otherwise}
	}
	return exact(exactly(new(big.Rat), a.rat, b.rat))
}

func bits(r *big.Rat) int { return r.Num().BitLen() + r.Denom().BitLen() }

func power(base, exponent value) value {
	if e := exponent.rat; e != nil && e.IsInt() && e.Num().IsInt64() && base.rat != nil {
		n := e.Num().Int64()
		switch {
		case base.rat.Sign() == 0 && n < 0:
			return value{complex: cmplx.Inf()}
		case max(n, -n) < maxBits && bits(base.rat)*int(max(n, -n)) <= maxBits:
			size := new(big.Int).Abs(e.Num())
			num, denom := new(big.Int).Exp(base.rat.Num(), size, nil), new(big.Int).Exp(base.rat.Denom(), size, nil)
			if n < 0 {
				num, denom = denom, num
			}
			return exact(new(big.Rat).SetFrac(num, denom))
		}
	}
	if base.complex == 0 && real(exponent.complex) <= 0 {
		return value{complex: cmplx.NaN()}
	}
	return rootOf(base, exponent, value{complex: cmplx.Pow(base.complex, exponent.complex)})
}

// rootOf makes the square root of a square exact.
func rootOf(base, exponent, v value) value {
	if base.rat == nil || base.rat.Sign() < 0 || exponent.rat == nil || exponent.rat.Cmp(big.NewRat(1, 2)) != 0 {
		return v
	}
	num, denom := new(big.Int).Sqrt(base.rat.Num()), new(big.Int).Sqrt(base.rat.Denom())
	root := new(big.Rat).SetFrac(num, denom)
	if new(big.Rat).Mul(root, root).Cmp(base.rat) != 0 {
		return v
	}
	return exact(root)
}

// factorial is exact for whole numbers; elsewhere it is the gamma function on the real axis, and unknown off it.
func factorial(a value) value {
	if a.rat != nil && a.rat.IsInt() && a.rat.Sign() >= 0 && a.rat.Num().IsInt64() && a.rat.Num().Int64() <= 400 {
		return exact(new(big.Rat).SetInt(new(big.Int).MulRange(1, a.rat.Num().Int64())))
	}
	if imag(a.complex) != 0 {
		return point{}.free("!", []value{a})
	}
	return value{complex: complex(math.Gamma(real(a.complex)+1), 0)}
}

// binomial is exact for whole numbers, and unknown elsewhere.
func binomial(n, k value) value {
	if n.rat != nil && k.rat != nil && n.rat.IsInt() && k.rat.IsInt() && n.rat.Num().IsInt64() && k.rat.Num().IsInt64() {
		if n, k := n.rat.Num().Int64(), k.rat.Num().Int64(); n >= 0 && n <= 1000 {
			if k < 0 || k > n {
				return exact(new(big.Rat))
			}
			return exact(new(big.Rat).SetInt(new(big.Int).Binomial(n, k)))
		}
	}
	return point{}.free(`\binom`, []value{n, k})
}

func round(a value, to func(float64) float64) value {
	if a.rat == nil {
		return value{complex: complex(to(real(a.complex)), to(imag(a.complex)))}
	}
	floor := new(big.Int).Div(a.rat.Num(), a.rat.Denom())
	if to(0.5) == 1 && !a.rat.IsInt() {
		floor.Add(floor, big.NewInt(1))
	}
	return exact(new(big.Rat).SetInt(floor))
}

// logarithm has the base 10 where none is given, and e for \ln.
func logarithm(name string, args []value) value {
	v := cmplx.Log(args[0].complex)
	switch {
	case len(args) > 1:
		v /= cmplx.Log(args[1].complex)
	case name != `\ln`:
		v /= complex(math.Ln10, 0)
	}
	return value{complex: v}
}

var elementary = map[string]func(complex128) complex128{
	`\exp`: cmplx.Exp, `\sin`: cmplx.Sin, `\cos`: cmplx.Cos, `\tan`: cmplx.Tan, `\cot`: cmplx.Cot,
	`\sec`:    func(z complex128) complex128 { return 1 / cmplx.Cos(z) },
	`\csc`:    func(z complex128) complex128 { return 1 / cmplx.Sin(z) },
	`\arcsin`: cmplx.Asin, `\arccos`: cmplx.Acos, `\arctan`: cmplx.Atan,
	`\sinh`: cmplx.Sinh, `\cosh`: cmplx.Cosh, `\tanh`: cmplx.Tanh,
}
