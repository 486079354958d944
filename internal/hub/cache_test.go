package hub

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func TestModelCachedIsUsedWithoutRequest(t *testing.T) {
	h := newFakeHub(t)
	h.add("models/org/small", smallModel())
	o := h.options(nil)
	if _, err := Model(t.Context(), "org/small", o); err != nil {
		t.Fatal(err)
	}
	h.log()
	for _, name := range []string{"org/small", "org/small@" + commitA} {
		if _, err := Model(t.Context(), name, o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := h.log(); len(got) > 0 {
		t.Errorf("requests for a cached model:\n%s", paths(got))
	}
}

// layDown writes a cache entry by hand, as other programs of the layout do.
func layDown(t *testing.T, cache, repo string, files ...string) (snapshot string) {
	t.Helper()
	root := filepath.Join(cache, repo)
	snapshot = filepath.Join(root, "snapshots", commitB)
	for _, dir := range []string{snapshot, filepath.Join(root, "blobs"), filepath.Join(root, "refs")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "refs", "main"), []byte(commitB), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		content := []byte("content of " + name)
		if name == weightsIndexName {
			content = []byte(`{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}`)
		}
		if err := os.WriteFile(filepath.Join(root, "blobs", gitBlob(content)), content, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../../blobs/"+gitBlob(content), filepath.Join(snapshot, name)); err != nil {
			t.Fatal(err)
		}
	}
	return snapshot
}

func TestModelLaidDownByOthers(t *testing.T) {
	shards := []string{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}
	for _, c := range []struct {
		name             string
		files            []string
		request, offline bool // whether the hub is asked; whether it works without
	}{
		{"whole", []string{"config.json", "model.safetensors", "tokenizer.json"}, false, true},
		{"vocabulary and merges", []string{"config.json", "model.safetensors", "vocab.json", "merges.txt"}, false, true},
		{"shards", []string{"config.json", weightsIndexName, shards[0], shards[1], "tokenizer.json"}, false, true},
		{"an adapter", []string{"adapter_config.json", "adapter_model.safetensors"}, false, true},
		{"no tokenizer", []string{"config.json", "model.safetensors"}, true, true},
		{"no weights", []string{"config.json", "tokenizer.json"}, true, false},
		{"a shard is missing", []string{"config.json", weightsIndexName, shards[0], "tokenizer.json"}, true, false},
		{"no configuration", []string{"model.safetensors", "tokenizer.json"}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newFakeHub(t)
			h.add("models/org/x", smallModel())
			o := h.options(nil)
			snapshot := layDown(t, o.Cache, "models--org--x", c.files...)

			offline := o
			offline.Offline = true
			folder, err := Model(t.Context(), "org/x", offline)
			if c.offline && (err != nil || folder != snapshot) {
				t.Errorf("offline: got %s (%v), want %s", folder, err, snapshot)
			}
			if !c.offline && (!usage.Is(err) || !strings.Contains(err.Error(), "only a part of it is in the cache")) {
				t.Errorf("offline: got %v, want that a part is missing", err)
			}
			if got := h.log(); len(got) > 0 {
				t.Errorf("offline: requests\n%s", paths(got))
			}
			folder, err = Model(t.Context(), "org/x", o)
			if err != nil {
				t.Fatal(err)
			}
			if asked := len(h.log()) > 0; asked != c.request || (folder == snapshot) == c.request {
				t.Errorf("hub asked: %v, want %v; folder %s", asked, c.request, folder)
			}
		})
	}
}

func TestModelUnreachableHubFallsBackToCache(t *testing.T) {
	h := newFakeHub(t)
	var log bytes.Buffer
	o := h.options(&log)
	snapshot := layDown(t, o.Cache, "models--org--x", "config.json", "model.safetensors")
	h.hub.Close()
	folder, err := Model(t.Context(), "org/x", o)
	if err != nil || folder != snapshot {
		t.Fatalf("got %s (%v), want %s", folder, err, snapshot)
	}
	if !strings.Contains(log.String(), "using what the cache has") {
		t.Errorf("the log does not say so: %q", &log)
	}
}

func TestDiskSpace(t *testing.T) {
	h := newFakeHub(t)
	_, blob := bigModel(h)
	o := h.options(nil)
	o.free = func(string) (int64, bool) { return size, true } // less than weights and tokenizer
	_, err := Model(t.Context(), "org/big", o)
	errorWith(t, err, true, "org/big: ", " are to be downloaded", o.Cache, "has room for 293.0 KiB", "HF_HUB_CACHE")
	if ranges, _ := contentRequests(h.log()); len(ranges) > 0 {
		t.Error("the download began")
	}
	// What an interrupted download left counts.
	if err := os.WriteFile(filepath.Join(o.Cache, blob+".incomplete"), []byte(weights("big", size)[:100_000]), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Model(t.Context(), "org/big", o); err != nil {
		t.Errorf("with a third of it here: %v", err)
	}
	if free, known := FreeBytes(t.TempDir()); known && free <= 0 {
		t.Errorf("free space of the temporary folder: %d bytes", free)
	}
}
