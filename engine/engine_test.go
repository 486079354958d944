package engine

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// alone hides this machine's engines and settings from the test.
func alone(t *testing.T) (cache string) {
	t.Helper()
	home := t.TempDir()
	for _, variable := range []string{libraryVariable, Variable, "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PJRT_PLUGIN_LIBRARY_PATH"} {
		t.Setenv(variable, "")
	}
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	path, err := InstalledLibrary()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(path)
}

// installed skips the test where ONNX Runtime is not installed, and returns its path.
func installed(t *testing.T) string {
	t.Helper()
	path, err := InstalledLibrary()
	if err != nil || !isFile(path) || !Cgo {
		t.Skip("ONNX Runtime is not installed here; `make engine` installs it")
	}
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefusesUnknownNames(t *testing.T) {
	plugin := filepath.Join(t.TempDir(), "missing.so")
	for _, c := range []struct{ name, want string }{
		{"onx", `unknown engine "onx"; known: auto, onnx, go, xla:PATH (did you mean "onnx"?)`},
		{"tensorflow", `unknown engine "tensorflow"; known: auto, onnx, go, xla:PATH`},
		{"xla", "the plugin's path is missing"},
		{"xla:cuda", `"cuda" is not an absolute path`},
		{"xla:" + plugin, plugin + " is no file"},
	} {
		if strings.HasPrefix(c.name, "xla") && !Cgo {
			continue
		}
		opened, err := Open(c.name)
		if opened != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Open(%q) = %v, %v; want an error with %q", c.name, opened, err, c.want)
		} else if !usage.Is(err) {
			t.Errorf("Open(%q): %v is not marked as the user's mistake", c.name, err)
		}
	}
}

func TestFullPrecision(t *testing.T) {
	for options, want := range map[string]string{
		"/a/cuda.so":                          "/a/cuda.so,tf32=false",
		"/a/cuda.so,preallocate=true":         "/a/cuda.so,preallocate=true,tf32=false",
		"/a/cuda.so,tf32=true":                "/a/cuda.so,tf32=true",
		"/a/cuda.so,tf32":                     "/a/cuda.so,tf32",
		"/a/cuda.so,notf32,memory_fraction=1": "/a/cuda.so,notf32,memory_fraction=1",
		"/tf32/cuda.so":                       "/tf32/cuda.so,tf32=false",
	} {
		if got := fullPrecision(options); got != want {
			t.Errorf("fullPrecision(%q) = %q, want %q", options, got, want)
		}
	}
}

