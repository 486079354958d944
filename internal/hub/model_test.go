package hub

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// weights is content of a large file; different seeds give different files.
func weights(seed string, size int) string {
	return strings.Repeat(seed+"0123456789abcdef", size/(len(seed)+16)+1)[:size]
}

// smallModel is a repository as it often is: what is needed among much that is not.
func smallModel() map[string]string {
	return map[string]string{
		"config.json":        `{"model_type": "gpt2"}`,
		"tokenizer.json":     weights("tokenizer", 3000),
		"model.safetensors":  weights("weights", 200_000),
		"pytorch_model.bin":  weights("pickle", 200_000),
		"README.md":          "a model",
		"onnx/decoder.onnx":  "onnx",
		"merges.txt":         "#version: 0.2\n",
		"tf_model.h5":        "tensorflow",
		"flax_model.msgpack": "flax",
		".gitattributes":     "*.bin",
	}
}

func TestModelDownload(t *testing.T) {
	h := newFakeHub(t)
	h.add("models/org/small", smallModel())
	o := h.options(nil)
	folder, err := Model(t.Context(), "org/small", o)
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(o.Cache, "models--org--small")
	if want := filepath.Join(root, "snapshots", commitA); folder != want {
		t.Errorf("folder: got %s want %s", folder, want)
	}
	if got := readFile(t, root, "refs", "main"); got != commitA {
		t.Errorf("refs/main: got %q want %q", got, commitA)
	}
	entries, err := walk(folder)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"README.md", "config.json", "merges.txt", "model.safetensors", "tokenizer.json"}, entries); diff != "" {
		t.Errorf("snapshot (-want +got):\n%s", diff)
	}
	for name, etag := range map[string]string{
		"config.json":       gitBlob([]byte(smallModel()["config.json"])),
		"model.safetensors": sha256Of([]byte(smallModel()["model.safetensors"])),
	} {
		if got, err := os.Readlink(filepath.Join(folder, name)); err != nil || got != "../../blobs/"+etag {
			t.Errorf("%s: links to %q (%v), want ../../blobs/%s", name, got, err, etag)
		}
		if got, want := readFile(t, folder, name), smallModel()[name]; got != want {
			t.Errorf("%s: %d bytes that differ from the hub's %d", name, len(got), len(want))
		}
	}
	leftovers, err := filepath.Glob(filepath.Join(root, "*", "*.incomplete"))
	if err != nil || len(leftovers) > 0 {
		t.Errorf("partial files are left: %v %v", leftovers, err)
	}
}

// Of a repository whose tokenizer alone is wanted no weights come; the model completes the same snapshot later.
func TestTokenizerDownload(t *testing.T) {
	h := newFakeHub(t)
	h.add("models/org/small", smallModel())
	o := h.options(nil)
	folder, err := Tokenizer(t.Context(), "org/small", o)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := walk(folder)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"README.md", "config.json", "merges.txt", "tokenizer.json"}, entries); diff != "" {
		t.Errorf("snapshot (-want +got):\n%s", diff)
	}
	h.log()
	if again, err := Tokenizer(t.Context(), "org/small", o); err != nil || again != folder {
		t.Errorf("again: %s, %v", again, err)
	}
	if got := h.log(); len(got) > 0 {
		t.Errorf("the cache has it, and yet:\n%s", paths(got))
	}
	offline := o
	offline.Offline = true
	_, err = Model(t.Context(), "org/small", offline)
	errorWith(t, err, true, "org/small: no such folder, offline (HF_HUB_OFFLINE), and only a part of it is in the cache")
	if model, err := Model(t.Context(), "org/small", o); err != nil || model != folder || !holdsModel(folder) {
		t.Errorf("the model afterwards: %s, %v", model, err)
	}
	local := t.TempDir()
	if got, err := Tokenizer(t.Context(), local, Options{Endpoint: "http://hub.invalid"}); err != nil || got != local {
		t.Errorf("a folder: %s, %v", got, err)
	}
}

