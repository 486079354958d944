//go:build cgo && (linux || darwin)

package engine

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
)

// TestPlacesOfFunctions compares the places in ONNX Runtime's table of functions with the header that compute-onnx is built
// with.
func TestPlacesOfFunctions(t *testing.T) {
	folder, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/gomlx/compute-onnx").Output()
	if err != nil {
		t.Fatal(err)
	}
	header, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(folder)), "internal", "ort", "onnxruntime_c_api.h"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(header), "struct OrtApi {")
	table, _, _ = strings.Cut(table, "\n};")
	table = regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(table, "")
	table = regexp.MustCompile(`//.*`).ReplaceAllString(table, "")
	var functions []string
	for _, m := range regexp.MustCompile(`ORT_API2_STATUS\(\s*(\w+)|ORT_CLASS_RELEASE\((\w+)\)|ORT_API_T\([^,]*,\s*(\w+)|\(ORT_API_CALL\*\s*(\w+)\)`).FindAllStringSubmatch(table, -1) {
		name := m[1] + m[3] + m[4]
		if m[2] != "" {
			name = "Release" + m[2]
		}
		functions = append(functions, name)
	}
	for _, file := range []string{"onnx_settings.go", "../internal/onnxgraph/operation.c"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, places, _ := strings.Cut(string(source), "enum {")
		places, _, _ = strings.Cut(places, "};")
		found := regexp.MustCompile(`(\w+) = (\d+),`).FindAllStringSubmatch(places, -1)
		if len(found) < 10 {
			t.Fatalf("%s: %d places found", file, len(found))
		}
		for _, m := range found {
			if want := slices.Index(functions, m[1]); strconv.Itoa(want) != m[2] {
				t.Errorf("%s: %s is at %d in the header, used at %s", file, m[1], want, m[2])
			}
		}
	}
}

// TestOneArena: sessions allocate from one arena, so that the memory of one serves the next.
func TestOneArena(t *testing.T) {
	opened, err := Open("onnx")
	if err != nil {
		t.Skipf("skipped: engine onnx is not here (`make engine` installs ONNX Runtime): %v", err)
	}
	if _, err := operations[0].run(opened.Backend(), dtypes.Float32); err != nil {
		t.Fatal(err)
	}
	if state := arenaState(); state != 1 {
		t.Errorf("the shared arena's state is %d, want 1", state)
	}
}
