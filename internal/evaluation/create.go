package evaluation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/gofrs/flock"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Create opens the file of an evaluation, or makes it with the folders above it; Close closes it. One with results of another
// model or other settings is a usage error, and so is one that another process writes. A model is known by its digest, or by
// its name where there is none.
func Create(path string, header Header) (*File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, usage.Errorf("results: %w", err)
	}
	out, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, usage.Errorf("results: %w", err)
	}
	lock := flock.New(path)
	f, err := resume(path, header, out, lock)
	if err != nil {
		return nil, errors.Join(err, out.Close(), lock.Close())
	}
	return f, nil
}

// resume reads what an open file has, and makes it ready to be added to.
func resume(path string, header Header, out *os.File, lock *flock.Flock) (*File, error) {
	switch locked, err := lock.TryLock(); {
	case errors.Is(err, errors.ErrUnsupported): // by the file system
	case err != nil:
		return nil, fmt.Errorf("lock results %s: %w", path, err)
	case !locked:
		return nil, usage.Errorf("%s: another process is writing these results; wait for it, or give another --out", path)
	}
	f, length, err := begun(path, header)
	if err != nil {
		return nil, err
	}
	f.out, f.lock = out, lock
	if err := f.continueAt(length); err != nil {
		return nil, fmt.Errorf("write results %s: %w", path, err)
	}
	return f, nil
}

// begun gives the whole lines of an evaluation's file, none where not even the header was written whole, and their length.
func begun(path string, header Header) (*File, int64, error) {
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, 0, usage.Errorf("results: %w", err)
	}
	line, err := json.Marshal(headerLine{&header})
	if err != nil {
		return nil, 0, err
	}
	if bytes.HasPrefix(line, content) {
		return Memory(header), 0, nil
	}
	f, length, err := read(path)
	if err != nil {
		return nil, 0, err
	}
	if other := f.Header.difference(header); other != "" {
		return nil, 0, usage.Hint(usage.Errorf("%s: results of another evaluation: %s", path, other),
			"give another --out, or the settings of that evaluation")
	}
	return f, length, nil
}

// difference says where a header is not the one that is expected, "" where they stand for the same evaluation.
func (h Header) difference(expected Header) string {
	switch {
	case h.Digest != expected.Digest:
		return fmt.Sprintf("digest %q of %s, expected %q of %s", h.Digest, h.Model, expected.Digest, expected.Model)
	case h.Digest == "" && h.Model != expected.Model:
		return fmt.Sprintf("model %q, expected %q", h.Model, expected.Model)
	}
	all := maps.Clone(h.Settings)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, expected.Settings)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if found, want := h.Settings[name], expected.Settings[name]; found != want {
			return fmt.Sprintf("%s %q, expected %q", name, found, want)
		}
	}
	return ""
}

// continueAt takes what is left of a broken line off the file, and writes the header of a new one.
func (f *File) continueAt(length int64) error {
	if err := f.out.Truncate(length); err != nil {
		return err
	}
	if _, err := f.out.Seek(length, 0); err != nil {
		return err
	}
	if length > 0 {
		return nil
	}
	return f.write(headerLine{&f.Header})
}
