package jsonl

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"strings"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
)

// Marshal is json.Marshal without the escapes that only HTML needs: <, > and & stay as they are.
func Marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	if err := Write(&b, value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

// Write writes a value as a line.
func Write(w io.Writer, value any) error { return newEncoder(w).Encode(value) }

// WriteAll writes values, each as a line.
func WriteAll[T any](w io.Writer, values []T) error {
	encoder := newEncoder(w)
	for _, value := range values {
		if err := encoder.Encode(value); err != nil {
			return err
		}
	}
	return nil
}

func newEncoder(w io.Writer) *json.Encoder {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder
}

// Save writes a file of values, each a line, packed if its name ends in .gz. It has its name when it is whole.
func Save[T any](path string, values []T) error {
	return SaveWith(path, func(w io.Writer) error { return WriteAll(w, values) })
}

// SaveWith is [Save] of the lines that fill writes.
func SaveWith(path string, fill func(w io.Writer) error) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		if !strings.HasSuffix(path, ".gz") {
			return fill(w)
		}
		packed := gzip.NewWriter(w)
		if err := fill(packed); err != nil {
			return err
		}
		return packed.Close()
	})
}
