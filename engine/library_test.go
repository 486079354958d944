package engine

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFindLibraryInOrder(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the variable of the library path is Linux's")
	}
	cache := alone(t)
	folder := t.TempDir()
	system := filepath.Join(folder, "lib", LibraryName())
	named := filepath.Join(folder, "mine.so")
	want := func(path, from string) {
		t.Helper()
		found, ok, err := findLibrary()
		if err != nil || !ok || found.path != path || !strings.Contains(found.from, from) {
			t.Errorf("found %+v, %v, %v; want %s, %s", found, ok, err, path, from)
		}
	}
	write(t, system, "")
	t.Setenv("LD_LIBRARY_PATH", "/nowhere:"+filepath.Dir(system))
	want(system, "system's library path")
	write(t, filepath.Join(cache, LibraryName()), "")
	want(filepath.Join(cache, LibraryName()), "cache folder")
	write(t, named, "")
	t.Setenv(libraryVariable, named)
	want(named, libraryVariable)
}

func TestFindLibraryReportsWrongVariable(t *testing.T) {
	alone(t)
	path := filepath.Join(t.TempDir(), "gone.so")
	t.Setenv(libraryVariable, path)
	if _, ok, err := findLibrary(); ok || err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("findLibrary: %v, %v; want an error that names %s", ok, err, path)
	}
}

func TestLibraryKeepsHowItWasFound(t *testing.T) {
	cache := alone(t)
	path := filepath.Join(cache, LibraryName())
	write(t, path, "")
	found, _, err := findLibrary()
	if err != nil {
		t.Fatal(err)
	}
	if err := choose(found); err != nil {
		t.Fatal(err)
	}
	if got := os.Getenv(libraryVariable); got != path {
		t.Errorf("%s is %q, want %q", libraryVariable, got, path)
	}
	if again, ok, err := findLibrary(); again != found || !ok || err != nil {
		t.Errorf("after choosing it: %+v, %v, %v; want %+v", again, ok, err, found)
	}
}

func TestLinkerFolders(t *testing.T) {
	folder := t.TempDir()
	conf := filepath.Join(folder, "ld.so.conf")
	write(t, conf, "# comment\n/first # why\n\ninclude conf.d/*.conf\ninclude "+conf+"\n/last\n")
	write(t, filepath.Join(folder, "conf.d/a.conf"), "/a\n")
	write(t, filepath.Join(folder, "conf.d/b.conf"), "/b\n")
	got := linkerFolders(conf, 4) // at the greatest depth, so that the file's inclusion of itself ends
	if diff := cmp.Diff([]string{"/first", "/last"}, got); diff != "" {
		t.Errorf("no depth left (-want +got):\n%s", diff)
	}
	got = linkerFolders(conf, 3)
	if diff := cmp.Diff([]string{"/first", "/a", "/b", "/first", "/last", "/last"}, got); diff != "" {
		t.Errorf("one depth left (-want +got):\n%s", diff)
	}
	if got := linkerFolders(filepath.Join(folder, "missing"), 0); got != nil {
		t.Errorf("missing file: %v", got)
	}
}

// TestInstallerAgrees keeps scripts/engine.sh and this package on the same version and file.
func TestInstallerAgrees(t *testing.T) {
	script, err := os.ReadFile(filepath.Join(projectRoot(t), "scripts", "engine.sh"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"version=" + RuntimeVersion + "\n", "name=" + LibraryName() + "\n", "folder=$cache/sparsepo/onnxruntime-$version\n"} {
		if !strings.Contains(string(script), line) {
			t.Errorf("scripts/engine.sh lacks %q", line)
		}
	}
}
