package safetensors

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// encoder writes the data of tensors, one after the other.
type encoder struct {
	w      io.Writer
	buffer []byte
}

// write appends one tensor's data, whose description has been checked.
func (e *encoder) write(t TensorData) error {
	values := t.Float32
	switch {
	case t.Load != nil:
		var err error
		if values, err = t.Load(); err != nil {
			return err
		}
		if n := elements(t.Shape); len(values) != n {
			return fmt.Errorf("shape %v has %d elements, Load gave %d", t.Shape, n, len(values))
		}
	case t.Float32 == nil:
		_, err := e.w.Write(t.Bytes)
		return err
	}
	if t.DType == F32 && littleEndian {
		_, err := e.w.Write(floatBytes(values))
		return err
	}
	return e.convert(t.DType, values)
}

// convert appends values as dtype. Pieces of them are converted on all cores into the buffer.
func (e *encoder) convert(dtype string, values []float32) error {
	const room = 16 * pieceSize
	width := int(elementSize[dtype])
	for done := 0; done < len(values); done += room {
		piece := values[done:min(done+room, len(values))]
		if size := len(piece) * width; len(e.buffer) < size {
			e.buffer = make([]byte, size)
		}
		err := inPieces(len(piece), func(begin, end int) error {
			return encodeFloats(dtype, e.buffer[begin*width:end*width], piece[begin:end], done+begin)
		})
		if err != nil {
			return err
		}
		if _, err := e.w.Write(e.buffer[:len(piece)*width]); err != nil {
			return err
		}
	}
	return nil
}

// encodeFloats converts values to dtype and puts them into data, which must have room for them. Rounding is to
// nearest, ties to even. It reports the place, counted from first, and value of a finite number that dtype cannot hold:
// written as infinity it would spoil a model silently.
func encodeFloats(dtype string, data []byte, values []float32, first int) error {
	switch dtype {
	case F32:
		encodeF32(data, values)
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

func encodeF32(data []byte, values []float32) {
	if littleEndian {
		copy(data, floatBytes(values))
		return
	}
	for i, v := range values {
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
	}
}
