package safetensors

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// File is an open safetensors file. Its methods and those of its tensors may be called from several goroutines.
type File struct {
	path     string
	content  []byte
	mapped   bool // content is the file itself, not a copy
	tensors  map[string]Tensor
	names    []string
	metadata map[string]string

	use     sync.RWMutex // held for reading while content is read, for writing by Close
	closed  bool
	release func() error
}

// Open maps the file at path into memory (where the system cannot, it reads it) and checks its header. The caller must
// close the file. The file must not be changed while it is open: DecodeFloat32 and Float32 report a page that is gone,
// but touching it through a tensor's Bytes ends the program.
func Open(path string) (*File, error) {
	f := &File{path: path}
	if err := f.load(); err != nil {
		return nil, fmt.Errorf("open safetensors: %w", usage.Wrap(err))
	}
	var h *header
	err := readingMap(func() (err error) {
		h, err = parse(f.content)
		return err
	})
	if err != nil {
		_ = f.release() // the header's error matters more
		return nil, usage.Errorf("%s: %w", path, err)
	}
	f.metadata = h.metadata
	f.index(h)
	return f, nil
}

// load fills content, mapped and release.
func (f *File) load() error {
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a folder, expected a .safetensors file", f.path)
	}
	f.release = func() error { return nil }
	if !info.Mode().IsRegular() || info.Size() == 0 || !canMap {
		f.content, err = io.ReadAll(file)
		return err
	}
	content, release, err := mapFile(file, info.Size())
	if err != nil {
		return fmt.Errorf("map %s into memory: %w", f.path, err)
	}
	f.content, f.mapped, f.release = content, true, sync.OnceValue(release)
	return nil
}

func (f *File) index(h *header) {
	f.tensors = make(map[string]Tensor, len(h.entries))
	f.names = make([]string, len(h.entries))
	for i, e := range h.entries {
		begin, end := h.data+e.begin, h.data+e.end
		f.names[i] = e.name
		f.tensors[e.name] = Tensor{
			Name: e.name, DType: e.dtype, Shape: e.shape, Bytes: f.content[begin:end:end], file: f, begin: begin,
		}
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

// Close unmaps the file, after the conversions that are under way; no tensor's Bytes may be touched afterwards. Closing
// again returns the first call's result.
func (f *File) Close() error {
	f.use.Lock()
	defer f.use.Unlock()
	f.closed = true
	if err := f.release(); err != nil {
		return fmt.Errorf("close %s: %w", f.path, err)
	}
	return nil
}
