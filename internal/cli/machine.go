package cli

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/cpu"
)

// machine is what the engines have to work with. Memory is in MiB, 0 where the system does not tell.
type machine struct {
	OS           string   `json:"os"`
	Arch         string   `json:"arch"`
	CPUs         int      `json:"cpus"`
	Vectors      []string `json:"vectors"` // vector instruction sets that matter to the engines
	MemoryMB     int64    `json:"memory_mb"`
	MemoryFreeMB int64    `json:"memory_free_mb"`
	NvidiaGPUs   int      `json:"nvidia_gpus"`
}

func thisMachine() machine {
	m := machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.GOMAXPROCS(0), Vectors: vectors()}
	m.MemoryMB, m.MemoryFreeMB = memory("/proc/meminfo")
	if limit := memoryLimit("/sys/fs/cgroup/memory.max"); limit > 0 && limit < m.MemoryMB {
		m.MemoryMB, m.MemoryFreeMB = limit, min(limit, m.MemoryFreeMB)
	}
	gpus, _ := filepath.Glob("/proc/driver/nvidia/gpus/*") // the pattern is well-formed
	m.NvidiaGPUs = len(gpus)
	return m
}

func (m machine) String() string {
	text := fmt.Sprintf("%s/%s, %d CPUs", m.OS, m.Arch, m.CPUs)
	if len(m.Vectors) > 0 {
		text += " (" + strings.Join(m.Vectors, ", ") + ")"
	}
	if m.MemoryMB > 0 {
		text += fmt.Sprintf(", %.1f GiB memory, %.1f GiB free", float64(m.MemoryMB)/1024, float64(m.MemoryFreeMB)/1024)
	} else {
		text += ", memory unknown"
	}
	if m.NvidiaGPUs > 0 {
		text += fmt.Sprintf(", %d NVIDIA GPUs", m.NvidiaGPUs)
	}
	return text
}

func vectors() []string {
	names := []string{}
	for _, set := range []struct {
		name string
		has  bool
	}{
		{"AVX2", cpu.X86.HasAVX2}, {"FMA", cpu.X86.HasFMA}, {"AVX-512", cpu.X86.HasAVX512F}, {"ASIMD", cpu.ARM64.HasASIMD},
	} {
		if set.has {
			names = append(names, set.name)
		}
	}
	return names
}

// memory reads total and available memory, in MiB, from a file in the format of /proc/meminfo; 0 without it.
func memory(path string) (total, available int64) {
	file, err := os.Open(path)
	if err != nil {
		return 0, 0 // no such file outside Linux
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		kibibytes, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			continue
		}
		switch fields[0] {
		case "MemTotal:":
			total = kibibytes / 1024
		case "MemAvailable:":
			available = kibibytes / 1024
		}
	}
	return total, available
}

// memoryLimit reads a control group's memory limit, in MiB; 0 when there is none.
func memoryLimit(path string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0 // "max": no limit
	}
	return limit / (1 << 20)
}