func TestOpenGoIsSilentAndUnlimited(t *testing.T) {
	alone(t)
	for _, c := range []struct {
		name, variable string
		limited        bool
	}{
		{"go", "", false},
		{"auto", "go", false},
		{"", "go:creation_order", false},
		{"go:ops_sequential", "", true},
	} {
		t.Setenv(Variable, c.variable)
		var opened *Engine
		printed := stdout(t, func() { opened = mustOpen(t, c.name) })
		if printed != "" {
			t.Errorf("%s: prints %q on standard output", c.name, printed)
		}
		pool, ok := workers(opened.Backend())
		if !ok {
			t.Fatalf("%s: the Go backend has no pool of workers: GoMLX has changed, see unlimited", c.name)
		}
		if got := pool.MaxParallelism() >= 0; got != c.limited {
			t.Errorf("%s: parallelism %d, want limited: %v", c.name, pool.MaxParallelism(), c.limited)
		}
		if opened.Kind() != Go || opened.Name() != "go" || opened.Notice() != "" {
			t.Errorf("%s: kind %q, name %q, notice %q", c.name, opened.Kind(), opened.Name(), opened.Notice())
		}
		if fromVariable := strings.Contains(opened.Why, Variable); fromVariable != (c.variable != "") {
			t.Errorf("%s with %s=%q: why is %q", c.name, Variable, c.variable, opened.Why)
		}
		if err := opened.Prove(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// stdout returns what the function prints on the process's standard output.
func stdout(t *testing.T, run func()) string {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	saved := os.Stdout
	os.Stdout = writer
	run()
	os.Stdout = saved
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestOpenGoRefusesUnknownOptions(t *testing.T) {
	if opened, err := Open("go:fast"); opened != nil || err == nil || !strings.Contains(err.Error(), `"fast"`) {
		t.Errorf("Open = %v, %v; want an error that names the option", opened, err)
	}
}

func TestAutoWithoutLibrary(t *testing.T) {
	alone(t)
	if found, ok, err := findLibrary(); ok || err != nil {
		t.Skipf("the system has its own ONNX Runtime, %s (%v)", found.path, err)
	}
	opened := mustOpen(t, "auto")
	if opened.Kind() != Go || !strings.Contains(opened.Notice(), "slower") || strings.Contains(opened.Notice(), "\n") {
		t.Errorf("kind %q, notice %q; want go with one line of notice", opened.Kind(), opened.Notice())
	}
	if Cgo && !strings.Contains(opened.Notice(), "make engine") {
		t.Errorf("notice %q does not say how to get the fast engine", opened.Notice())
	}
	if opened, err := Open("onnx"); opened != nil || err == nil {
		t.Errorf("Open(onnx) = %v, %v; want an error", opened, err)
	}
}

func TestUnusableLibrary(t *testing.T) {
	if !Cgo {
		t.Skip("built without cgo")
	}
	cache := alone(t)
	path := filepath.Join(cache, LibraryName())
	write(t, path, "not a library")
	_, err := Open("onnx")
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "does not load") {
		t.Errorf("Open(onnx): %v; want the path and the loader's complaint", err)
	}
	if hints := usage.Hints(err); len(hints) != 1 || !strings.Contains(hints[0], "make engine") {
		t.Errorf("hints %q", hints)
	}
	opened := mustOpen(t, "auto")
	if opened.Kind() != Go || !strings.Contains(opened.Notice(), "does not load") {
		t.Errorf("auto opens %q with notice %q, want go and the reason", opened.Kind(), opened.Notice())
	}
}

func TestOpenONNX(t *testing.T) {
	path := installed(t)
	t.Setenv(Variable, "")
	t.Setenv(libraryVariable, path)
	for _, name := range []string{"onnx", "auto"} {
		opened := mustOpen(t, name)
		if opened.Kind() != ONNX || opened.Library() != path || opened.Version() != RuntimeVersion {
			t.Errorf("%s: kind %q, library %q, version %q", name, opened.Kind(), opened.Library(), opened.Version())
		}
		if opened.Why == "" || opened.Found() == "" {
			t.Errorf("%s: why %q, found %q", name, opened.Why, opened.Found())
		}
		if err := opened.Prove(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenONNXRefusesUnknownOptions(t *testing.T) {
	installed(t)
	if opened, err := Open("onnx:tpu"); opened != nil || err == nil || !strings.Contains(err.Error(), "tpu") {
		t.Errorf("Open = %v, %v; want an error that names the option", opened, err)
	}
}

func TestAvailableListsEveryKind(t *testing.T) {
	alone(t)
	seen := map[string]bool{}
	for _, candidate := range Available() {
		kind, _, _ := strings.Cut(candidate.Name, ":")
		seen[kind] = true
		if (candidate.Engine == nil) == (candidate.Err == nil) {
			t.Errorf("%s: engine %v, error %v; want exactly one", candidate.Name, candidate.Engine, candidate.Err)
		}
		if candidate.Name == "go" && candidate.Engine == nil {
			t.Errorf("go: %v", candidate.Err)
		}
	}
	for _, kind := range []Kind{ONNX, Go, XLA} {
		if !seen[string(kind)] {
			t.Errorf("%s is not listed", kind)
		}
	}
}

// Only the engines that compute bfloat16 as such say so.
func TestBFloat16(t *testing.T) {
	if !BFloat16(mustOpen(t, "go").Backend()) {
		t.Error("go: no bfloat16")
	}
	for _, other := range otherEngines(t) {
		if got, want := BFloat16(other.Backend()), other.Kind() != ONNX; got != want {
			t.Errorf("%s: %v, want %v", other.Name(), got, want)
		}
	}
}

func TestBrokenPluginIsReported(t *testing.T) {
	if !Cgo {
		t.Skip("built without cgo")
	}
	alone(t)
	folder := t.TempDir()
	path := filepath.Join(folder, "pjrt_c_api_cpu_plugin.so")
	write(t, path, "not a library")
	t.Setenv("PJRT_PLUGIN_LIBRARY_PATH", folder)
	candidates := Available()
	last := candidates[len(candidates)-1]
	if last.Name != "xla:"+path || last.Err == nil || !strings.Contains(last.Err.Error(), path) {
		t.Errorf("last candidate %q, error %v; want the plugin and why it does not load", last.Name, last.Err)
	}
}

func TestProveNoticesWrongNumbers(t *testing.T) {
	e := &Engine{kind: Go}
	if err := e.compare([]float32{1, 2}, []float64{1, 2.1}); err == nil || !strings.Contains(err.Error(), "element 1") {
		t.Errorf("compare: %v, want a complaint about element 1", err)
	}
	if err := e.compare([]float32{1}, []float64{1, 2}); err == nil {
		t.Error("compare: a missing element passes")
	}
	if err := e.compare([]float32{1, 2}, []float64{1, 2}); err != nil {
		t.Errorf("compare: %v", err)
	}
}
