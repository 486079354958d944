//go:build !goexperiment.simd || !amd64

package sample

// largest is the largest of a list, of at least one number; of any value where one is NaN.
func largest(list []float32) float32 { return largestPlain(list) }

// exponentials sets each of to to exp((x - best)·scale), for x that are at most best, and returns their sum. The relative
// error is below 1e-9; what is below the smallest normal number is 0.
func exponentials(to []float64, from []float32, best float32, scale float64) (total float64) {
	return exponentialsPlain(to, from, best, scale)
}
