package safetensors

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// resident returns the bytes of the file at path that are mapped into this process's memory.
func resident(t *testing.T, path string) int {
	t.Helper()
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Skipf("no account of mapped memory here: %v", err)
	}
	defer maps.Close()
	total, inside := 0, false
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		line := lines.Text()
		if fields := strings.Fields(line); strings.Contains(fields[0], "-") {
			inside = strings.HasSuffix(line, path)
		}
		var kilobytes int
		if _, err := fmt.Sscanf(line, "Rss: %d kB", &kilobytes); err == nil && inside {
			total += kilobytes << 10
		}
	}
	return total
}

// Reading tensors one after the other keeps little more than one of them in memory, whatever the size of the file and of
// the tensors, and a released tensor reads as before.
func TestRelease(t *testing.T) {
	const total = 32 << 20
	for _, size := range []int{100, 40_000, 1 << 20} {
		path := filepath.Join(t.TempDir(), "m.safetensors")
		values := ramp(size)
		var list []TensorData
		for i := range min(2000, total/(4*size)) {
			list = append(list, TensorData{Name: fmt.Sprint(i), DType: F32, Shape: []int{size}, Float32: values})
		}
		write(t, path, list, nil)
		file := open(t, path)
		into, most := make([]float32, size), 0
		for range 2 {
			for i, name := range file.Names() {
				tensor, _ := file.Tensor(name)
				if err := tensor.DecodeFloat32(into, 0); err != nil {
					t.Fatal(err)
				}
				if into[size-1] != values[size-1] {
					t.Fatalf("tensor %s: last element %g want %g", name, into[size-1], values[size-1])
				}
				if i%100 == 0 || size > 100_000 {
					most = max(most, resident(t, path))
				}
				tensor.Release()
			}
		}
		if limit := 4*size + 4*neighbourhood; most == 0 || most > limit {
			t.Errorf("tensors of %d bytes: up to %d bytes of %d mapped, want 1 to %d", 4*size, most, len(file.content), limit)
		}
		if left := resident(t, path); left > 2*neighbourhood {
			t.Errorf("tensors of %d bytes: %d bytes mapped after the last was released", 4*size, left)
		}
	}
}
