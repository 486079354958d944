package data

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// ScoredRecord is a preference record with the scores that ordered its sides.
type ScoredRecord struct {
	Record
	ChosenScore   float64 `json:"chosen_score"`
	RejectedScore float64 `json:"rejected_score"`
}

// WriteRecords writes preference records as JSON lines. It refuses what reading would refuse.
func WriteRecords(w io.Writer, records iter.Seq[Record]) error {
	for rec := range records {
		if err := writeRecord(w, rec, rec); err != nil {
			return err
		}
	}
	return nil
}

// writeRecord writes line, which carries rec, once rec is found to be a preference record.
func writeRecord(w io.Writer, rec Record, line any) error {
	raw, err := marshalLine(line)
	if err != nil {
		return fmt.Errorf("write record %s: %w", rec.Source, err)
	}
	if _, err := ParseRecord(raw, rec.Source, Preference); err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	if _, err := w.Write(append(raw, '\n')); err != nil {
		return fmt.Errorf("write record %s: %w", rec.Source, err)
	}
	return nil
}

// marshalLine is json.Marshal without the escapes that only HTML needs.
func marshalLine(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

// Writer writes a file of preference records, which appears under its name only when it is whole.
type Writer struct {
	path  string
	file  *os.File
	lines *bufio.Writer
	zip   *gzip.Writer // nil unless the name ends in .gz
}

// Create starts a .jsonl or .jsonl.gz file. End it with [Writer.Commit], and defer [Writer.Discard] for the case of an error.
func Create(path string) (*Writer, error) {
	if kindOfFile(path) != ".jsonl" {
		return nil, usage.Errorf("%s: records are written as JSON lines; name the file .jsonl or .jsonl.gz", path)
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", path, err)
	}
	w := &Writer{path: path, file: file}
	if strings.HasSuffix(path, ".gz") {
		w.zip = gzip.NewWriter(file)
		w.lines = bufio.NewWriter(w.zip)
	} else {
		w.lines = bufio.NewWriter(file)
	}
	return w, nil
}

// Write adds a record.
func (w *Writer) Write(rec Record) error { return writeRecord(w.lines, rec, rec) }

// WriteScored adds a record with its scores.
func (w *Writer) WriteScored(rec ScoredRecord) error { return writeRecord(w.lines, rec.Record, rec) }

// Commit ends the file and gives it its name, in place of a file that has it already.
func (w *Writer) Commit() error {
	if err := w.finish(); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", w.path, err), w.Discard())
	}
	temporary := w.file.Name()
	w.file = nil
	if err := os.Rename(temporary, w.path); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", w.path, err), os.Remove(temporary))
	}
	return nil
}

func (w *Writer) finish() error {
	if w.file == nil {
		return os.ErrClosed
	}
	if err := w.lines.Flush(); err != nil {
		return err
	}
	if w.zip != nil {
		if err := w.zip.Close(); err != nil {
			return err
		}
	}
	const readableByAll = 0o644 // temporary files start private
	if err := w.file.Chmod(readableByAll); err != nil {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return err
	}
	return w.file.Close()
}

// Discard removes what was written. After Commit it does nothing.
func (w *Writer) Discard() error {
	if w.file == nil {
		return nil
	}
	name := w.file.Name()
	_ = w.file.Close() // closed already when Commit came so far
	w.file = nil
	return os.Remove(name)
}
