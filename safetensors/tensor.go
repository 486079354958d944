package safetensors

import (
	"fmt"
	"runtime/debug"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Tensor is one tensor of an open file.
type Tensor struct {
	Name string
	// DType is the element type as the format names it: F64, F32, F16, BF16, I64, I32, U8, BOOL, …
	DType string
	// Shape is the size of each axis; empty for a single number.
	Shape []int
	// Bytes is the row-major little-endian data. It lies in the mapped file: it must not be written to, nor read after
	// the file is closed, and need not be aligned.
	Bytes []byte

	file  *File
	begin int64 // where Bytes starts in the file
}

// Len returns the number of elements.
func (t Tensor) Len() int { return elements(t.Shape) }

// elements returns the number of elements of a tensor of that shape.
func elements(shape []int) int {
	n := 1
	for _, size := range shape {
		n *= size
	}
	return n
}

// Float32 returns a copy of the tensor's elements as float32, row-major; see DecodeFloat32.
func (t Tensor) Float32() ([]float32, error) {
	if !isFloat(t.DType) {
		return nil, t.DecodeFloat32(nil, 0) // the error, without room for the values
	}
	values := make([]float32, t.Len())
	if err := t.DecodeFloat32(values, 0); err != nil {
		return nil, err
	}
	return values, nil
}

// DecodeFloat32 converts the elements first, first+1, … of the row-major data to float32 and fills into with them; a long
// piece is converted on all cores. F16 and BF16 convert exactly, F64 to the nearest float32. Other element types, a finite
// F64 too large for float32, a range outside the tensor, a closed file and one shortened since it was opened are errors;
// what into holds after an error is not defined.
//
// To stream a tensor that is too large to stand in memory twice, decode it in pieces and Release it after each.
func (t Tensor) DecodeFloat32(into []float32, first int) error {
	if first < 0 || first > t.Len() || len(into) > t.Len()-first {
		return fmt.Errorf("%s: %d elements from element %d on asked for, it has %d", t.place(), len(into), first, t.Len())
	}
	if t.file != nil {
		t.file.use.RLock()
		defer t.file.use.RUnlock()
		if t.file.closed {
			return fmt.Errorf("%s: the file is closed", t.place())
		}
	}
	size := int(elementSize[t.DType])
	data := t.Bytes[first*size:][:len(into)*size]
	err := inPieces(len(into), func(begin, end int) error {
		return readingMap(func() error {
			return decodeFloats(into[begin:end], t.DType, data[begin*size:], first+begin)
		})
	})
	if err != nil {
		return usage.Errorf("%s: %w", t.place(), err)
	}
	return nil
}

// Release tells the system that the tensor's pages need not stay in this process's memory, so that what is resident does
// not grow with the file while tensors are read one after the other. The tensor can still be read; its pages then come
// back from the file. Where the file is not mapped, and after it is closed, Release does nothing.
func (t Tensor) Release() {
	if t.file == nil || !t.file.mapped || len(t.Bytes) == 0 {
		return
	}
	t.file.use.RLock()
	defer t.file.use.RUnlock()
	if !t.file.closed {
		dropPages(t.file.content, t.begin, t.begin+int64(len(t.Bytes)))
	}
}

// place names the tensor in messages.
func (t Tensor) place() string {
	if t.file == nil {
		return fmt.Sprintf("tensor %q", t.Name)
	}
	return fmt.Sprintf("%s: tensor %q", t.file.path, t.Name)
}

// readingMap calls read and turns a page of a mapped file that cannot be read into an error; it would end the program.
func readingMap(read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch fault := recover().(type) {
		case nil:
		case interface{ Addr() uintptr }: // the runtime's error for an address that cannot be read
			err = fmt.Errorf("its bytes cannot be read; was the file changed since it was opened, or is the disk failing?")
		default:
			panic(fault)
		}
	}()
	return read()
}
