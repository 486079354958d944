package safetensors

import (
	"encoding/binary"
	"fmt"
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

// decodeFloats converts every element of data to float32. It reports the place and value of a finite F64 that float32
// cannot hold.
func decodeFloats(dtype string, data []byte) ([]float32, error) {
	size, ok := elementSize[dtype]
	if !ok {
		return nil, fmt.Errorf("unknown dtype %q", dtype)
	}
	values := make([]float32, int64(len(data))/size)
	switch dtype {
	case F32:
		for i := range values {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
	case BF16:
		for i := range values {
			values[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(data[2*i:])) << 16)
		}
	case F16:
		for i := range values {
			values[i] = fromF16(binary.LittleEndian.Uint16(data[2*i:]))
		}
	case F64:
		for i := range values {
			wide := math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
			values[i] = float32(wide)
			if isInf(values[i]) && !math.IsInf(wide, 0) {
				return nil, fmt.Errorf("element %d is %g, beyond the range of float32", i, wide)
			}
		}
	default:
		return nil, fmt.Errorf("dtype %s does not convert to float32; only F16, BF16, F32 and F64 do", dtype)
	}
	return values, nil
}

// encodeFloats converts values to dtype and puts them into data, which must have room for exactly them. Rounding is to
// nearest, ties to even. It reports the place, counted from first, and value of a finite number that dtype cannot hold:
// written as infinity it would spoil a model silently.
func encodeFloats(dtype string, data []byte, values []float32, first int) error {
	switch dtype {
	case F32:
		for i, v := range values {
			binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
		}
	case F64:
		for i, v := range values {
			binary.LittleEndian.PutUint64(data[8*i:], math.Float64bits(float64(v)))
		}
	case BF16:
		for i, v := range values {
			half := toBF16(v)
			if half&0x7fff == 0x7f80 && !isInf(v) {
				return fmt.Errorf("element %d is %g, beyond the range of BF16 (3.39e38)", first+i, v)
			}
			binary.LittleEndian.PutUint16(data[2*i:], half)
		}
	case F16:
		for i, v := range values {
			half := toF16(v)
			if half&0x7fff == 0x7c00 && !isInf(v) {
				return fmt.Errorf("element %d is %g, beyond the range of F16 (65504); write it as F32 or BF16", first+i, v)
			}
			binary.LittleEndian.PutUint16(data[2*i:], half)
		}
	default:
		return fmt.Errorf("dtype %s does not convert from float32; only F16, BF16, F32 and F64 do", dtype)
	}
	return nil
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

// fromF16 widens an IEEE binary16; every value is exact in float32.
func fromF16(half uint16) float32 {
	sign := uint32(half&0x8000) << 16
	exponent, fraction := uint32(half>>10&0x1f), uint32(half&0x3ff)
	switch exponent {
	case 0: // zero and subnormals: fraction · 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-24))
	case 0x1f: // infinities and NaN
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}
