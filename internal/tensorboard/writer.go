// Package tensorboard writes scalars to TensorBoard event files.
//
// An event file is a sequence of TFRecords, each holding an Event message of TensorFlow's event.proto. The fields used here
// are encoded by hand, which spares the generated code for the many that are not.
package tensorboard

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Writer appends events to one file. It is safe for concurrent use.
type Writer struct {
	mu   sync.Mutex
	file *os.File
	out  *bufio.Writer
	path string
	now  func() time.Time
}

// Create starts a new event file in folder, which is made if it does not exist. Files of former runs stay as they are:
// TensorBoard reads all event files of a folder, in the order of their names, as one series.
func Create(folder string) (*Writer, error) { return create(folder, time.Now) }

// Resume starts a new event file for a run that goes on after step lastStep: TensorBoard drops what the earlier files hold of
// later steps.
func Resume(folder string, lastStep int64) (*Writer, error) {
	w, err := Create(folder)
	if err != nil {
		return nil, err
	}
	if err := w.write(sessionStart(w.now(), lastStep+1)); err != nil {
		return nil, errors.Join(err, w.file.Close())
	}
	return w, nil
}

func create(folder string, now func() time.Time) (*Writer, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("create event file: %w", err)
	}
	file, err := createFile(folder, now())
	if err != nil {
		return nil, fmt.Errorf("create event file: %w", err)
	}
	w := &Writer{file: file, out: bufio.NewWriter(file), path: file.Name(), now: now}
	if err := w.write(fileVersion(now())); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return w, nil
}

// createFile makes a file whose name sorts after those of former runs: by the second, then by a number that tells apart files
// begun within one second.
func createFile(folder string, now time.Time) (*os.File, error) {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "localhost"
	}
	former, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	const attempts = 1000
	for number := range attempts {
		begin := fmt.Sprintf("events.out.tfevents.%010d.%03d.", now.Unix(), number)
		if slices.ContainsFunc(former, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), begin) }) {
			continue
		}
		path := filepath.Join(folder, fmt.Sprintf("%s%s.%d", begin, host, os.Getpid()))
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if !errors.Is(err, os.ErrExist) {
			return file, err
		}
	}
	return nil, fmt.Errorf("%s: %d event files were begun this second", folder, attempts)
}

// Path returns the path of the file.
func (w *Writer) Path() string { return w.path }

// Scalars writes the values of one step, in the order of their names, and hands them to the operating system before it
// returns. TensorBoard groups names by the part before the first slash. Values are stored as float32.
func (w *Writer) Scalars(step int64, values map[string]float64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.write(scalars(w.now(), step, values))
}

// Close ends the file and waits until it is on the disk.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := errors.Join(w.out.Flush(), w.file.Sync(), w.file.Close()); err != nil {
		return fmt.Errorf("close event file %s: %w", w.path, err)
	}
	return nil
}

func (w *Writer) write(event []byte) error {
	if err := writeRecord(w.out, event); err != nil {
		return fmt.Errorf("write event file %s: %w", w.path, err)
	}
	if err := w.out.Flush(); err != nil {
		return fmt.Errorf("write event file %s: %w", w.path, err)
	}
	return nil
}
