package leaderboard

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// endings are the kinds of files that documents are read from.
var endings = []string{".jsonl", ".jsonl.gz", ".json", ".json.gz", ".parquet", ".csv", ".csv.gz"}

// documents reads the records of a file: JSON objects one after the other, an array of them, an object with the array
// "examples", a CSV table with names in its first row, or a Parquet table.
func documents(path string) ([]json.RawMessage, error) {
	if strings.HasSuffix(path, ".parquet") {
		return parquetRows(path)
	}
	file, err := jsonl.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	read := jsonValues
	if strings.HasSuffix(strings.TrimSuffix(path, ".gz"), ".csv") {
		read = csvRows
	}
	list, err := read(file)
	if err == nil && len(list) == 0 {
		err = errors.New("no records")
	}
	if err != nil {
		return nil, usage.Errorf("%s: %w", path, err)
	}
	return list, nil
}

func jsonValues(r io.Reader) ([]json.RawMessage, error) {
	decoder := json.NewDecoder(r)
	var list []json.RawMessage
	for {
		var raw json.RawMessage
		err := decoder.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("record %d: not JSON: %w", len(list)+1, err)
		}
		more, err := members(raw)
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", len(list)+1, err)
		}
		list = append(list, more...)
	}
}

// members are the records in a JSON value.
func members(raw json.RawMessage) (list []json.RawMessage, err error) {
	if bytes.HasPrefix(raw, []byte("[")) {
		return list, json.Unmarshal(raw, &list)
	}
	var whole struct {
		Examples []json.RawMessage `json:"examples"`
	}
	if err := decode(raw, &whole); err != nil {
		return nil, err
	}
	if whole.Examples != nil {
		return whole.Examples, nil
	}
	return []json.RawMessage{raw}, nil
}

// csvRows makes an object of texts of each row.
func csvRows(r io.Reader) ([]json.RawMessage, error) {
	rows := csv.NewReader(r)
	names, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("expected a row of column names: %w", err)
	}
	names[0] = strings.TrimPrefix(names[0], "\ufeff")
	var list []json.RawMessage
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		fields := map[string]string{}
		for i, name := range names {
			fields[name] = row[i]
		}
		raw, err := json.Marshal(fields)
		if err != nil {
			return nil, err
		}
		list = append(list, raw)
	}
}

func parquetRows(path string) ([]json.RawMessage, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, usage.Errorf("open data file: %w", err)
	}
	reader, err := data.Open(path, data.Preference)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	var list []json.RawMessage
	for raw, err := range reader.Objects() {
		if err != nil {
			return nil, err
		}
		list = append(list, bytes.Clone(raw))
	}
	return list, nil
}

// decode reads a document's fields; those that it does not name are left alone.
func decode(document json.RawMessage, into any) error {
	err := json.Unmarshal(document, into)
	var wrong *json.UnmarshalTypeError
	switch {
	case !errors.As(err, &wrong):
		return err
	case wrong.Field == "":
		return fmt.Errorf("found a %s, expected an object", wrong.Value)
	}
	return fmt.Errorf("field %q: found a %s, expected %s", wrong.Field, wrong.Value, wrong.Type)
}

// missing is the error for a document that lacks one of its fields.
func missing(document json.RawMessage, fields ...string) error {
	var found map[string]json.RawMessage
	if err := json.Unmarshal(document, &found); err != nil {
		return err
	}
	lacks, every := "a field", strings.Join(fields, ", ")
	for _, name := range fields {
		if raw := found[name]; raw == nil || string(raw) == "null" {
			lacks = fmt.Sprintf("field %q", name)
			break
		}
	}
	return fmt.Errorf("%s: missing or empty; every document needs %s", lacks, every)
}
