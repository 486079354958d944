package safetensors

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
)

var (
	inf = float32(math.Inf(1))
	nan = float32(math.NaN())
)

func TestToF16(t *testing.T) {
	tests := []struct {
		name string
		in   float32
		want uint16
	}{
		{"zero", 0, 0x0000},
		{"negative zero", float32(math.Copysign(0, -1)), 0x8000},
		{"one", 1, 0x3c00},
		{"minus two", -2, 0xc000},
		{"largest", 65504, 0x7bff},
		{"just below the overflow", math.Nextafter32(65520, 0), 0x7bff},
		{"overflow", 65520, 0x7c00},
		{"infinity", inf, 0x7c00},
		{"minus infinity", -inf, 0xfc00},
		{"smallest normal", 0x1p-14, 0x0400},
		{"largest subnormal", 1023 * 0x1p-24, 0x03ff},
		{"subnormal that rounds up to normal", 1023.5 * 0x1p-24, 0x0400},
		{"smallest subnormal", 0x1p-24, 0x0001},
		{"half the smallest ties to zero", 0x1p-25, 0x0000},
		{"more than half the smallest", math.Nextafter32(0x1p-25, 1), 0x0001},
		{"one and a half subnormals tie to two", 1.5 * 0x1p-24, 0x0002},
		{"float32 subnormal", math.SmallestNonzeroFloat32, 0x0000},
		{"tie to even, down", 1 + 0x1p-11, 0x3c00},
		{"tie to even, up", 1 + 3*0x1p-11, 0x3c02},
		{"above the tie", 1 + 0x1p-11 + 0x1p-20, 0x3c01},
		{"carry into the exponent", 2 - 0x1p-12, 0x4000},
	}
	for _, test := range tests {
		if got := toF16(test.in); got != test.want {
			t.Errorf("%s: toF16(%g) = %#04x, want %#04x", test.name, test.in, got, test.want)
		}
	}
}

func TestToBF16(t *testing.T) {
	tests := []struct {
		name string
		in   float32
		want uint16
	}{
		{"zero", 0, 0x0000},
		{"negative zero", float32(math.Copysign(0, -1)), 0x8000},
		{"one", 1, 0x3f80},
		{"tie to even, down", 1 + 0x1p-8, 0x3f80},
		{"tie to even, up", 1 + 3*0x1p-8, 0x3f82},
		{"above the tie", 1 + 0x1p-8 + 0x1p-20, 0x3f81},
		{"infinity", inf, 0x7f80},
		{"minus infinity", -inf, 0xff80},
		{"largest float32 overflows", math.MaxFloat32, 0x7f80},
		{"smallest subnormal", 0x1p-133, 0x0001},
		{"half of it ties to zero", 0x1p-134, 0x0000},
		{"three halves tie to two", 3 * 0x1p-134, 0x0002},
		{"NaN with a payload in the low half", math.Float32frombits(0x7f800001), 0x7fc0},
	}
	for _, test := range tests {
		if got := toBF16(test.in); got != test.want {
			t.Errorf("%s: toBF16(%g) = %#04x, want %#04x", test.name, test.in, got, test.want)
		}
	}
}

// Every 16-bit number survives the way through float32, and the order of the positive ones is kept.
func TestHalfRoundTrip(t *testing.T) {
	for bits := range 1 << 16 {
		half := uint16(bits)
		if wide := fromF16(uint32(half)); wide != wide {
			if back := toF16(wide); back&0x7c00 != 0x7c00 || back&0x3ff == 0 {
				t.Errorf("F16 NaN %#04x became %#04x", half, back)
			}
		} else if back := toF16(wide); back != half {
			t.Errorf("F16 %#04x became %g became %#04x", half, wide, back)
		}
		wide := math.Float32frombits(uint32(half) << 16)
		if back := toBF16(wide); wide == wide && back != half {
			t.Errorf("BF16 %#04x became %g became %#04x", half, wide, back)
		} else if wide != wide && (back&0x7f80 != 0x7f80 || back&0x7f == 0) {
			t.Errorf("BF16 NaN %#04x became %#04x", half, back)
		}
	}
	for half := uint16(1); half <= 0x7c00; half++ {
		if !(fromF16(uint32(half)) > fromF16(uint32(half-1))) {
			t.Errorf("F16 %#04x = %g is not above its predecessor", half, fromF16(uint32(half)))
		}
	}
	if got := fromF16(0x3555); got != 1365*0x1p-12 {
		t.Errorf("fromF16(0x3555) = %g, want 1365/4096", got)
	}
}

// The nearest 16-bit number is found by comparing distances to both neighbours, in float64.
func FuzzToF16(f *testing.F) {
	for _, bits := range []uint32{0, 0x3f800001, 0x33000000, 0x387fe000, 0x477fefff, 0x80000001} {
		f.Add(bits)
	}
	f.Fuzz(func(t *testing.T, bits uint32) {
		v := math.Float32frombits(bits)
		if v != v || math.Abs(float64(v)) >= 65520 {
			return
		}
		got := toF16(v)
		distance := math.Abs(float64(fromF16(uint32(got))) - float64(v))
		for _, neighbour := range []uint16{got - 1, got + 1} {
			if neighbour&0x7c00 == 0x7c00 || neighbour&0x8000 != got&0x8000 {
				continue
			}
			other := math.Abs(float64(fromF16(uint32(neighbour))) - float64(v))
			if other < distance || other == distance && got&1 == 1 {
				t.Errorf("toF16(%g) = %g, but %g is the nearest", v, fromF16(uint32(got)), fromF16(uint32(neighbour)))
			}
		}
	})
}

func TestConversionErrors(t *testing.T) {
	wide := make([]byte, 16)
	binary.LittleEndian.PutUint64(wide[8:], math.Float64bits(1e300))
	tests := []struct {
		name string
		run  func() error
		want string
	}{
		{"read integers", func() error { return decodeFloats(make([]float32, 2), "I64", wide, 0) }, "I64 does not convert to float32"},
		{"read unknown", func() error { return decodeFloats(make([]float32, 2), "F4", wide, 0) }, "F4 does not convert to float32"},
		{"read too large", func() error { return decodeFloats(make([]float32, 2), F64, wide, 100) }, "element 101 is 1e+300, beyond the range of float32"},
		{"write integers", func() error { return encodeFloats("I64", nil, nil, 0) }, "I64 does not convert from float32"},
		{"write too large for F16", func() error { return encodeFloats(F16, make([]byte, 4), []float32{1, 7e4}, 100) }, "element 101 is 70000, beyond the range of F16"},
		{"write too large for BF16", func() error { return encodeFloats(BF16, make([]byte, 2), []float32{-math.MaxFloat32}, 0) }, "element 0 is -3.4028235e+38, beyond the range of BF16"},
	}
	for _, test := range tests {
		if err := test.run(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want %q", test.name, err, test.want)
		}
	}
}
