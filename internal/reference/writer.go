package reference

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sparsepo/sparsepo/data"
)

// A file takes its name when it has reached this size or age, so that a run that is killed loses no more than that.
const (
	fileSize = 64 << 20
	fileAge  = time.Minute
)

// writer adds records to the cache, in as many files as it takes.
type writer struct {
	cache  *Cache
	file   *os.File // nil between two files
	out    *bufio.Writer
	began  time.Time
	at     int64
	places []place // in the file
	text   []byte  // of a record, kept for the next one
}

// add writes a pair's values.
func (w *writer) add(p data.TokenPair, fields [][]float32) error {
	key := w.cache.options.Key
	tokens := tokensOf(p)
	if !key.fits(fields, tokens) {
		return fmt.Errorf("reference values of a pair of %d response tokens: %d lists of numbers do not fit %v", tokens, len(fields), key.Fields)
	}
	if w.file == nil {
		if err := w.begin(); err != nil {
			return err
		}
	}
	id := idOf(p)
	w.text = appendRecord(w.text[:0], id, tokens, fields)
	if _, err := w.out.Write(w.text); err != nil {
		return fmt.Errorf("write the reference's values: %w", err)
	}
	w.places = append(w.places, place{id, w.at, tokens})
	w.at += int64(len(w.text))
	if w.at >= fileSize || time.Since(w.began) >= fileAge {
		return w.finish()
	}
	return nil
}

func (w *writer) begin() error {
	head, err := header(w.cache.options.Key)
	if err != nil {
		return err
	}
	// What a killed run left behind: nobody else writes here now.
	stale, err := filepath.Glob(filepath.Join(w.cache.folder, "*"+tempSuffix))
	if err != nil {
		return err
	}
	for _, path := range stale {
		if err := remove(path); err != nil {
			return fmt.Errorf("remove an unfinished file of reference values: %w", err)
		}
	}
	name := filepath.Join(w.cache.folder, rand.Text()[:16]+valuesSuffix+tempSuffix)
	if w.file, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644); err != nil {
		return fmt.Errorf("write the reference's values: %w", err)
	}
	w.out = bufio.NewWriterSize(w.file, 1<<20)
	w.began, w.at, w.places = time.Now(), int64(len(head)), nil
	_, err = w.out.Write(head)
	return err
}

// finish brings the file to the disk, gives it its name and takes its values into the cache.
func (w *writer) finish() error {
	if w.file == nil {
		return nil
	}
	file, temp := w.file, w.file.Name()
	w.file = nil
	path := temp[:len(temp)-len(tempSuffix)]
	err := errors.Join(w.out.Flush(), file.Sync())
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the reference's values: %w", err), file.Close(), remove(temp))
	}
	name := filepath.Base(path)
	w.cache.files[name] = file
	for _, p := range w.places {
		w.cache.places[p.id] = location{p, name}
	}
	return nil
}
