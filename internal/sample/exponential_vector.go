//go:build goexperiment.simd && amd64

package sample

import (
	"math"
	"simd/archsimd"
)

// vectors says whether this machine's processor has the instructions used here.
var vectors = archsimd.X86.AVX2() && archsimd.X86.FMA()

// largest is the largest of a list, of at least one number; of any value where one is NaN.
func largest(list []float32) float32 {
	if !vectors || len(list) < 8 {
		return largestPlain(list)
	}
	best := archsimd.LoadFloat32x8Slice(list)
	rest := list[8:]
	for ; len(rest) >= 8; rest = rest[8:] {
		best = best.Max(archsimd.LoadFloat32x8Slice(rest))
	}
	var lanes [8]float32
	best.Store(&lanes)
	archsimd.ClearAVXUpperBits()
	most := largestPlain(lanes[:])
	for _, z := range rest {
		most = max(most, z)
	}
	return most
}

// exponentials sets each of to to exp((x - best)·scale), for x that are at most best, and returns their sum. The relative
// error is below 1e-9; what is below the smallest normal number is 0. For a large vocabulary that is what a choice costs.
func exponentials(to []float64, from []float32, best float32, scale float64) (total float64) {
	whole := 0
	if vectors {
		whole = len(from) / 4 * 4
		total = exponentialsOfFours(to[:whole], from[:whole], best, scale)
	}
	return total + exponentialsPlain(to[whole:], from[whole:], best, scale)
}

// exponentialsOfFours is exponentials of a list whose length is a multiple of four.
func exponentialsOfFours(to []float64, from []float32, best float32, scale float64) float64 {
	bests, scales, lows := archsimd.BroadcastFloat32x4(best), archsimd.BroadcastFloat64x4(scale), archsimd.BroadcastFloat64x4(lowest)
	shifts, log2, high, low := archsimd.BroadcastFloat64x4(shift), archsimd.BroadcastFloat64x4(math.Log2E), archsimd.BroadcastFloat64x4(-ln2), archsimd.BroadcastFloat64x4(-rest)
	bias := archsimd.BroadcastInt64x4(1023)
	c0, c2, c3, c4 := archsimd.BroadcastFloat64x4(series[0]), archsimd.BroadcastFloat64x4(series[2]), archsimd.BroadcastFloat64x4(series[3]), archsimd.BroadcastFloat64x4(series[4])
	c5, c6, c7, c8 := archsimd.BroadcastFloat64x4(series[5]), archsimd.BroadcastFloat64x4(series[6]), archsimd.BroadcastFloat64x4(series[7]), archsimd.BroadcastFloat64x4(series[8])
	var totals archsimd.Float64x4
	for len(from) >= 4 && len(to) >= 4 {
		x := archsimd.LoadFloat32x4Slice(from).Sub(bests).ConvertToFloat64().Mul(scales)
		shifted := x.MulAdd(log2, shifts)
		n := shifted.Sub(shifts)
		r := n.MulAdd(low, n.MulAdd(high, x))
		s := r.Mul(r)
		even := c8.MulAdd(s, c6).MulAdd(s, c4).MulAdd(s, c2).MulAdd(s, c0)
		odd := c7.MulAdd(s, c5).MulAdd(s, c3).MulAdd(s, c0)
		power := shifted.AsInt64x4().Add(bias).ShiftAllLeft(52).AsFloat64x4()
		w := odd.MulAdd(r, even).Mul(power)
		w = w.AsInt64x4().AndNot(x.Less(lows).ToInt64x4()).AsFloat64x4()
		w.StoreSlice(to)
		totals = totals.Add(w)
		from, to = from[4:], to[4:]
	}
	var lanes [4]float64
	totals.Store(&lanes)
	archsimd.ClearAVXUpperBits()
	return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
}
