package hub

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gofrs/flock"
)

// Several downloads of one model share its files: every byte comes once.
func TestConcurrentDownloads(t *testing.T) {
	h := newFakeHub(t)
	content, _ := bigModel(h)
	o := h.options(nil)
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			folder, err := Model(t.Context(), "org/big", o)
			if err != nil {
				t.Errorf("download %d: %v", i, err)
				return
			}
			if got := readFile(t, folder, "model.safetensors"); got != content {
				t.Errorf("download %d: the content differs from the hub's", i)
			}
		})
	}
	group.Wait()
	if ranges, sent := contentRequests(h.log()); sent != size {
		t.Errorf("%d bytes were sent for a file of %d, in %q", sent, size, ranges)
	}
}

// The lock is where huggingface_hub has it; while somebody holds it, the blob is left alone, and Ctrl-C works.
func TestLockOfAnotherProcess(t *testing.T) {
	h := newFakeHub(t)
	content, blob := bigModel(h)
	o := h.options(nil)
	name := filepath.Join(o.Cache, ".locks", "models--org--big", filepath.Base(blob)+".lock")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	other := flock.New(name)
	if err := other.Lock(); err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	waiting := make(chan struct{})
	o.Log = &watchFor{text: "waiting for another process, which downloads model.safetensors", seen: waiting}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-waiting; cancel() }()
	if _, err := Model(ctx, "org/big", o); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want that the context was cancelled", err)
	}
	if ranges, _ := contentRequests(h.log()); len(ranges) > 0 {
		t.Fatal("downloaded what another process holds")
	}
	waiting = make(chan struct{})
	o.Log = &watchFor{text: "waiting for another process", seen: waiting}
	go func() { // the other process finishes
		<-waiting
		if err := os.WriteFile(filepath.Join(o.Cache, blob), []byte(content), 0o644); err != nil {
			t.Error(err)
		}
		other.Close()
	}()
	folder, err := Model(t.Context(), "org/big", o)
	if err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, folder, "model.safetensors"); got != content {
		t.Error("the content differs from the other process's")
	}
	if ranges, _ := contentRequests(h.log()); len(ranges) > 0 {
		t.Error("downloaded what another process had downloaded meanwhile")
	}
}

// watchFor closes seen when text is written.
type watchFor struct {
	text string
	seen chan struct{}
	once sync.Once
	io.Writer
}

func (w *watchFor) Write(b []byte) (int, error) {
	if strings.Contains(string(b), w.text) {
		w.once.Do(func() { close(w.seen) })
	}
	return len(b), nil
}
