package hub

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestIsID(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("runs/final", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		want bool
		why  string
	}{
		{"gpt2", true, "a repository without owner"},
		{"openai-community/gpt2", true, ""},
		{"org/name@v1.0", true, "a tag"},
		{"org/name@refs/pr/3", true, "a pull request"},
		{"org/name@607a30d783dfa663caf39e06633721c8d4cfcd7e", true, "a commit"},
		{"org/name:data/train.jsonl", true, "a file of a data set"},
		{"org/name@v1:sub", true, ""},
		{"a", true, ""},
		{"mistralai/Mistral-7B-v0.1", true, ""},
		{"runs/final", false, "it exists"},
		{"runs", false, "it exists"},
		{"", false, ""},
		{"./gpt2", false, "a path"},
		{"../gpt2", false, "a path"},
		{"/models/gpt2", false, "a path"},
		{"a/b/c", false, "too deep"},
		{"org/", false, "no name"},
		{"org/name@", false, "no revision"},
		{"org/name:", false, "no path"},
		{"org/name@../../x", false, "leaves the cache"},
		{"org/name:../x", false, "leaves the repository"},
		{"org/na--me", false, "the layout's separator"},
		{"org/na..me", false, "never a repository"},
		{"org/-name", false, "begins with a sign"},
		{"org/name.", false, "ends with a sign"},
		{"pairs.jsonl", false, "a file's name"},
		{"data/pairs.parquet", false, "a file's name"},
		{"my model", false, "a space"},
		{strings.Repeat("x", 97), false, "longer than the hub allows"},
	} {
		if got := IsID(c.name); got != c.want {
			t.Errorf("IsID(%q) = %v, want %v (%s)", c.name, got, c.want, c.why)
		}
	}
}

func TestNearestPath(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("runs/sentiment/final", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, want string }{
		{"runs/sentiment/finall", "runs/sentiment/final"},
		{"runs/sentimant/final", "runs/sentiment/final"},
		{"runs/sentimant/first", ""},
		{"run", "runs"},
		{"elsewhere/entirely", ""},
		{"", ""},
	} {
		if got := nearestPath(c.name); got != filepath.FromSlash(c.want) {
			t.Errorf("nearestPath(%q) = %q, want %q", c.name, got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"gpt2", "org/name@refs/pr/1:a/b", "org/name@..", ":", "@", "a/b:c@d", "org/name:..", "a@b@c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		ref, ok := parse(name)
		if !ok {
			if ref != (reference{}) {
				t.Errorf("%q: refused, but %+v", name, ref)
			}
			return
		}
		cache := filepath.Join("cache", "blobs")
		for _, path := range []string{ref.revision, ref.path, strings.ReplaceAll(ref.id, "/", "--")} {
			if joined := filepath.Join(cache, path); !strings.HasPrefix(joined, cache) {
				t.Errorf("%q: %q leaves the cache", name, path)
			}
		}
		again, ok := parse(ref.id + "@" + ref.revision + map[bool]string{true: ":" + ref.path}[ref.path != ""])
		if !ok || again != ref {
			t.Errorf("%q: parsed %+v, printed and parsed again %+v", name, ref, again)
		}
	})
}
