package nf4

import (
	"math"
	"slices"
)

// levels are the values of the 16 codes, for a block whose largest magnitude is 1: quantiles of the normal distribution,
// eight on the negative side and nine on the positive, sharing 0 (QLoRA, §3, "4-bit NormalFloat Quantization"; the numbers
// are those that bitsandbytes fixed).
var levels = [16]float32{
	-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
	-0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0,
	0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
	0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
}

// midpoints returns the means of neighbours, rounded to float32.
func midpoints(ascending []float32) []float32 {
	middle := make([]float32, len(ascending)-1)
	for i := range middle {
		middle[i] = (ascending[i] + ascending[i+1]) / 2
	}
	return middle
}

// cell is a part of [-1, 1] that no two midpoints between levels lie in: the code of its numbers takes one comparison.
type cell struct {
	midpoint float32 // +Inf in a cell without one
	code     uint8   // of numbers up to midpoint; above it the next
}

// cells divide [-1, 1] into parts 1/16 wide; the closest midpoints are 0.08 apart. (64 of them, so that a masked index is
// in bounds; the last of those used is 32.)
var cells = makeCells()

func makeCells() (cells [64]cell) {
	for i := range cells {
		cells[i].midpoint = float32(math.Inf(1))
	}
	for i, midpoint := range midpoints(levels[:]) {
		at := cellOf(midpoint)
		cells[at].midpoint = midpoint
		for j := at + 1; j < len(cells); j++ {
			cells[j].code = uint8(i + 1)
		}
	}
	return cells
}

// cellOf is the number of x's cell. It never decreases as x grows, rounding included, so that numbers in lower cells than
// a midpoint are below it, and those in higher cells above.
func cellOf(x float32) int { return int(int32((x+1)*16)) & 63 }

// nearestLevel is the code of the level that is nearest to x, which lies in [-1, 1]; the lower of two that are equally near.
func nearestLevel(x float32) uint8 {
	c := &cells[cellOf(x)]
	var above uint8
	if x > c.midpoint {
		above = 1
	}
	return c.code + above
}

// dynamicMap are the values of the 256 codes of a scale: bitsandbytes' signed dynamic map (Dettmers, arXiv:1511.04561).
// For each i from 0 to 6 there are 2^i values a side, at the middles of the parts of [0.1, 1] divided by 2^i, times
// 10^(i-6); 0 and 1 complete them. bitsandbytes computes it in float32 steps, whose rounding differs between versions of
// PyTorch; these are the exact numbers, rounded once, a unit or two in the last place away.
var dynamicMap = makeDynamicMap()

func makeDynamicMap() (values [256]float32) {
	ascending := append(make([]float32, 0, 256), 0, 1)
	power := 1e6
	for parts := 1; parts <= 64; parts *= 2 {
		for part := range parts {
			// 0.1 + 0.9·(2·part+1)/(2·parts) as a fraction of whole numbers.
			value := float32(float64(2*parts+18*part+9) / (20 * float64(parts) * power))
			ascending = append(ascending, value, -value)
		}
		power /= 10
	}
	slices.Sort(ascending)
	return [256]float32(ascending)
}

var dynamicMidpoints = midpoints(dynamicMap[:])

// nearestDynamic is the code of the value in dynamicMap that is nearest to x, which lies in [-1, 1]; the even one of two
// that are equally near, as bitsandbytes' search finds it.
func nearestDynamic(x float32) uint8 {
	code, tie := slices.BinarySearch(dynamicMidpoints, x)
	if tie && code%2 == 1 {
		code++
	}
	return uint8(code)
}
