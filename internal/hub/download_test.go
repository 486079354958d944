package hub

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const size = 300_000

// bigModel is a model whose weights are worth interrupting.
func bigModel(h *fakeHub) (content, blob string) {
	files := smallModel()
	files["model.safetensors"] = weights("big", size)
	h.add("models/org/big", files)
	return files["model.safetensors"], filepath.Join("models--org--big", "blobs", sha256Of([]byte(files["model.safetensors"])))
}

// contentRequests are the answers that carried bytes of the weights.
func contentRequests(requests []seen) (ranges []string, sent int) {
	for _, r := range requests {
		if strings.HasSuffix(r.path, "/model.safetensors") && strings.HasPrefix(r.path, "/models/") {
			ranges = append(ranges, r.byteRange)
			sent += r.sent
		}
	}
	return ranges, sent
}

// The connection breaks thrice within one call; every byte is sent once.
func TestResumeWithinACall(t *testing.T) {
	h := newFakeHub(t)
	content, _ := bigModel(h)
	h.fail("model.safetensors", cutAfter(100_000), cutAfter(50_000), cutAfter(0))
	var log bytes.Buffer
	folder, err := Model(t.Context(), "org/big", h.options(&log))
	if err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, folder, "model.safetensors"); got != content {
		t.Error("the content differs from the hub's")
	}
	ranges, sent := contentRequests(h.log())
	if diff := cmp.Diff([]string{"", "bytes=100000-", "bytes=150000-", "bytes=150000-"}, ranges); diff != "" {
		t.Errorf("ranges (-want +got):\n%s", diff)
	}
	if sent != size {
		t.Errorf("%d bytes were sent for a file of %d", sent, size)
	}
	if got := strings.Count(log.String(), "next attempt in"); got != 3 {
		t.Errorf("%d messages about attempts, want 3:\n%s", got, &log)
	}
	if strings.Contains(log.String(), "signature") {
		t.Errorf("the log shows the storage's signed address:\n%s", &log)
	}
}

// A call ends in the middle; the next one fetches the rest alone.
func TestResumeInTheNextCall(t *testing.T) {
	h := newFakeHub(t)
	content, blob := bigModel(h)
	o := h.options(nil)
	reached := make(chan struct{})
	h.fail("model.safetensors", hangAfter(120_000, reached))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-reached
		for { // until the bytes are on the disk
			if info, err := os.Stat(filepath.Join(o.Cache, blob+".incomplete")); err == nil && info.Size() == 120_000 {
				break
			}
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	_, err := Model(ctx, "org/big", o)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want that the context was cancelled", err)
	}
	if _, err := os.Stat(filepath.Join(o.Cache, blob)); err == nil {
		t.Error("half a file has its final name")
	}
	h.log()
	var log bytes.Buffer
	o.Log = &log
	folder, err := Model(t.Context(), "org/big", o)
	if err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, folder, "model.safetensors"); got != content {
		t.Error("the content differs from the hub's")
	}
	requests := h.log()
	ranges, sent := contentRequests(requests)
	if diff := cmp.Diff([]string{"bytes=120000-"}, ranges); diff != "" || sent != size-120_000 {
		t.Errorf("%d bytes sent, want %d; ranges (-want +got):\n%s", sent, size-120_000, diff)
	}
	if strings.Contains(paths(requests), "tokenizer.json") {
		t.Error("a file that was complete was fetched again")
	}
}

// A server that ignores ranges sends everything again, once; nothing is doubled.
func TestServerIgnoresRange(t *testing.T) {
	h := newFakeHub(t)
	content, _ := bigModel(h)
	h.fail("model.safetensors", cutAfter(100_000), wholeAlways)
	folder, err := Model(t.Context(), "org/big", h.options(nil))
	if err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, folder, "model.safetensors"); got != content {
		t.Error("the content differs from the hub's")
	}
	ranges, _ := contentRequests(h.log())
	if diff := cmp.Diff([]string{"", "bytes=100000-"}, ranges); diff != "" {
		t.Errorf("ranges (-want +got):\n%s", diff)
	}
}

