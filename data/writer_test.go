package data_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/usage"
)

func TestWriter(t *testing.T) {
	var b bytes.Buffer
	w := data.NewWriter(&b)
	if err := w.Write(textRecord("<a>\n", "b&", "\u2028é")); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(data.Record{Prompt: data.IDContent(ids(1, 2)), Chosen: data.IDContent(ids(3)), Rejected: data.IDContent(ids(4))}); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteScored(data.ScoredRecord{Record: textRecord("a", "b", "c"), ChosenScore: 1.5, RejectedScore: -0.25}); err != nil {
		t.Fatal(err)
	}
	scored := data.ScoredRecord{
		Record:      data.Record{Prompt: data.IDContent(ids(1)), Chosen: data.IDContent(ids(2, 0)), Rejected: data.IDContent(ids(2))},
		ChosenScore: 1, RejectedScore: 0,
	}
	if err := w.WriteSampled(data.SampledRecord{ScoredRecord: scored, PromptText: "x", ChosenText: "<y>", RejectedText: "\xff"}); err != nil {
		t.Fatal(err)
	}
	want := `{"prompt":"<a>\n","chosen":"b&","rejected":"\u2028é"}
{"prompt":[1,2],"chosen":[3],"rejected":[4]}
{"prompt":"a","chosen":"b","rejected":"c","chosen_score":1.5,"rejected_score":-0.25}
{"prompt":[1],"chosen":[2,0],"rejected":[2],"chosen_score":1,"rejected_score":0,"prompt_text":"x","chosen_text":"<y>","rejected_text":"\ufffd"}
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("lines (-want +got):\n%s", d)
	}
}

func TestWriterRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		rec  data.Record
		want string
	}{
		{"identical", textRecord("a", "b", "b"), "prefers nothing"},
		{"empty", textRecord("a", "", "b"), `field "chosen": empty`},
		{"no prompt", data.Record{Chosen: data.TextContent("a"), Rejected: data.TextContent("b")}, `field "prompt": missing`},
		{"supervised", completion("a", "b"), `field "rejected": missing`},
	} {
		var b bytes.Buffer
		if err := data.NewWriter(&b).Write(c.rec); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
		if b.Len() > 0 {
			t.Errorf("%s: wrote %q", c.name, b.String())
		}
	}
}

// TestWriteFile: what is written is read again, and a file of which the writing fails never appears.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	records := []data.Record{textRecord("p\u0000", "c", "r"), textRecord("q", "d", "s")}
	for _, name := range []string{"a.jsonl", "a.jsonl.gz"} {
		path := filepath.Join(dir, name)
		cause := errors.New("scoring ended")
		err := data.WriteFile(path, func(w *data.Writer) error {
			return errors.Join(w.Write(records[0]), cause)
		})
		if !errors.Is(err, cause) {
			t.Errorf("%s: error %v, want the cause", name, err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*a.jsonl*")); len(left) > 0 && name == "a.jsonl" {
			t.Errorf("%s: a failed write left %v", name, left)
		}
		err = data.WriteFile(path, func(w *data.Writer) error {
			return errors.Join(w.Write(records[0]), w.Write(records[1]))
		})
		if err != nil {
			t.Fatal(err)
		}
		reader, err := data.Open(path, data.Preference)
		if err != nil {
			t.Fatal(err)
		}
		var got []data.Record
		for rec, err := range reader.Records() {
			if err != nil {
				t.Fatal(err)
			}
			rec.Source = "f:7"
			got = append(got, rec)
		}
		if d := cmp.Diff(records, got, ignoreUnexported); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := data.WriteFile(filepath.Join(dir, "a.json"), nil); !usage.Is(err) {
		t.Errorf("a.json: error %v, want a usage error", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("the folder holds %v (%v), want the two files alone", entries, err)
	}
}
