package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
)

// TensorData is one tensor to write. Exactly one of Float32, Load and Bytes gives its data; none may for a tensor without
// elements.
type TensorData struct {
	Name string
	// DType is the element type in the file, as the format names it.
	DType string
	// Shape is the size of each axis; empty for a single number.
	Shape []int
	// Float32 is the data, row-major, for the element types F64, F32, F16 and BF16; it is converted to DType, rounded to
	// nearest with ties to even. A finite number that DType cannot hold is an error.
	Float32 []float32
	// Load returns what Float32 would hold. It is called once, when the tensor's turn to be written comes, and its result
	// is not used after the next tensor's Load is called: one buffer may serve all tensors, so that saving a model needs
	// memory for its largest tensor alone.
	Load func() ([]float32, error)
	// Bytes is the data as it goes into the file, row-major and little-endian, for any element type.
	Bytes []byte
}

// Write writes tensors to the file at path, replacing it in one step when all is written (see package atomicfile).
// No more than one tensor is held in memory beside what is given. The tensors keep their order, except that those with
// wider elements come first, so that every tensor is aligned to its element size as readers that map the file need. The
// header takes metadata and, where that lacks it, the entry format=pt that other libraries ask for.
func Write(path string, tensors []TensorData, metadata map[string]string) error {
	ordered := slices.Clone(tensors)
	slices.SortStableFunc(ordered, func(a, b TensorData) int {
		return int(elementSize[b.DType] - elementSize[a.DType])
	})
	head, err := encodeHeader(ordered, metadata)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		if _, err := w.Write(head); err != nil {
			return err
		}
		out := encoder{w: w}
		for _, t := range ordered {
			if err := out.write(t); err != nil {
				return fmt.Errorf("tensor %q: %w", t.Name, err)
			}
		}
		return nil
	})
}

// encodeHeader returns the length, the JSON and the spaces that bring the data to a multiple of eight bytes.
func encodeHeader(tensors []TensorData, metadata map[string]string) ([]byte, error) {
	notes := map[string]string{"format": "pt"}
	maps.Copy(notes, metadata)
	var text bytes.Buffer
	text.Write(make([]byte, 8))
	if err := field(&text, '{', metadataKey, notes); err != nil {
		return nil, err
	}
	seen := map[string]bool{metadataKey: true}
	at := int64(0)
	for _, t := range tensors {
		if seen[t.Name] {
			return nil, fmt.Errorf("tensor %q: the name is used twice or reserved", t.Name)
		}
		seen[t.Name] = true
		size, err := t.check()
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		value := struct {
			DType   string   `json:"dtype"`
			Shape   []int    `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}{t.DType, append([]int{}, t.Shape...), [2]int64{at, at + size}}
		if err := field(&text, ',', t.Name, value); err != nil {
			return nil, err
		}
		at += size
	}
	text.WriteByte('}')
	for text.Len()%8 != 0 {
		text.WriteByte(' ')
	}
	if text.Len()-8 > maxHeader {
		return nil, fmt.Errorf("the header takes %d bytes, more than the %d allowed", text.Len()-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(text.Bytes(), uint64(text.Len()-8))
	return text.Bytes(), nil
}

// field appends a separator and one field of a JSON object.
func field(text *bytes.Buffer, separator byte, name string, value any) error {
	text.WriteByte(separator)
	encoder := json.NewEncoder(text)
	encoder.SetEscapeHTML(false)
	for i, part := range []any{name, value} {
		if err := encoder.Encode(part); err != nil {
			return err
		}
		text.Truncate(text.Len() - 1) // the encoder ends with a newline
		if i == 0 {
			text.WriteByte(':')
		}
	}
	return nil
}

// check returns the tensor's size in the file, in bytes.
func (t TensorData) check() (size int64, err error) {
	width, ok := elementSize[t.DType]
	if !ok {
		return 0, fmt.Errorf("unknown dtype %q; known: %s", t.DType, knownDTypes())
	}
	if !utf8.ValidString(t.Name) {
		return 0, errors.New("the name is not valid UTF-8")
	}
	for _, n := range t.Shape {
		if n < 0 {
			return 0, fmt.Errorf("shape %v has a negative size", t.Shape)
		}
	}
	size, ok = byteCount(t.DType, t.Shape)
	if !ok {
		return 0, fmt.Errorf("shape %v of %s takes more than 2^63 bytes", t.Shape, t.DType)
	}
	return size, t.checkSource(size, width)
}

// checkSource checks what gives the data of a tensor that takes size bytes, width bytes an element.
func (t TensorData) checkSource(size, width int64) error {
	given := 0
	for _, present := range []bool{t.Float32 != nil, t.Load != nil, t.Bytes != nil} {
		if present {
			given++
		}
	}
	switch {
	case given > 1:
		return errors.New("more than one of Float32, Load and Bytes is given")
	case given == 0 && size > 0:
		return errors.New("none of Float32, Load and Bytes is given")
	case (t.Float32 != nil || t.Load != nil) && !isFloat(t.DType):
		return fmt.Errorf("dtype %s does not convert from float32; give its Bytes", t.DType)
	case t.Float32 != nil && size != width*int64(len(t.Float32)):
		return fmt.Errorf("shape %v has %d elements, Float32 %d", t.Shape, size/width, len(t.Float32))
	case t.Bytes != nil && size != int64(len(t.Bytes)):
		return fmt.Errorf("shape %v of %s takes %d bytes, Bytes has %d", t.Shape, t.DType, size, len(t.Bytes))
	}
	return nil
}
