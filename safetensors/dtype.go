package safetensors

import (
	"math"
	"sort"
	"strings"
)

// Element types that convert from and to float32.
const (
	F64  = "F64"
	F32  = "F32"
	F16  = "F16"
	BF16 = "BF16"
)

// elementSize gives the bytes of one element, for every element type of the format that fills whole bytes.
var elementSize = map[string]int64{
	"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "F8_E8M0": 1,
	"U16": 2, "I16": 2, F16: 2, BF16: 2,
	"U32": 4, "I32": 4, F32: 4,
	"U64": 8, "I64": 8, F64: 8, "C64": 8,
}

func knownDTypes() string {
	var names []string
	for name := range elementSize {
		names = append(names, name)
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}

// isFloat reports whether dtype converts from and to float32.
func isFloat(dtype string) bool {
	return dtype == F64 || dtype == F32 || dtype == F16 || dtype == BF16
}

func isInf(v float32) bool { return math.IsInf(float64(v), 0) }

// toBF16 keeps the upper half of the float32, rounded to nearest, ties to even. A NaN stays one.
func toBF16(v float32) uint16 {
	bits := math.Float32bits(v)
	if v != v {
		return uint16(bits>>16) | 0x0040 // the quiet bit: a payload in the lower half alone would leave an infinity
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

// toF16 rounds to IEEE binary16, to nearest, ties to even; numbers of 65520 and above become infinities, those below
// 2^-14 subnormals or zero. A NaN stays one.
func toF16(v float32) uint16 {
	bits := math.Float32bits(v)
	sign := uint16(bits >> 16 & 0x8000)
	magnitude := bits & 0x7fffffff
	switch {
	case magnitude > 0x7f800000: // NaN
		return sign | 0x7e00 | uint16(magnitude>>13&0x3ff)
	case magnitude >= 0x477ff000: // 65520, half-way between the largest number and the next power of two
		return sign | 0x7c00
	case magnitude >= 0x38800000: // 2^-14, the smallest normal number: move the exponent's bias from 127 to 15
		return sign | uint16((magnitude-112<<23+0xfff+magnitude>>13&1)>>13)
	}
	// A subnormal counts units of 2^-24. Adding 0.5, whose last bit is worth 2^-24, makes the float32 addition do the
	// rounding and leaves the count in the low bits.
	return sign | uint16(math.Float32bits(math.Float32frombits(magnitude)+0.5)-math.Float32bits(0.5))
}

// fromF16 widens an IEEE binary16, given in the low half; every value is exact in float32. Exponent and fraction move to
// their places in a float32, which is then short of the difference of the exponents' biases: a product with 2^112 makes
// up for that, subnormals included. What is 65536 or more after it had the exponent of infinities and NaN.
func fromF16(half uint32) float32 {
	bits := math.Float32bits(math.Float32frombits(half&0x7fff<<13) * 0x1p112)
	if bits >= 0x47800000 {
		bits |= 0x7f800000
	}
	return math.Float32frombits(bits | half&0x8000<<16)
}
