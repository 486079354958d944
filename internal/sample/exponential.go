package sample

import "math"

// Of exponentials: x is a whole number n times ln 2, and a rest between ±ln 2 / 2, whose exponential is Taylor's series.
const (
	shift  = 3 << 51                 // rounds to a whole number, which is then in the lowest bits
	ln2    = 0.693147180369123816490 // rounded so that whole numbers times it are exact
	rest   = math.Ln2 - ln2
	lowest = -708 // exp of less is below the smallest normal number
)

// series are the coefficients of Taylor's series of the exponential function, whose odd and even terms are added up apart.
var series = [...]float64{1, 1, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320}

// largestPlain is largest, number by number.
func largestPlain(list []float32) float32 {
	best := list[0]
	for _, z := range list {
		if z > best {
			best = z
		}
	}
	return best
}

// exponentialsPlain is exponentials, number by number.
func exponentialsPlain(to []float64, from []float32, best float32, scale float64) (total float64) {
	for i, z := range from {
		x := float64(z-best) * scale
		if !(x >= lowest) {
			to[i] = x - x // NaN of NaN
			if x < lowest {
				to[i] = 0
			}
			total += to[i]
			continue
		}
		shifted := x*math.Log2E + shift
		n := shifted - shift
		r := x - n*ln2 - n*rest
		s := r * r
		even := series[0] + s*(series[2]+s*(series[4]+s*(series[6]+s*series[8])))
		odd := r * (series[1] + s*(series[3]+s*(series[5]+s*series[7])))
		w := (even + odd) * math.Float64frombits((math.Float64bits(shifted)+1023)<<52)
		to[i] = w
		total += w
	}
	return total
}
