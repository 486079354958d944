package evaluation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"github.com/sparsepo/sparsepo/internal/textmetric"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Header is the first line of a file of results: what they depend on besides the items.
type Header struct {
	Model    string            `json:"model"`  // as it was named
	Digest   string            `json:"digest"` // of its weights
	Settings map[string]string `json:"settings,omitempty"`
}

// File holds the records of an evaluation: a header, then one record a line. Records are appended as they come, so that an
// evaluation which was broken off goes on where it was.
type File struct {
	Header  Header
	Records []Record

	done map[key]bool
	out  *os.File // nil for results that are kept nowhere
}

type headerLine struct {
	Evaluation *Header `json:"evaluation"`
}

// Memory is a File that is kept nowhere.
func Memory(header Header) *File { return &File{Header: header, done: map[key]bool{}} }

// Create opens the file of an evaluation, or makes it with the folders above it. One with results of another model or other settings is a usage error.
func Create(path string, header Header) (*File, error) {
	f, length, err := read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f = Memory(header)
	case err != nil:
		return nil, err
	case !reflect.DeepEqual(f.Header, header):
		return nil, usage.Hint(usage.Errorf("%s: results of another evaluation: %s, expected %s", path, describe(f.Header), describe(header)),
			"give another --out, or the settings of that evaluation")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, usage.Errorf("results: %w", err)
	}
	if f.out, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return nil, usage.Errorf("results: %w", err)
	}
	if err := f.continueAt(length); err != nil {
		return nil, errors.Join(fmt.Errorf("write results %s: %w", path, err), f.out.Close())
	}
	return f, nil
}

func describe(h Header) string {
	text, err := json.Marshal(h)
	if err != nil {
		return err.Error()
	}
	return string(text)
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

// Open reads a file of results.
func Open(path string) (*File, error) {
	f, _, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage.Errorf("results: %w", err)
	}
	return f, err
}

// read gives the whole lines of a file, and their length in bytes. A last line without an end was never written whole.
func read(path string) (*File, int64, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, err
	}
	f, length, err := parse(content)
	if err != nil {
		return nil, 0, usage.Errorf("%s:%w", path, err)
	}
	return f, length, nil
}

func parse(content []byte) (*File, int64, error) {
	f := Memory(Header{})
	length := int64(0)
	for number := 1; ; number++ {
		end := bytes.IndexByte(content[length:], '\n')
		if end < 0 {
			break
		}
		line := content[length : length+int64(end)]
		length += int64(end) + 1
		if err := f.parseLine(line, number); err != nil {
			return nil, 0, fmt.Errorf("%d: %w", number, err)
		}
	}
	if length == 0 {
		return nil, 0, errors.New("1: not a file of results, which begins with a line {\"evaluation\": ...}")
	}
	return f, length, nil
}

func (f *File) parseLine(line []byte, number int) error {
	if number == 1 {
		var header headerLine
		if err := json.Unmarshal(line, &header); err != nil || header.Evaluation == nil {
			return errors.New("not a file of results, which begins with a line {\"evaluation\": ...}")
		}
		f.Header = *header.Evaluation
		return nil
	}
	var r Record
	if err := json.Unmarshal(line, &r); err != nil {
		return fmt.Errorf("not a record: %w", err)
	}
	if r.Task == "" || r.Metrics == nil {
		return errors.New("not a record; every one needs task and metrics")
	}
	for name, counts := range r.Counts {
		if _, err := textmetric.BLEUOfCounts(counts); err != nil || name != textmetric.CorpusBLEUName {
			return fmt.Errorf("field \"counts\": %q with %d numbers; known are those of %s", name, len(counts), textmetric.CorpusBLEUName)
		}
	}
	if f.done[r.key()] {
		return fmt.Errorf("a second record of item %d of %s", r.Index, r.Task)
	}
	f.done[r.key()] = true
	f.Records = append(f.Records, r)
	return nil
}

// has reports whether there is a record of an item.
func (f *File) has(task string, index int, item string) bool { return f.done[keyOf(task, index, item)] }

// append adds records, on the disk when it returns.
func (f *File) append(records []Record) error {
	for _, r := range records {
		if err := f.write(r); err != nil {
			return fmt.Errorf("write results: %w", err)
		}
		f.done[r.key()] = true
	}
	f.Records = append(f.Records, records...)
	if f.out == nil {
		return nil
	}
	return f.out.Sync()
}

func (f *File) write(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if f.out == nil {
		return nil
	}
	_, err = f.out.Write(append(line, '\n'))
	return err
}

// Close closes the file.
func (f *File) Close() error {
	if f.out == nil {
		return nil
	}
	return f.out.Close()
}
