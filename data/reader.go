package data

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// MaxRecordBytes is the longest record that is read. Ours: far above any real record, it bounds the memory that a file
// without line ends can take.
const MaxRecordBytes = 64 << 20

const knownKinds = ".jsonl, .json, .jsonl.gz, .json.gz, .parquet"

// Reader reads the records of one file.
type Reader struct {
	name  string
	task  Task
	input *bufio.Reader // decompressed
	array bool          // JSON values in a row or in an array, rather than one a line
	gzip  bool
	close func() error
	line  []byte                 // the line being read
	rows  iter.Seq2[item, error] // of a table; nil for text
}

// Open opens a data file (.jsonl, .json, either with .gz, or .parquet). The caller closes the reader.
func Open(path string, task Task) (*Reader, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, usage.Errorf("open data file: %w", err)
	}
	if info.IsDir() {
		return nil, usage.Errorf("open data file: %s is a folder; give a file (%s)", path, knownKinds)
	}
	if err := checkKind(path, info); err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, usage.Errorf("open data file: %w", err)
	}
	open := func() (*Reader, error) { return NewReader(file, path, task) }
	if kindOfFile(path) == ".parquet" && info.Mode().IsRegular() {
		open = func() (*Reader, error) { return openParquet(file, path, task) }
	}
	reader, err := open()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	reader.close = file.Close
	return reader, nil
}

// checkKind refuses file names that are no kind of data file. A pipe may have any name and holds one record a line.
func checkKind(path string, info os.FileInfo) error {
	switch kind := kindOfFile(path); {
	case kind == ".jsonl" || kind == ".json" || strings.EqualFold(filepath.Ext(path), ".parquet") || !info.Mode().IsRegular():
		return nil
	default:
		return usage.Errorf("%s: unknown kind of data file; known: %s", path, knownKinds)
	}
}

func kindOfFile(name string) string {
	return strings.ToLower(filepath.Ext(strings.TrimSuffix(name, ".gz")))
}

// NewReader reads records from r. name stands for the file in messages; its ending says how records are laid out: one array
// in .json, one record a line otherwise. Compressed input is recognised by its first bytes.
func NewReader(r io.Reader, name string, task Task) (*Reader, error) {
	reader := &Reader{name: name, task: task, array: kindOfFile(name) == ".json", close: func() error { return nil }}
	reader.input = bufio.NewReaderSize(r, 64<<10)
	magic, err := reader.input.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	switch {
	case bytes.Equal(magic, []byte{0x1f, 0x8b}):
		if err := reader.decompress(); err != nil {
			return nil, err
		}
	case strings.HasSuffix(name, ".gz") && len(magic) > 0:
		return nil, usage.Errorf("%s: no gzip data despite the name; take the .gz off the name or compress the file", name)
	}
	if mark, _ := reader.input.Peek(3); string(mark) == "\ufeff" {
		_, _ = reader.input.Discard(3)
	}
	return reader, nil
}

func (r *Reader) decompress() error {
	unzipped, err := gzip.NewReader(r.input)
	r.gzip = true
	if err != nil {
		return r.readError(1, err)
	}
	r.input = bufio.NewReaderSize(unzipped, 64<<10)
	return nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.close() }

// Records yields the records in file order, once. An error that is a *[BadRecord] concerns one record: the loop may go on
// and meets the records after it. Any other error is the last thing yielded. A file without records is an error.
func (r *Reader) Records() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for it, err := range r.items() {
			var rec Record
			if err == nil {
				rec, err = it.parse(r.task)
			}
			if !yield(rec, err) {
				return
			}
		}
	}
}

// item is one object of a file as its bytes.
type item struct {
	source string
	raw    []byte // valid until the next item
	entry  bool   // a member of a file that is one object, whose name is key
	key    string
}

func (it item) parse(task Task) (Record, error) {
	if it.entry {
		return parseRatedEntry(it.key, it.raw, it.source, task)
	}
	return ParseRecord(it.raw, it.source, task)
}

// items yields the objects of the file; see Records for its errors.
func (r *Reader) items() iter.Seq2[item, error] {
	switch {
	case r.rows != nil:
		return r.rows
	case r.array:
		return r.values
	}
	return r.lines
}

func (r *Reader) lines(yield func(item, error) bool) {
	found := false
	for line := 1; ; line++ {
		raw, err := r.readLine()
		raw = bytes.Trim(raw, jsonSpace)
		switch {
		case errors.Is(err, bufio.ErrTooLong):
			found = true
			if !yield(item{}, r.overlong(line)) {
				return
			}
			continue
		case err != nil && !errors.Is(err, io.EOF):
			yield(item{}, r.readError(line, err))
			return
		}
		if len(raw) > 0 {
			found = true
			if !yield(item{source: r.source(line), raw: raw}, nil) {
				return
			}
		}
		if err != nil {
			break
		}
	}
	if !found {
		yield(item{}, r.noRecords())
	}
}

// readLine returns the next line, valid until the next call. An overlong line is passed over and gives bufio.ErrTooLong.
func (r *Reader) readLine() ([]byte, error) {
	r.line = r.line[:0]
	overlong := false
	for {
		part, err := r.input.ReadSlice('\n')
		if len(r.line)+len(part) > MaxRecordBytes {
			overlong = true
			r.line = r.line[:0]
		}
		if !overlong {
			r.line = append(r.line, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if overlong && (err == nil || errors.Is(err, io.EOF)) {
			return nil, bufio.ErrTooLong
		}
		return r.line, err
	}
}

func (r *Reader) source(line int) string { return fmt.Sprintf("%s:%d", r.name, line) }

func (r *Reader) overlong(line int) error {
	return badRecord(r.source(line), "", ReasonOverlong, "longer than %d MiB; put one record on each line", MaxRecordBytes>>20)
}

func (r *Reader) noRecords() error {
	return usage.Errorf("%s: no records; %s", r.name, r.task.wants())
}

// readError says what a failed read means. Only damage to the file itself is the user's mistake.
func (r *Reader) readError(line int, err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case r.gzip && (errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)):
		return usage.Errorf("%s: the gzip data ends early, the file is incomplete; copy or download it again (%w)", r.source(line), err)
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.As(err, &corrupt):
		return usage.Errorf("%s: the gzip data is damaged; copy or download the file again (%w)", r.source(line), err)
	}
	return fmt.Errorf("read %s: %w", r.source(line), err)
}