func TestModelSubfolderLink(t *testing.T) {
	r := newRepository("models", reference{id: "org/x", revision: mainRevision}, Options{Cache: t.TempDir()})
	f := file{name: "a/b/c.json", etag: "etag", size: 1}
	if err := r.link(commitA, f); err != nil {
		t.Fatal(err)
	}
	got, err := os.Readlink(filepath.Join(r.snapshot(commitA), "a", "b", "c.json"))
	if want := "../../../../blobs/etag"; err != nil || got != want {
		t.Errorf("link: got %q (%v) want %q", got, err, want)
	}
}

func TestModelShards(t *testing.T) {
	h := newFakeHub(t)
	files := smallModel()
	delete(files, "model.safetensors")
	files[weightsIndexName] = `{"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors", "c": "model-00002-of-00002.safetensors"}}`
	files["model-00001-of-00002.safetensors"] = weights("one", 5000)
	files["model-00002-of-00002.safetensors"] = weights("two", 6000)
	files["consolidated.safetensors"] = weights("both again", 9000)
	h.add("models/org/large", files)
	folder, err := Model(t.Context(), "org/large", h.options(nil))
	if err != nil {
		t.Fatal(err)
	}
	got, err := walk(folder)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"README.md", "config.json", "merges.txt", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
		weightsIndexName, "tokenizer.json",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("snapshot (-want +got):\n%s", diff)
	}
}

func TestModelAdapterAndMask(t *testing.T) {
	h := newFakeHub(t)
	h.add("models/org/lora", map[string]string{
		"adapter_config.json": "{}", "adapter_model.safetensors": weights("lora", 4000), "mask.safetensors": weights("mask", 2000),
	})
	folder, err := Model(t.Context(), "org/lora", h.options(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"adapter_config.json", "adapter_model.safetensors", "mask.safetensors"} {
		if !isFile(folder, name) {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestModelRevision(t *testing.T) {
	h := newFakeHub(t)
	repo := h.add("models/org/small", smallModel())
	repo.commits["refs/pr/3"], repo.commits[commitB] = commitB, commitB
	o := h.options(nil)
	folder, err := Model(t.Context(), "org/small@refs/pr/3", o)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(folder) != commitB {
		t.Errorf("folder %s, want commit %s", folder, commitB)
	}
	if got := readFile(t, o.Cache, "models--org--small", "refs", "refs", "pr", "3"); got != commitB {
		t.Errorf("ref: got %q want %q", got, commitB)
	}
	if got := readFile(t, folder, "config.json"); got != smallModel()["config.json"] {
		t.Errorf("config.json: got %q", got)
	}
	h.log()
	if _, err := Model(t.Context(), "org/small@main", o); err != nil {
		t.Fatal(err)
	}
	for _, r := range h.log() {
		if r.sent > 1000 && !strings.HasPrefix(r.path, "/api/") {
			t.Errorf("%s: downloaded again for another revision with the same content", r.path)
		}
	}
}

func TestModelExistingFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("org/name", 0o755); err != nil {
		t.Fatal(err)
	}
	folder, err := Model(t.Context(), "org/name", Options{Endpoint: "http://invalid.invalid", Cache: t.TempDir()})
	if err != nil || folder != "org/name" {
		t.Errorf("got %q (%v), want the folder as it is", folder, err)
	}
}

func TestModelBareList(t *testing.T) {
	h := newFakeHub(t)
	h.add("models/org/small", smallModel()).bare = true
	o := h.options(nil)
	folder, err := Model(t.Context(), "org/small", o)
	if err != nil {
		t.Fatal(err)
	}
	want := "../../blobs/" + sha256Of([]byte(smallModel()["model.safetensors"]))
	if got, err := os.Readlink(filepath.Join(folder, "model.safetensors")); err != nil || got != want {
		t.Errorf("link: got %q (%v) want %q, the hub's etag and not the storage's", got, err, want)
	}
}

func errorWith(t *testing.T, err error, isUsage bool, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	text := err.Error() + "\n" + strings.Join(usage.Hints(err), "\n")
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("error %q lacks %q", text, part)
		}
	}
	if usage.Is(err) != isUsage {
		t.Errorf("usage error: %v, want %v: %v", usage.Is(err), isUsage, err)
	}
}

func TestModelCancelledBefore(t *testing.T) {
	h := newFakeHub(t)
	h.add("models/org/small", smallModel())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Model(ctx, "org/small", h.options(nil))
	errorWith(t, err, false, "context canceled")
}
