package metrics

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
)

// Afresh is the resume step of a run that begins at its beginning: the metrics file starts empty.
const Afresh = -1

// Writer appends records to a metrics file. It is for one goroutine.
type Writer struct {
	// Note, when set, is told once of each name whose value was not finite, with the first step where it was.
	Note func(message string)

	file  *os.File
	path  string
	noted map[string]bool
}

// Open opens the metrics file at path for a run that goes on after step resumeStep, or from its beginning when that is
// [Afresh]. The records of later steps, and a last line that was cut off, are taken out of the file first, in one step, so
// that the file of a resumed run becomes that of a run that never stopped. Records of step resumeStep itself stay: what
// belongs to a step must be written before the step's checkpoint is.
func Open(path string, resumeStep int) (*Writer, error) {
	kept, err := keptLines(path, resumeStep)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.WriteFile(path, kept); err != nil {
		return nil, fmt.Errorf("open metrics: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, fmt.Errorf("open metrics: %w", err)
	}
	return &Writer{file: file, path: path, noted: map[string]bool{}}, nil
}

// keptLines returns the lines of the file up to step resumeStep, byte for byte. A file that is not there has none.
func keptLines(path string, resumeStep int) ([]byte, error) {
	if resumeStep < 0 {
		return nil, nil
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open metrics: %w", err)
	}
	var kept []byte
	err = eachRecord(content, path, func(r Record, line []byte) {
		if r.Step() <= resumeStep {
			kept = append(kept, line...)
		}
	})
	return kept, err
}

// Write appends one record as one line: step, epoch and loss first, then the other values by name. The line is with the
// operating system when Write returns.
func (w *Writer) Write(r Record) error {
	line, notFinite, err := r.line()
	if err != nil {
		return fmt.Errorf("write metrics %s: %w", w.path, err)
	}
	if _, err := w.file.Write(line); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	w.note(r, notFinite)
	return nil
}

func (w *Writer) note(r Record, names []string) {
	var fresh []string
	for _, name := range names {
		if !w.noted[name] {
			w.noted[name] = true
			fresh = append(fresh, fmt.Sprintf("%s is %g", name, r[name]))
		}
	}
	if len(fresh) > 0 && w.Note != nil {
		w.Note(fmt.Sprintf("step %d: %s; metrics.jsonl holds null for it", r.Step(), strings.Join(fresh, ", ")))
	}
}

// Sync waits until everything written is on the disk.
func (w *Writer) Sync() error {
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}

// Close ends writing and waits until the file is on the disk.
func (w *Writer) Close() error {
	if err := errors.Join(w.file.Sync(), w.file.Close()); err != nil {
		return fmt.Errorf("close metrics: %w", err)
	}
	return nil
}
