package evaluation

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/leaderboard"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// made is a task of n items with two choices, the first of which is right.
func made(n int) *leaderboard.Task {
	task := &leaderboard.Task{Name: "leaderboard_bbh_navigate", Family: leaderboard.BBH}
	for i := range n {
		task.Items = append(task.Items, leaderboard.Item{Index: i, Question: strings.Repeat("q", i+1), Choices: []string{"a", "b"}, Target: "a"})
	}
	return task
}

// TestResume: an evaluation that was broken off goes on where it was, also after a line that was half written, and asks
// nothing twice.
func TestResume(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.jsonl")
	task := made(choicesAtOnce + 10)
	m := newTeacher([]*leaderboard.Task{task})
	m.logProbs = right
	header := Header{Model: "m", Settings: map[string]string{"chat": "turns"}}
	half := errors.New("broken off")
	attempt := func(fail bool) (*File, error) {
		file, err := Create(path, header)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		calls := 0
		run := Run{Model: modelFunc(func(q []Question) ([]Likelihoods, error) {
			if calls++; fail && calls > 1 {
				return nil, half
			}
			return m.LogProbs(t.Context(), q)
		}), File: file}
		return file, run.Leaderboard(t.Context(), []*leaderboard.Task{task})
	}
	if _, err := attempt(true); !errors.Is(err, half) {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(content, `{"task":"lea`...), 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := attempt(false)
	if err != nil {
		t.Fatal(err)
	}
	if m.asked != len(task.Items) || len(file.Records) != len(task.Items) {
		t.Errorf("asked %d, %d records, want %d", m.asked, len(file.Records), len(task.Items))
	}
	again, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(file.Records, again.Records); diff != "" || again.Header.Model != "m" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	if _, err := Create(path, Header{Model: "other"}); err == nil || !usage.Is(err) || !strings.Contains(err.Error(), "another evaluation") {
		t.Errorf("other settings: %v", err)
	}
}

// modelFunc is a Model of a function that scores.
type modelFunc func(q []Question) ([]Likelihoods, error)

func (f modelFunc) LogProbs(_ context.Context, q []Question) ([]Likelihoods, error) { return f(q) }

func (f modelFunc) Generate(context.Context, []string, Sampling) ([]Responses, error) {
	return nil, errors.New("generates nothing")
}

// TestCreate: which files an evaluation goes on with, and what is wrong with the others.
func TestCreate(t *testing.T) {
	header := Header{Model: "m", Digest: "d", Settings: map[string]string{"n": "1"}}
	whole := `{"evaluation":{"model":"m","digest":"d","settings":{"n":"1"}}}` + "\n"
	for _, c := range []struct {
		text   string // "-" for no file
		header Header
		want   string // of the error
	}{
		{"-", header, ""},
		{"", header, ""},
		{whole[:20], header, ""},
		{strings.TrimSuffix(whole, "\n"), header, ""},
		{whole, header, ""},
		{whole, Header{Model: "./m", Digest: "d", Settings: header.Settings}, ""},
		{whole, Header{Model: "m", Digest: "e", Settings: header.Settings}, `digest "d" of m, expected "e" of m`},
		{whole, Header{Model: "m", Digest: "d", Settings: map[string]string{"n": "2"}}, `n "1", expected "2"`},
		{whole, Header{Model: "m", Digest: "d"}, `n "1", expected ""`},
		{`{"evaluation":{"model":"m","digest":"d"}}` + "\n", header, `n "", expected "1"`},
		{`{"evaluation":{"model":"o","digest":""}}` + "\n", Header{Model: "m"}, `model "o", expected "m"`},
		{whole[:20] + "x", header, "1: not a file of results"},
	} {
		path := filepath.Join(t.TempDir(), "results.jsonl")
		if c.text != "-" {
			if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		file, err := Create(path, c.header)
		if c.want != "" {
			if err == nil || !usage.Is(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q: %v, want %q", c.text, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if _, err := Create(path, c.header); !usage.Is(err) || !strings.Contains(err.Error(), "another process") {
			t.Errorf("a second writer: %v", err)
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
		if content, err := os.ReadFile(path); err != nil || string(content) != whole {
			t.Errorf("%q became %q, %v", c.text, content, err)
		}
	}
	if _, err := Create(t.TempDir(), header); !usage.Is(err) {
		t.Errorf("a folder: %v", err)
	}
}

// TestOtherItems: results of other documents are not gone on with.
func TestOtherItems(t *testing.T) {
	task := made(3)
	m := newTeacher([]*leaderboard.Task{task})
	m.logProbs = right
	run := Run{Model: m, File: Memory(Header{}), Limit: 2}
	if err := run.Leaderboard(t.Context(), []*leaderboard.Task{task}); err != nil {
		t.Fatal(err)
	}
	other := made(3)
	other.Description = "Answer."
	if err := run.Leaderboard(t.Context(), []*leaderboard.Task{other}); !usage.Is(err) || !strings.HasPrefix(err.Error(), "item 0 of leaderboard_bbh_navigate") {
		t.Errorf("another prompt: %v", err)
	}
	if n := len(run.File.Records); n != 2 {
		t.Errorf("%d records", n)
	}
}

func TestFileErrors(t *testing.T) {
	const header = `{"evaluation":{"model":"m","digest":""}}` + "\n"
	const record = `{"task":"t","index":0,"item":"x","metrics":{"acc":1}}` + "\n"
	for text, want := range map[string]string{
		"":                             "1: not a file of results",
		"[]\n":                         "1: not a file of results",
		record:                         "1: not a file of results",
		header + "7\n":                 "2: not a record",
		header + `{"task":"t"}` + "\n": "every one needs task and metrics",
		header + record + record:       "3: a second record of item 0 of t",
	} {
		path := filepath.Join(t.TempDir(), "results.jsonl")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || !usage.Is(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !usage.Is(err) {
		t.Errorf("missing file: %v", err)
	}
}

// FuzzParse: the length that is read ends with a line, and no two records are of one item.
func FuzzParse(f *testing.F) {
	f.Add(`{"evaluation":{"model":"m"}}` + "\n" + `{"task":"t","index":0,"item":"x","metrics":{"acc":1}}` + "\n{")
	f.Fuzz(func(t *testing.T, text string) {
		file, length, err := parse([]byte(text))
		if err != nil {
			return
		}
		if length < 1 || text[length-1] != '\n' || strings.Contains(text[length:], "\n") || len(file.done) != len(file.Records) {
			t.Errorf("%d bytes of %q, %d records", length, text, len(file.Records))
		}
	})
}
