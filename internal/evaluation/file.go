package evaluation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/gofrs/flock"

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

	done  map[key]bool
	items map[place]string // digests of the records' items
	out   *os.File         // nil for results that are kept nowhere
	lock  *flock.Flock     // of out
}

type headerLine struct {
	Evaluation *Header `json:"evaluation"`
}

// Memory is a File that is kept nowhere.
func Memory(header Header) *File {
	return &File{Header: header, done: map[key]bool{}, items: map[place]string{}}
}

// Open reads a file of results.
func Open(path string) (*File, error) {
	f, _, err := read(path)
	return f, err
}

// read gives the whole lines of a file, and their length in bytes. A last line without an end was never written whole.
func read(path string) (*File, int64, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, usage.Errorf("results: %w", err)
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
	f.add(r)
	return nil
}

// where begins a message about the file.
func (f *File) where() string {
	if f.out == nil {
		return ""
	}
	return f.out.Name() + ": "
}

func (f *File) add(r Record) {
	f.done[r.key()], f.items[place{r.Task, r.Index}] = true, r.Item
	f.Records = append(f.Records, r)
}

// has reports whether there is a record of an item. One of another item in the same place is a usage error.
func (f *File) has(task string, index int, item string) (bool, error) {
	if f.done[keyOf(task, index, item)] {
		return true, nil
	}
	if found, ok := f.items[place{task, index}]; ok && found != item {
		return false, usage.Hint(usage.Errorf("%sitem %d of %s has another prompt in the results: they are of other documents or other examples", f.where(), index, task),
			"give another --out, or the data of that evaluation")
	}
	return false, nil
}

// append adds records, on the disk when it returns.
func (f *File) append(records []Record) error {
	for _, r := range records {
		if err := f.write(r); err != nil {
			return fmt.Errorf("write results: %w", err)
		}
		f.add(r)
	}
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
	return errors.Join(f.out.Close(), f.lock.Close())
}
