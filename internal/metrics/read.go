package metrics

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Read returns the records of a metrics file in the order of its lines. A last line that is not whole, as a run leaves it that
// was cut off while writing, is passed over; any other faulty line is a usage error that names it.
func Read(path string) ([]Record, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage.Errorf("%s: no such file", path)
	}
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	var records []Record
	err = eachRecord(content, path, func(r Record, _ []byte) { records = append(records, r) })
	if err != nil {
		return nil, err
	}
	return records, nil
}

// eachRecord calls use with each record of content and its line, which ends with a line feed.
func eachRecord(content []byte, name string, use func(r Record, line []byte)) error {
	for number := 1; len(content) > 0; number++ {
		line, rest, whole := bytes.Cut(content, []byte("\n"))
		content = rest
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		r, err := parseRecord(line)
		if err != nil {
			if !whole {
				return nil
			}
			return usage.Errorf("%s:%d: %w", name, number, err)
		}
		use(r, append(bytes.Clone(line), '\n'))
	}
	return nil
}
