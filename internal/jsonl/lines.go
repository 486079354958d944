// Package jsonl reads and writes files of one JSON object a line, and keeps an object's fields in order so that it can be
// written back with a field more.
package jsonl

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Each calls use with every object in r and the number of its line, counted from 1; blank lines are passed over. An error,
// of use too, ends it and names the line: name stands for r in it. Errors of the content are usage errors.
func Each(r io.Reader, name string, use func(o Object, line int) error) error {
	lines := bufio.NewReaderSize(r, 1<<16)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return readError(name, number, err)
		}
		if len(bytes.TrimSpace(line)) > 0 {
			o, err := ParseObject(line)
			if err != nil {
				return usage.Errorf("%s:%d: %w", name, number, err)
			}
			if err := use(o, number); err != nil {
				return fmt.Errorf("%s:%d: %w", name, number, err)
			}
		}
		if err != nil {
			return nil
		}
	}
}

// readError says where reading ended; a damaged gzip file is the user's to replace.
func readError(name string, line int, err error) error {
	var corrupt flate.CorruptInputError
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &corrupt) {
		return usage.Errorf("%s:%d: damaged gzip file: %w", name, line, err)
	}
	return fmt.Errorf("read %s: line %d: %w", name, line, err)
}

// Open opens a file, unpacking it if its name ends in .gz. A missing file, and one in Parquet, are usage errors.
func Open(path string) (io.ReadCloser, error) {
	if strings.HasSuffix(path, ".parquet") {
		return nil, usage.Errorf("%s: this version does not read Parquet files; convert it to JSON lines (.jsonl, .jsonl.gz)", path)
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage.Errorf("%s: no such file", path)
	}
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(path, ".gz") {
		return file, nil
	}
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		return nil, errors.Join(usage.Errorf("%s: not a gzip file: %w", path, err), file.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{unpacked, file}, nil
}
