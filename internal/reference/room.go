package reference

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// touch marks the files that hold values of pairs as used now.
func (c *Cache) touch(s Survey) error {
	now := time.Now()
	for name := range s.files {
		err := os.Chtimes(filepath.Join(c.folder, name), now, now)
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, os.ErrPermission) {
			return fmt.Errorf("mark the reference's values as used: %w", err)
		}
	}
	return nil
}

// stored is a file of values of any key.
type stored struct {
	path string
	size int64
	used time.Time
}

// makeRoom drops the files, of all keys, that were not used for the longest time, until the missing values fit in the limit.
// Files that hold values of the pairs stay. A run that reads a dropped file goes on reading it.
func (c *Cache) makeRoom(s Survey) error {
	files, total, err := c.stored()
	if err != nil {
		return err
	}
	toCome := s.ToCome
	slices.SortFunc(files, func(a, b stored) int { return a.used.Compare(b.used) })
	for _, f := range files {
		if total+toCome <= c.options.Limit {
			break
		}
		if filepath.Dir(f.path) == c.folder && s.files[filepath.Base(f.path)] {
			continue
		}
		c.drop(f.path)
		if err := remove(f.path); err != nil {
			return fmt.Errorf("make room for the reference's values: %w", err)
		}
		total -= f.size
	}
	if total+toCome > c.options.Limit {
		return usage.Errorf("the reference's values take %d MB, the cache %s is limited to %d MB", (total+toCome)/1e6, c.options.Folder, c.options.Limit/1e6)
	}
	return nil
}

// drop forgets a file of the cache's own.
func (c *Cache) drop(path string) {
	name := filepath.Base(path)
	file := c.files[name]
	if filepath.Dir(path) != c.folder || file == nil {
		return
	}
	_ = file.Close() // it was only read
	delete(c.files, name)
	for id, at := range c.places {
		if at.file == name {
			delete(c.places, id)
		}
	}
}

// stored lists the files of all keys and adds their sizes up.
func (c *Cache) stored() (list []stored, total int64, err error) {
	err = filepath.WalkDir(c.options.Folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) { // another run makes room too
				return nil
			}
			return err
		}
		if entry.IsDir() || !strings.HasSuffix(path, valuesSuffix) {
			return nil
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		list = append(list, stored{path, info.Size(), info.ModTime()})
		total += info.Size()
		return nil
	})
	if err != nil {
		err = fmt.Errorf("look through the cache of reference values: %w", err)
	}
	return list, total, err
}
