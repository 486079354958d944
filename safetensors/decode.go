package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// littleEndian reports whether this machine stores numbers as the format does.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// floatBytes is the memory of values, as bytes.
func floatBytes(values []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), 4*len(values))
}

// decodeFloats converts the elements of data to float32, as many as there is room for in values; data must have them.
// It reports the place, counted from first, and value of a finite F64 that float32 cannot hold.
func decodeFloats(values []float32, dtype string, data []byte, first int) error {
	switch dtype {
	case F32:
		decodeF32(values, data)
	case BF16:
		decodeBF16(values, data)
	case F16:
		decodeF16(values, data)
	case F64:
		return decodeF64(values, data, first)
	default:
		return fmt.Errorf("dtype %s does not convert to float32; only F16, BF16, F32 and F64 do", dtype)
	}
	return nil
}

func decodeF32(values []float32, data []byte) {
	if littleEndian {
		copy(floatBytes(values), data)
		return
	}
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
}

// decodeBF16 reads four numbers at a time.
func decodeBF16(values []float32, data []byte) {
	for len(values) >= 4 && len(data) >= 8 {
		four := binary.LittleEndian.Uint64(data)
		values[0] = math.Float32frombits(uint32(four) << 16)
		values[1] = math.Float32frombits(uint32(four) & 0xffff0000)
		values[2] = math.Float32frombits(uint32(four>>16) & 0xffff0000)
		values[3] = math.Float32frombits(uint32(four>>32) & 0xffff0000)
		values, data = values[4:], data[8:]
	}
	for i := range values {
		values[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(data[2*i:])) << 16)
	}
}

// decodeF16 reads four numbers at a time.
func decodeF16(values []float32, data []byte) {
	for len(values) >= 4 && len(data) >= 8 {
		four := binary.LittleEndian.Uint64(data)
		values[0] = fromF16(uint32(four) & 0xffff)
		values[1] = fromF16(uint32(four) >> 16)
		values[2] = fromF16(uint32(four>>32) & 0xffff)
		values[3] = fromF16(uint32(four >> 48))
		values, data = values[4:], data[8:]
	}
	for i := range values {
		values[i] = fromF16(uint32(binary.LittleEndian.Uint16(data[2*i:])))
	}
}

func decodeF64(values []float32, data []byte, first int) error {
	for i := range values {
		wide := math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
		values[i] = float32(wide)
		if isInf(values[i]) && !math.IsInf(wide, 0) {
			return fmt.Errorf("element %d is %g, beyond the range of float32", first+i, wide)
		}
	}
	return nil
}
