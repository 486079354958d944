package source

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/usage"
)

func TestParts(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"a.jsonl", "b.jsonl", "odd,name=3[:5%].jsonl", "set/train-0.jsonl", "set/train-1.jsonl", "set/test.jsonl"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		want []data.Part
		err  string
	}{
		{"a.jsonl", []data.Part{{Paths: []string{"a.jsonl"}}}, ""},
		{"odd,name=3[:5%].jsonl", []data.Part{{Paths: []string{"odd,name=3[:5%].jsonl"}}}, ""},
		{"a.jsonl,b.jsonl", []data.Part{{Paths: []string{"a.jsonl"}}, {Paths: []string{"b.jsonl"}}}, ""},
		{"a.jsonl=2, b.jsonl=0.5", []data.Part{{Paths: []string{"a.jsonl"}, Weight: 2}, {Paths: []string{"b.jsonl"}, Weight: 0.5}}, ""},
		{"a.jsonl[:90%]", []data.Part{{Paths: []string{"a.jsonl"}, Share: data.Share{To: 0.9}}}, ""},
		{"a.jsonl[90%:]=3,b.jsonl[10%:20%]=1", []data.Part{
			{Paths: []string{"a.jsonl"}, Share: data.Share{From: 0.9, To: 1}, Weight: 3},
			{Paths: []string{"b.jsonl"}, Share: data.Share{From: 0.1, To: 0.2}, Weight: 1},
		}, ""},
		{"*.jsonl", []data.Part{{Paths: []string{"a.jsonl", "b.jsonl", "odd,name=3[:5%].jsonl"}}}, ""},
		{"set", []data.Part{{Paths: []string{"set/train-0.jsonl", "set/train-1.jsonl"}}}, ""},
		{"set:test", []data.Part{{Paths: []string{"set/test.jsonl"}}}, ""},
		{"set[:50%]", []data.Part{{Paths: []string{"set/train-0.jsonl", "set/train-1.jsonl"}, Share: data.Share{To: 0.5}}}, ""},
		{"a.jsonl=2,b.jsonl", nil, "1 of 2 sources have a weight"},
		{"a.jsonl=0", nil, "weight 0; give a number above 0"},
		{"a.jsonl[50%:20%]", nil, "no share of a data set"},
		{"a.jsonl[:200%]", nil, "no share of a data set"},
		{"a.jsonl,,b.jsonl", nil, "a source is empty"},
		{"set:dev", nil, `no file, folder or split "dev"`},
		{"none.jsonl", nil, "none.jsonl"},
	} {
		got, err := Parts(t.Context(), c.name, io.Discard)
		if c.err != "" {
			if !usage.Is(err) || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want a usage error with %q", c.name, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
	if _, err := Files(t.Context(), "a.jsonl[:50%]", io.Discard); !usage.Is(err) {
		t.Errorf("Files of a share: %v, want a usage error", err)
	}
	if files, err := Files(t.Context(), "a.jsonl,b.jsonl", io.Discard); err != nil || len(files) != 2 {
		t.Errorf("Files of two: %v, %v", files, err)
	}
}

func FuzzParsePart(f *testing.F) {
	for _, seed := range []string{"a.jsonl", "a[:9%]=2", "org/name:test[1%:]", "=", "[:]", "a=1e400"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, file, err := parsePart(text)
		if err == nil && (file == "" || p.Weight < 0 || p.Share.From < 0 || p.Share.To > 1 || p.Share.From > p.Share.To) {
			t.Errorf("%q: %+v of %q", text, p, file)
		}
	})
}
