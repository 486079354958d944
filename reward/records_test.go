package reward

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func TestParseExamples(t *testing.T) {
	input := `{"text": "good", "label": 1}

{"label": false, "text": "bad", "id": 3}
{"text": "fine", "label": "positive"}`
	got, err := parseExamples(strings.NewReader(input), "x.jsonl", "text", "label")
	if err != nil {
		t.Fatal(err)
	}
	want := []Example{{"good", true}, {"bad", false}, {"fine", true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("examples (-want +got):\n%s", diff)
	}
}

func TestParseExamplesRefuses(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"not JSON", `text`, "x.jsonl:2: not JSON"},
		{"array", `["a"]`, `x.jsonl:2: ["a"]; every line needs one JSON object`},
		{"cut", `{"text": "a", "label": 1`, "x.jsonl:2: the line ends in the middle of a JSON object"},
		{"two objects", `{"text": "a", "label": 1}{}`, "x.jsonl:2: something follows the JSON object"},
		{"no text", `{"review": "a", "label": 1}`, `x.jsonl:2: field "text": missing; the fields are "review", "label"`},
		{"text type", `{"text": 3, "label": 1}`, `x.jsonl:2: field "text": 3; want a string`},
		{"empty text", `{"text": " ", "label": 1}`, `x.jsonl:2: field "text": empty`},
		{"no label", `{"text": "a"}`, `x.jsonl:2: field "label": missing`},
		{"stars", `{"text": "a", "label": 7}`, `x.jsonl:2: field "label": 7; want 1 (positive) or 0 (negative)`},
	} {
		input := `{"text": "good", "label": 1}` + "\n" + c.line + "\n"
		got, err := parseExamples(strings.NewReader(input), "x.jsonl", "text", "label")
		if got != nil || !usage.Is(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, %v; want a usage error with %q", c.name, got, err, c.want)
		}
	}
	if _, err := parseExamples(strings.NewReader("\n\n"), "x.jsonl", "text", "label"); !usage.Is(err) {
		t.Errorf("no records: got %v, want a usage error", err)
	}
}

func TestReadExamplesGzip(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	for range 100 {
		if _, err := w.Write([]byte(`{"text": "good", "label": 1}` + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for _, c := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"whole", packed.Bytes(), ""},
		{"cut", packed.Bytes()[:packed.Len()-9], "damaged gzip"},
		{"plain", []byte("{}"), "gzip"},
	} {
		path := filepath.Join(folder, c.name+".jsonl.gz")
		if err := os.WriteFile(path, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadExamples(path, "text", "label")
		if c.want == "" && (err != nil || len(got) != 100) {
			t.Errorf("%s: got %d examples, %v", c.name, len(got), err)
		}
		if c.want != "" && (!usage.Is(err) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want a usage error with %q", c.name, err, c.want)
		}
	}
	if _, err := ReadExamples(filepath.Join(folder, "none"), "text", "label"); !usage.Is(err) {
		t.Errorf("missing: got %v, want a usage error", err)
	}
}

// halves scores every text with half its length in bytes.
type halves struct{}

func (halves) Score(_ context.Context, prompts, completions []string) ([]float64, error) {
	scores := make([]float64, len(prompts))
	for i := range prompts {
		scores[i] = float64(len(prompts[i]+completions[i])) / 2
	}
	return scores, nil
}

func TestScoreRecords(t *testing.T) {
	for _, c := range []struct{ name, input, want, err string }{
		{"text", `{"text": "abc"}`, `{"text": "abc", "reward": 1.5}` + "\n", ""},
		{"pair", `{"prompt":"ab","completion":" c"}`, `{"prompt": "ab", "completion": " c", "reward": 2}` + "\n", ""},
		{"completion before text", `{"text": "x", "prompt": "", "completion": ""}`, `{"text": "x", "prompt": "", "completion": "", "reward": 0}` + "\n", ""},
		{"replaced, others kept", `{"reward": 9, "z": {"a": [1e400]}, "text": "<a>", "é": null}`, `{"z": {"a": [1e400]}, "text": "<a>", "é": null, "reward": 1.5}` + "\n", ""},
		{"nothing", "\n", "", ""},
		{"no text", `{"a": 1}`, "", `in:1: neither field "text" nor "completion"`},
		{"no prompt", `{"completion": "a"}`, "", `in:1: field "prompt": missing`},
		{"chat", `{"prompt": [], "completion": "a"}`, "", `in:1: field "prompt": []; want a string`},
		{"lines before the faulty one", "{\"text\": \"ab\"}\n{", `{"text": "ab", "reward": 1}` + "\n", "in:2: the line ends in the middle of a JSON object"},
	} {
		var out bytes.Buffer
		n, err := ScoreRecords(context.Background(), halves{}, DefaultFields(), strings.NewReader(c.input), "in", &out, nil)
		if out.String() != c.want || n != strings.Count(c.want, "\n") {
			t.Errorf("%s: wrote %d records %q, want %q", c.name, n, out.String(), c.want)
		}
		if c.err == "" && err != nil || c.err != "" && (!usage.Is(err) || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: got error %v, want %q", c.name, err, c.err)
		}
	}
}

func TestScoreRecordsBatches(t *testing.T) {
	var input strings.Builder
	for range 2*scoreBatch + 1 {
		input.WriteString(`{"text": "ab"}` + "\n")
	}
	var out bytes.Buffer
	var progress []int
	n, err := ScoreRecords(context.Background(), halves{}, DefaultFields(), strings.NewReader(input.String()), "in", &out, func(written int) { progress = append(progress, written) })
	if err != nil || n != 2*scoreBatch+1 || strings.Count(out.String(), `"reward": 1}`) != n {
		t.Errorf("got %d records, %v", n, err)
	}
	if want := []int{scoreBatch, 2 * scoreBatch, 2*scoreBatch + 1}; !slices.Equal(progress, want) {
		t.Errorf("progress %v, want %v", progress, want)
	}
}

type broken struct{}

var errBroken = errors.New("out of order")

func (broken) Score(context.Context, []string, []string) ([]float64, error) { return nil, errBroken }

func TestScoreRecordsPassesFailuresOn(t *testing.T) {
	input := strings.Repeat(`{"text": "ab"}`+"\n", scoreBatch+1)
	_, err := ScoreRecords(context.Background(), broken{}, DefaultFields(), strings.NewReader(input), "in", &bytes.Buffer{}, nil)
	if !errors.Is(err, errBroken) || usage.Is(err) {
		t.Errorf("got %v, want the scorer's error, not the user's", err)
	}
}

func FuzzScoreRecords(f *testing.F) {
	for _, seed := range []string{`{"text": "a"}`, `{"prompt":"a","completion":"b"}` + "\n{", `{"reward":1,"text":"\u0000"}`, "[]", `{"text":"a","text":"b"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		var out bytes.Buffer
		n, err := ScoreRecords(context.Background(), halves{}, DefaultFields(), bytes.NewReader(input), "in", &out, nil)
		if err != nil && !usage.Is(err) {
			t.Fatalf("error %v is not the user's", err)
		}
		decoder := json.NewDecoder(&out)
		for range n {
			var record struct{ Reward *float64 }
			if err := decoder.Decode(&record); err != nil || record.Reward == nil {
				t.Fatalf("output of %q: %v", input, err)
			}
		}
	})
}
