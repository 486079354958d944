// Package atomicfile writes files and folders so that their path never shows half of them: the content goes to a
// temporary sibling, reaches the disk, and takes the final name in one rename. A write that fails or is interrupted
// leaves what stood there before.
//
// Temporary siblings are named ".NAME.tmp-RANDOM"; one that outlives a crash can be deleted.
package atomicfile

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Write replaces the file at path with what write produces. The writer is buffered. A device or pipe, which has no
// sibling to rename (/dev/stdout, say), is written directly.
func Write(path string, write func(w io.Writer) error) error {
	if err := replaceFile(path, write); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// WriteFile replaces the file at path with content.
func WriteFile(path string, content []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// WriteFolder replaces the folder at path with what fill puts into dir, an empty temporary sibling of path. The parent
// of path must exist. An existing folder is exchanged in one step where the system can do that (Linux) and otherwise in
// two renames, between which path is missing for a moment.
func WriteFolder(path string, fill func(dir string) error) error {
	if err := replaceFolder(path, fill); err != nil {
		return fmt.Errorf("write folder %s: %w", path, err)
	}
	return nil
}

func replaceFile(path string, write func(w io.Writer) error) (err error) {
	switch info, statErr := os.Stat(path); {
	case statErr == nil && info.IsDir():
		return errors.New("is a folder")
	case statErr == nil && !info.Mode().IsRegular():
		return writeThrough(path, write)
	}
	temp := sibling(path, "tmp")
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return shorten(err)
	}
	defer func() {
		if err != nil {
			file.Close() // a second Close only returns an error
			os.Remove(temp)
		}
	}()
	if err := writeBuffered(file, write); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return shorten(err)
	}
	if err := file.Close(); err != nil {
		return shorten(err)
	}
	if err := os.Rename(temp, path); err != nil {
		return shorten(err)
	}
	return syncFolder(filepath.Dir(path))
}

func writeThrough(path string, write func(w io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return shorten(err)
	}
	return errors.Join(writeBuffered(file, write), file.Close())
}

func writeBuffered(file *os.File, write func(w io.Writer) error) error {
	buffered := bufio.NewWriterSize(file, 1<<20)
	if err := write(buffered); err != nil {
		return err
	}
	return shorten(buffered.Flush())
}

func replaceFolder(path string, fill func(dir string) error) (err error) {
	path = filepath.Clean(path)
	info, statErr := os.Lstat(path)
	exists := statErr == nil
	if exists && !info.IsDir() {
		return errors.New("a file of this name stands there")
	}
	temp := sibling(path, "tmp")
	if err := os.Mkdir(temp, 0o777); err != nil {
		return shorten(err)
	}
	defer func() {
		if err != nil {
			os.RemoveAll(temp)
		}
	}()
	if err := fill(temp); err != nil {
		return err
	}
	if err := syncTree(temp); err != nil {
		return err
	}
	if exists {
		err = exchange(temp, path)
	} else {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return shorten(err)
	}
	return syncFolder(filepath.Dir(path))
}

// exchange puts the folder temp in the place of the folder path and removes the one that stood there.
func exchange(temp, path string) error {
	if swap(temp, path) == nil {
		return os.RemoveAll(temp)
	}
	old := sibling(path, "old")
	if err := os.Rename(path, old); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, os.Rename(old, path))
	}
	return os.RemoveAll(old)
}

// syncTree flushes every file and folder under root to the disk.
func syncTree(root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return syncFolder(path)
		case !entry.Type().IsRegular():
			return nil
		}
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		if errors.Is(err, fs.ErrPermission) { // read-only files were flushed by whoever made them so
			return nil
		}
		if err != nil {
			return err
		}
		return errors.Join(file.Sync(), file.Close())
	})
}

// sibling returns an unused hidden name next to path.
func sibling(path, kind string) string {
	return filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%s-%s", filepath.Base(path), kind, rand.Text()[:10]))
}

// shorten drops operation and path from a file system error: the caller names the path the user knows, not the
// temporary one.
func shorten(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	var linkErr *os.LinkError
	if errors.As(err, &linkErr) {
		return linkErr.Err
	}
	return err
}
