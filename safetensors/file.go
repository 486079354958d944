package safetensors

import (
	"fmt"
	"io"
	"os"
	"sync"

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

	path string // for messages
}

// Len returns the number of elements.
func (t Tensor) Len() int {
	n := 1
	for _, size := range t.Shape {
		n *= size
	}
	return n
}

// Float32 returns a copy of the tensor's elements as float32, row-major. F16 and BF16 convert exactly, F64 to the nearest
// float32. Other element types, and a finite F64 too large for float32, are errors.
func (t Tensor) Float32() ([]float32, error) {
	values, err := decodeFloats(t.DType, t.Bytes)
	if err != nil {
		return nil, usage.Errorf("%s: tensor %q: %w", t.path, t.Name, err)
	}
	return values, nil
}

// File is an open safetensors file. Its methods may be called from several goroutines.
type File struct {
	path     string
	content  []byte
	tensors  map[string]Tensor
	names    []string
	metadata map[string]string
	release  func() error
}

// Open maps the file at path into memory (where the system cannot, it reads it) and checks its header. The caller must
// close the file. The file must not be shortened while it is open: reading a mapped page that is gone ends the program.
func Open(path string) (*File, error) {
	content, release, err := load(path)
	if err != nil {
		return nil, fmt.Errorf("open safetensors: %w", usage.Wrap(err))
	}
	h, err := parse(content)
	if err != nil {
		_ = release() // the header's error matters more
		return nil, usage.Errorf("%s: %w", path, err)
	}
	f := &File{path: path, content: content, metadata: h.metadata, release: sync.OnceValue(release)}
	f.index(h)
	return f, nil
}

func load(path string) (content []byte, release func() error, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.IsDir() {
		return nil, nil, fmt.Errorf("%s is a folder, expected a .safetensors file", path)
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		content, err := io.ReadAll(file)
		return content, func() error { return nil }, err
	}
	content, release, err = mapFile(file, info.Size())
	if err != nil {
		return nil, nil, fmt.Errorf("map %s into memory: %w", path, err)
	}
	return content, release, nil
}

func (f *File) index(h *header) {
	f.tensors = make(map[string]Tensor, len(h.entries))
	f.names = make([]string, len(h.entries))
	for i, e := range h.entries {
		begin, end := h.data+e.begin, h.data+e.end
		f.names[i] = e.name
		f.tensors[e.name] = Tensor{Name: e.name, DType: e.dtype, Shape: e.shape, Bytes: f.content[begin:end:end], path: f.path}
	}
}

// Path returns the path the file was opened by.
func (f *File) Path() string { return f.path }

// Names returns the tensors' names in the order of their data in the file. The caller must not change the slice.
func (f *File) Names() []string { return f.names }

// Tensor returns the tensor of that name; ok is false where the file has none.
func (f *File) Tensor(name string) (t Tensor, ok bool) {
	t, ok = f.tensors[name]
	return t, ok
}

// Metadata returns the header's free-form notes, empty where it has none. The caller must not change the map.
func (f *File) Metadata() map[string]string { return f.metadata }

// Close unmaps the file; no tensor's Bytes may be touched afterwards. Closing again returns the first call's result.
func (f *File) Close() error {
	if err := f.release(); err != nil {
		return fmt.Errorf("close %s: %w", f.path, err)
	}
	return nil
}
