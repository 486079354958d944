package jsonl

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSave(t *testing.T) {
	folder := t.TempDir()
	const want = `{"a":"<é>"}` + "\n" + `{"a":"& "}` + "\n"
	for _, name := range []string{"a.jsonl", "a.jsonl.gz"} {
		path := filepath.Join(folder, name)
		if err := Save(path, []map[string]string{{"a": "<é>"}, {"a": "& "}}); err != nil {
			t.Fatal(err)
		}
		file, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(file)
		file.Close()
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
		broken := errors.New("broken off")
		if err := SaveWith(path, func(io.Writer) error { return broken }); !errors.Is(err, broken) {
			t.Errorf("%s: error %v, want that of the writing", name, err)
		}
		if again, err := Open(path); err != nil {
			t.Error(err)
		} else if got, _ := io.ReadAll(again); string(got) != want {
			t.Errorf("%s: a failed writing leaves %q, want what stood there", name, got)
		}
	}
	if err := Save(filepath.Join(folder, "none", "a.jsonl"), []int{1}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	if err := Save(filepath.Join(folder, "b.jsonl"), []any{1, func() {}}); err == nil || !strings.Contains(err.Error(), "b.jsonl") {
		t.Errorf("what is no JSON: %v", err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 2 {
		t.Errorf("the folder has %d files, %v, want 2", len(entries), err)
	}
}

func TestMarshal(t *testing.T) {
	if got, err := Marshal([]any{"<>&", 1, nil}); err != nil || string(got) != `["<>&",1,null]` {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := Marshal(func() {}); err == nil {
		t.Error("a function has become JSON")
	}
}
