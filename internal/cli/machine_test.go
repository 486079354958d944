package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meminfo")
	text := "MemTotal:        4194304 kB\nMemFree:          100 kB\nMemAvailable:    2097152 kB\nBroken\nHugePages: x\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if total, available := memory(path); total != 4096 || available != 2048 {
		t.Errorf("memory = %d, %d MiB; want 4096, 2048", total, available)
	}
	if total, available := memory(path + ".missing"); total != 0 || available != 0 {
		t.Errorf("without the file: %d, %d MiB; want 0, 0", total, available)
	}
}

func TestMemoryLimit(t *testing.T) {
	for text, want := range map[string]int64{"max\n": 0, "1073741824\n": 1024, "": 0} {
		path := filepath.Join(t.TempDir(), "memory.max")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := memoryLimit(path); got != want {
			t.Errorf("memoryLimit(%q) = %d MiB, want %d", text, got, want)
		}
	}
}

func TestMachineString(t *testing.T) {
	m := machine{OS: "linux", Arch: "amd64", CPUs: 4, Vectors: []string{"AVX2", "FMA"}, MemoryMB: 2048, MemoryFreeMB: 1024, NvidiaGPUs: 1}
	if got, want := m.String(), "linux/amd64, 4 CPUs (AVX2, FMA), 2.0 GiB memory, 1.0 GiB free, 1 NVIDIA GPUs"; got != want {
		t.Errorf("String = %q, want %q", got, want)
	}
	if got := (machine{}).String(); !strings.Contains(got, "memory unknown") {
		t.Errorf("String = %q, want the memory unknown", got)
	}
}
