package atomicfile_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
)

func content(t *testing.T, path string) string {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return strings.Join(all, " ")
}

func TestWriteFileReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.txt")
	for _, want := range []string{"first, the longer one", "second"} {
		if err := atomicfile.WriteFile(path, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got := content(t, path); got != want {
			t.Errorf("content: got %q want %q", got, want)
		}
	}
	if got := names(t, dir); got != "a.txt" {
		t.Errorf("folder holds %q, want only a.txt", got)
	}
}

func TestWriteKeepsOldContentOnFailure(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.txt")
	if err := atomicfile.WriteFile(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken off")
	err := atomicfile.Write(path, func(w io.Writer) error {
		if _, err := io.WriteString(w, strings.Repeat("new", 1<<20)); err != nil {
			return err
		}
		if got := content(t, path); got != "old" {
			t.Errorf("while writing: path shows %.10q, want %q", got, "old")
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("error: got %v want one that wraps %v", err, broken)
	}
	if got := content(t, path); got != "old" {
		t.Errorf("after the failure: got %.10q want %q", got, "old")
	}
	if got := names(t, dir); got != "a.txt" {
		t.Errorf("folder holds %q, want only a.txt", got)
	}
}

func TestWriteErrors(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	nothing := func(string) error { return nil }
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"missing parent", atomicfile.WriteFile(filepath.Join(dir, "none", "a"), nil), "no such file or directory"},
		{"folder in the way", atomicfile.WriteFile(dir, nil), "is a folder"},
		{"file in the way", atomicfile.WriteFolder(filepath.Join(dir, "file"), nothing), "a file of this name stands there"},
		{"missing parent of a folder", atomicfile.WriteFolder(filepath.Join(dir, "none", "a"), nothing), "no such file or directory"},
	}
	for _, test := range tests {
		if test.err == nil || !strings.Contains(test.err.Error(), test.want) || !strings.Contains(test.err.Error(), dir) {
			t.Errorf("%s: got %v, want the path and %q", test.name, test.err, test.want)
		}
		if test.err != nil && strings.Contains(test.err.Error(), ".tmp-") {
			t.Errorf("%s: %v names the temporary file", test.name, test.err)
		}
	}
}

func TestWriteDevice(t *testing.T) {
	if _, err := os.Stat(os.DevNull); err != nil {
		t.Skipf("no %s here", os.DevNull)
	}
	if err := atomicfile.WriteFile(os.DevNull, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Fatalf("%s was replaced by a file", os.DevNull)
	}
}

func TestWriteFolder(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "step-000100")
	fill := func(name string) func(string) error {
		return func(temp string) error {
			if err := os.Mkdir(filepath.Join(temp, "sub"), 0o777); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(temp, "sub", name), []byte(name), 0o666)
		}
	}
	for _, name := range []string{"first", "second"} {
		if err := atomicfile.WriteFolder(path, fill(name)); err != nil {
			t.Fatal(err)
		}
		if got := names(t, filepath.Join(path, "sub")); got != name {
			t.Errorf("folder holds %q, want %q alone", got, name)
		}
	}
	broken := errors.New("broken off")
	err := atomicfile.WriteFolder(path, func(temp string) error {
		if err := fill("third")(temp); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("error: got %v want one that wraps %v", err, broken)
	}
	if got := content(t, filepath.Join(path, "sub", "second")); got != "second" {
		t.Errorf("after the failure: got %q want %q", got, "second")
	}
	if got := names(t, dir); got != "step-000100" {
		t.Errorf("parent holds %q, want only step-000100", got)
	}
}
