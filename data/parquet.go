package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// openParquet opens a Parquet file. Its rows are records, its columns their fields; sources count rows.
func openParquet(file *os.File, path string, task Task) (reader *Reader, err error) {
	defer func() { // the library panics at some damaged files
		if cause := recover(); cause != nil {
			reader, err = nil, damagedParquet(path, cause)
		}
	}()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	table, err := parquet.OpenFile(file, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, damagedParquet(path, err)
	}
	reader = &Reader{name: path, task: task}
	reader.rows = func(yield func(item, error) bool) { reader.parquetRows(table, yield) }
	return reader, nil
}

func damagedParquet(path string, cause any) error {
	return usage.Errorf("%s: not a readable Parquet file (%v); copy or download it again", path, cause)
}

// parquetRows yields the rows of a table, a few at a time.
func (r *Reader) parquetRows(table *parquet.File, yield func(item, error) bool) {
	const atOnce = 64
	rows := parquet.NewGenericReader[any](table)
	defer func() { _ = rows.Close() }()
	if table.NumRows() == 0 {
		yield(item{}, r.noRecords())
		return
	}
	buffer := make([]any, atOnce)
	for number := 1; ; {
		clear(buffer)
		n, err := readRows(rows, buffer)
		if n == 0 && err == nil {
			err = errors.New("rows are missing")
		}
		for _, row := range buffer[:n] {
			raw, marshalErr := json.Marshal(plainValue(row))
			if marshalErr != nil {
				err = errors.Join(err, marshalErr)
				break
			}
			if !yield(item{source: r.source(number), raw: raw}, nil) {
				return
			}
			number++
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			yield(item{}, damagedParquet(r.source(number), err))
			return
		}
	}
}

func readRows(rows *parquet.GenericReader[any], buffer []any) (n int, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			n, err = 0, fmt.Errorf("%v", cause)
		}
	}()
	return rows.Read(buffer)
}

// plainValue makes a value of a table one that JSON can hold: columns of bytes are texts, numbers that are none are null.
func plainValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = plainValue(member)
		}
	case []any:
		for i, element := range v {
			v[i] = plainValue(element)
		}
	case []byte:
		if !utf8.Valid(v) {
			return nil // a picture, say
		}
		return string(v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
	case float32:
		return plainValue(float64(v))
	}
	return v
}