// An answer of unknown length that ends early is no end of the file.
func TestServerEndsEarly(t *testing.T) {
	h := newFakeHub(t)
	bigModel(h)
	h.fail("model.safetensors", endAfter(70_000))
	if _, err := Model(t.Context(), "org/big", h.options(nil)); err != nil {
		t.Fatal(err)
	}
	ranges, sent := contentRequests(h.log())
	if diff := cmp.Diff([]string{"", "bytes=70000-"}, ranges); diff != "" || sent != size {
		t.Errorf("%d bytes sent for a file of %d; ranges (-want +got):\n%s", sent, size, diff)
	}
}

func TestWrongPartialIsReplaced(t *testing.T) {
	for _, c := range []struct {
		name, partial string
		want          []string
	}{
		{"other bytes", strings.Repeat("?", 1000), []string{"bytes=1000-", ""}},
		{"as long as the file", strings.Repeat("?", size), []string{""}},
		{"longer than the file", strings.Repeat("?", size+1), []string{""}},
		{"whole", "right", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newFakeHub(t)
			content, blob := bigModel(h)
			o := h.options(nil)
			if c.partial == "right" {
				c.partial = content
			}
			blob = filepath.Join(o.Cache, blob)
			if err := os.MkdirAll(filepath.Dir(blob), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(blob+".incomplete", []byte(c.partial), 0o644); err != nil {
				t.Fatal(err)
			}
			folder, err := Model(t.Context(), "org/big", o)
			if err != nil {
				t.Fatal(err)
			}
			if got := readFile(t, folder, "model.safetensors"); got != content {
				t.Error("the content differs from the hub's")
			}
			ranges, _ := contentRequests(h.log())
			if diff := cmp.Diff(c.want, ranges); diff != "" {
				t.Errorf("ranges (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWrongContent(t *testing.T) {
	wrong := weights("evil", size)
	for _, c := range []struct {
		name, file string
		answers    []fault
		want       []string // parts of the error; none where it ends well
	}{
		{"once", "model.safetensors", []fault{instead(wrong)}, nil},
		{"twice", "model.safetensors", []fault{instead(wrong), instead(wrong)}, []string{"org/big: model.safetensors: the checksum is " + sha256Of([]byte(wrong)), "twice"}},
		{"too long, twice", "model.safetensors", []fault{instead(wrong + "x"), instead(wrong + "x")}, []string{"more bytes than announced, twice"}},
		{"small file, twice", "config.json", []fault{instead(`{"model_type": "evil"}`), instead(`{"model_type": "EVIL"}`)}, []string{"org/big: config.json: ", "twice"}},
		{"small file, same length", "config.json", []fault{instead(`{"model_type": "gpt3"}`), instead(`{"model_type": "gpt3"}`)}, []string{
			"the checksum is " + gitBlob([]byte(`{"model_type": "gpt3"}`)) + ", the hub announced " + gitBlob([]byte(`{"model_type": "gpt2"}`)),
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newFakeHub(t)
			content, blob := bigModel(h)
			h.fail(c.file, c.answers...)
			o := h.options(nil)
			folder, err := Model(t.Context(), "org/big", o)
			if len(c.want) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				if got := readFile(t, folder, "model.safetensors"); got != content {
					t.Error("the content differs from the hub's")
				}
				return
			}
			errorWith(t, err, false, c.want...)
			if _, err := os.Stat(filepath.Join(o.Cache, blob)); err == nil {
				t.Error("wrong content has its final name")
			}
		})
	}
}

func TestTroubleThatPasses(t *testing.T) {
	many := func(f fault, n int) []fault {
		var all []fault
		for range n {
			all = append(all, f)
		}
		return all
	}
	for _, c := range []struct {
		name, file string
		answers    []fault
		pauses     []time.Duration
		want       []string // parts of the error; none where it ends well
	}{
		{"list: 500 twice", "list", many(answer(500), 2), []time.Duration{time.Second, 2 * time.Second}, nil},
		{"list: 429 with a time", "list", many(answer(429, "Retry-After", "7"), 1), []time.Duration{7 * time.Second}, nil},
		{"list: 429 for an hour", "list", many(answer(429, "Retry-After", "3600"), 1), nil, []string{"429 Too Many Requests", "try again in 1h0m0s", "HF_TOKEN"}},
		{"list: 503 for ever", "list", many(answer(503), 9), []time.Duration{1e9, 2e9, 4e9, 8e9}, []string{"org/big: ", "503 Service Unavailable", "(5 attempts)"}},
		{"file: 500 and 429", "model.safetensors", []fault{answer(500), answer(429)}, []time.Duration{1e9, 2e9}, nil},
		{"file: 504 for ever", "model.safetensors", many(answer(504), 9), []time.Duration{1e9, 2e9, 4e9, 8e9}, []string{"org/big: model.safetensors: ", "504", "(5 attempts)", "continues"}},
		{"file: cut for ever", "model.safetensors", many(cutAfter(0), 9), []time.Duration{1e9, 2e9, 4e9, 8e9}, []string{"org/big: model.safetensors: ", "(5 attempts)"}},
		{"file: progress is not counted", "model.safetensors", many(cutAfter(size/10), 9), []time.Duration{1e9, 1e9, 1e9, 1e9, 1e9, 1e9, 1e9, 1e9, 1e9}, nil},
		{"file: another part", "model.safetensors", []fault{cutAfter(10), otherPart(100)}, []time.Duration{1e9, 2e9}, nil},
		{"file: 416", "model.safetensors", []fault{cutAfter(10), answer(416)}, []time.Duration{1e9, 2e9}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newFakeHub(t)
			bigModel(h)
			h.fail(c.file, c.answers...)
			o := h.options(nil)
			var pauses []time.Duration
			o.sleep = func(_ context.Context, d time.Duration) error { pauses = append(pauses, d); return nil }
			_, err := Model(t.Context(), "org/big", o)
			if len(c.want) > 0 {
				errorWith(t, err, false, c.want...)
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.pauses, pauses); diff != "" {
				t.Errorf("pauses (-want +got):\n%s", diff)
			}
		})
	}
}

// A connection without a byte is given up and continued elsewhere.
func TestSilentConnection(t *testing.T) {
	h := newFakeHub(t)
	content, _ := bigModel(h)
	h.fail("model.safetensors", hangAfter(1000, nil))
	var log bytes.Buffer
	o := h.options(&log)
	o.idle = 100 * time.Millisecond
	folder, err := Model(t.Context(), "org/big", o)
	if err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, folder, "model.safetensors"); got != content {
		t.Error("the content differs from the hub's")
	}
	if !strings.Contains(log.String(), "the connection went silent; next attempt in 1s") {
		t.Errorf("log: %s", &log)
	}
}

// A slow connection is left alone as long as something comes.
func TestSlowConnection(t *testing.T) {
	h := newFakeHub(t)
	bigModel(h)
	h.fail("model.safetensors", drip(20, 100*time.Millisecond))
	o := h.options(nil)
	o.idle = 1500 * time.Millisecond // the whole takes 2000
	if _, err := Model(t.Context(), "org/big", o); err != nil {
		t.Fatal(err)
	}
	if ranges, _ := contentRequests(h.log()); len(ranges) != 1 {
		t.Errorf("requests for %q, want one for the whole", ranges)
	}
}

func TestCancelWhilePausing(t *testing.T) {
	h := newFakeHub(t)
	bigModel(h)
	h.fail("list", answer(503))
	o := h.options(nil)
	ctx, cancel := context.WithCancel(t.Context())
	o.sleep = func(ctx context.Context, _ time.Duration) error { cancel(); return sleep(ctx, time.Hour) }
	if _, err := Model(ctx, "org/big", o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the context was cancelled", err)
	}
}
