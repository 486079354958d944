package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestCores(t *testing.T) {
	for _, c := range []struct {
		name     string
		siblings []string // of each CPU
		want     int
	}{
		{"nothing is known", nil, runtime.NumCPU()},
		{"one core with two threads", []string{"0-1\n", "0-1\n"}, 1},
		{"more cores than may be used", make([]string, 2*runtime.NumCPU()), runtime.NumCPU()},
	} {
		folder := t.TempDir()
		for cpu, list := range c.siblings {
			if list == "" {
				list = fmt.Sprintf("%d\n", cpu)
			}
			at := filepath.Join(folder, fmt.Sprintf("cpu%d", cpu), "topology")
			if err := os.MkdirAll(at, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(at, "thread_siblings_list"), []byte(list), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := cores(folder); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
