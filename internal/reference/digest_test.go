package reference

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func write(t *testing.T, folder, name, text string) string {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func digest(t *testing.T, cache string, folders ...string) string {
	t.Helper()
	d, err := Digest(cache, folders...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDigest(t *testing.T) {
	cache, a, b, adapter := filepath.Join(t.TempDir(), "cache"), t.TempDir(), t.TempDir(), t.TempDir()
	for _, folder := range []string{a, b} {
		write(t, folder, "config.json", "{}")
		write(t, folder, "model.safetensors", "weights")
	}
	write(t, a, "README.md", "is no part of the model")
	write(t, adapter, "adapter_model.safetensors", "low rank")
	first := digest(t, cache, a)
	if other := digest(t, cache, b); other != first {
		t.Error("a copy has another digest")
	}
	if digest(t, cache, a, adapter) == first {
		t.Error("an adapter changes nothing")
	}
	path := write(t, a, "model.safetensors", "Weights")
	changed := digest(t, cache, a)
	if changed == first {
		t.Error("other weights of the same size have the same digest")
	}
	// What is remembered is taken as long as size and time agree.
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, a, "model.safetensors", "WEIGHTS")
	if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if digest(t, cache, a) != changed {
		t.Error("the file is read although nothing says that it changed")
	}
	write(t, cache, digestsFile, "{")
	if again := digest(t, cache, a); again == changed || again == first {
		t.Error("a damaged memory is taken for one")
	}
	if _, err := Digest(cache, filepath.Join(a, "missing")); err == nil {
		t.Error("no error without a folder")
	}
}
