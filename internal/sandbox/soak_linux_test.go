package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// soakPrograms is the environment variable with the number of programs of TestSoak, for long runs.
const soakPrograms = "SPARSEPO_TEST_SOAK"

// remains is what a sandbox holds of the machine.
type remains struct {
	processes, files, mounts int
	memoryMB                 float64 // resident, of all processes but this one
}

// measure looks at the descendants of this process. Files of a process that the user may not look into do not count.
func measure(t *testing.T) remains {
	t.Helper()
	r := remains{files: entries("/proc/self/fd")}
	for _, pid := range descendants(t) {
		r.processes++
		r.files += entries(fmt.Sprintf("/proc/%d/fd", pid))
		r.memoryMB += residentMB(pid)
		mounts, _ := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", pid))
		r.mounts += strings.Count(string(mounts), "\n")
	}
	return r
}

// descendants are the processes that this one started, directly or not.
func descendants(t *testing.T) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	parents := map[int]int{}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		parents[pid], _ = strconv.Atoi(fields[1])
	}
	var pids []int
	for pid := range parents {
		for p := parents[pid]; p > 1; p = parents[p] {
			if p == os.Getpid() {
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids
}

func entries(folder string) int {
	names, _ := os.ReadDir(folder)
	return len(names)
}

func residentMB(pid int) float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(fields[1])
	return float64(pages*os.Getpagesize()) / (1 << 20)
}

// TestSoak: many short programs, bad ones among them, leave no process, file, mount or memory behind.
func TestSoak(t *testing.T) {
	count := 300
	if text := os.Getenv(soakPrograms); text != "" {
		var err error
		if count, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s: %v", soakPrograms, err)
		}
	}
	before := measure(t)
	s := open(t, Options{Workers: 4})
	kinds := []struct {
		code string
		want Kind
	}{
		{"def f(x): return x + 1", Passed},
		{"def f(x): return x", Failed},
		{"open('left', 'w').write('x' * 100000)\ndef f(x): return x + 1", Passed},
		{"import os\nif os.path.exists('left'): os._exit(3)\ndef f(x): return x + 1", Passed},
		{"import os\nos.fork()", Error},
		{"import os\nos._exit(0)", Error},
		{"x = bytearray(1 << 40)", Memory},
		{"print('x' * (2 << 20))", Output},
		{"def f(x): return 1 / 0", Error},
		{"keep = [open('/dev/null') for _ in range(50)]\ndef f(x): return x + 1", Passed},
	}
	run := func(n int) {
		programs := make([]Program, n)
		for i := range programs {
			programs[i] = Program{Code: kinds[i%len(kinds)].code, Tests: "assert f(1) == 2"}
		}
		verdicts, err := s.RunAll(t.Context(), programs, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range verdicts {
			if want := kinds[i%len(kinds)].want; v.Kind != want {
				t.Errorf("program %d: %s (%s), want %s", i, v.Kind, v.Reason, want)
			}
		}
	}
	run(max(100, count/10))
	warm := measure(t)
	start := time.Now()
	run(count)
	after := measure(t)
	t.Logf("%d programs in %.1f s; before, warm, after: %+v %+v %+v", count, time.Since(start).Seconds(), before, warm, after)
	if after.processes != warm.processes || after.files != warm.files || after.mounts != warm.mounts || after.memoryMB > 1.2*warm.memoryMB+10 {
		t.Errorf("left behind: warm %+v, after %+v", warm, after)
	}
	s.Close()
	if got := measure(t); got.processes != before.processes || got.files > before.files+2 {
		t.Errorf("after Close: %+v, want %+v", got, before)
	}
}
