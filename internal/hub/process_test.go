package hub

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The environment of a child process: this test program, started to download a model and print its folder.
const (
	childCache    = "HUB_TEST_CACHE"
	childEndpoint = "HUB_TEST_ENDPOINT"
)

func child(cache, endpoint string) (code int) {
	folder, err := Model(context.Background(), "org/big", Options{Cache: cache, Endpoint: endpoint, Log: os.Stderr})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Print(folder)
	return 0
}

func startChild(t *testing.T, o Options) (process *exec.Cmd, output *strings.Builder) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	process, output = exec.Command(program), &strings.Builder{}
	process.Env = append(os.Environ(), childCache+"="+o.Cache, childEndpoint+"="+o.Endpoint)
	process.Stdout, process.Stderr = output, &strings.Builder{}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	return process, output
}

// Processes that download one model at once share its files: every byte comes once.
func TestProcesses(t *testing.T) {
	h := newFakeHub(t)
	content, _ := bigModel(h)
	o := h.options(nil)
	var processes []*exec.Cmd
	var outputs []*strings.Builder
	for range 3 {
		process, output := startChild(t, o)
		processes, outputs = append(processes, process), append(outputs, output)
	}
	for i, process := range processes {
		if err := process.Wait(); err != nil {
			t.Fatalf("process %d: %v: %s", i, err, process.Stderr)
		}
		if got := readFile(t, outputs[i].String(), "model.safetensors"); got != content {
			t.Errorf("process %d: the content differs from the hub's", i)
		}
	}
	if ranges, sent := contentRequests(h.log()); sent != size {
		t.Errorf("%d bytes were sent for a file of %d, in %q", sent, size, ranges)
	}
}

// A process that is killed leaves no lock behind, and what it had received.
func TestKilledProcess(t *testing.T) {
	h := newFakeHub(t)
	content, blob := bigModel(h)
	o := h.options(nil)
	h.fail("model.safetensors", hangAfter(120_000, nil))
	process, _ := startChild(t, o)
	partial := filepath.Join(o.Cache, blob+".incomplete")
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if info, err := os.Stat(partial); err == nil && info.Size() == 120_000 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the process does not come to the middle of the file: %s", process.Stderr)
		}
	}
	if err := process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = process.Wait() // it was killed
	h.log()
	folder, err := Model(t.Context(), "org/big", o)
	if err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, folder, "model.safetensors"); got != content {
		t.Error("the content differs from the hub's")
	}
	ranges, sent := contentRequests(h.log())
	if diff := cmp.Diff([]string{"bytes=120000-"}, ranges); diff != "" || sent != size-120_000 {
		t.Errorf("%d bytes sent, want %d; ranges (-want +got):\n%s", sent, size-120_000, diff)
	}
}
