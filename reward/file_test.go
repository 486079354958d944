package reward

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func TestSaveAndLoad(t *testing.T) {
	model := toyModel(t)
	folder := filepath.Join(t.TempDir(), "new", "reward")
	if err := model.Save(folder); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(folder, Options{})
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{"", "a good film", "not bad", "cold, cold story"}
	want, _ := model.Score(context.Background(), make([]string, len(texts)), texts)
	got, err := loaded.Score(context.Background(), make([]string, len(texts)), texts)
	if err != nil {
		t.Fatal(err)
	}
	for i := range texts {
		if got[i] != want[i] {
			t.Errorf("%q: loaded model gives %g, saved one %g", texts[i], got[i], want[i])
		}
	}
	if options := loaded.(*Linear).Options(); options != toyOptions() {
		t.Errorf("options: got %+v, want %+v", options, toyOptions())
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Errorf("folder holds %v (%v), want %s alone", entries, err, FileName)
	}
}

const smallModel = `{"kind":"linear-ngram","version":1,"options":{"order":1,"min_texts":1,"max_ngrams":0,"l2":1,"max_steps":1},` +
	`"bias":0.5,"ngrams":["good","bad","good bad"],"weights":[1,-1,0.5]}`

func TestLoadRefuses(t *testing.T) {
	edit := func(old, replacement string) string {
		edited := strings.Replace(smallModel, old, replacement, 1)
		if edited == smallModel {
			t.Fatalf("%q is not in the model", old)
		}
		return edited
	}
	for _, c := range []struct{ name, content, want string }{
		{"other kind", edit("linear-ngram", "tree"), `states the kind "tree"; known: linear-ngram`},
		{"no JSON", "hello", `states the kind ""`},
		{"cut", smallModel[:len(smallModel)-5], "reward.json: not a whole JSON object"},
		{"version", edit(`"version":1`, `"version":9`), "version: 9, this program reads version 1"},
		{"lengths", edit("-1,0.5]", "-1]"), "weights: 2 of them for 3 n-grams"},
		{"nothing", edit(`["good","bad","good bad"]`, "[]"), "ngrams: none"},
		{"twice", edit(`"bad","good bad"`, `"good","x"`), `n-gram 1: "good" is empty or occurs twice`},
		{"part missing", edit(`"bad","good bad"`, `"bad","good x"`), `n-gram 2: "good x" comes before its parts`},
		{"type", edit(`"bias":0.5`, `"bias":"x"`), "bias"},
		{"overflow", edit("[1,-1", "[1e99,-1"), "1e99"},
		{"options", edit(`"l2":1`, `"l2":-1`), "options: L2 coefficient -1"},
	} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, FileName), []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		scorer, err := Load(folder, Options{})
		if scorer != nil || !usage.Is(err) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), folder) {
			t.Errorf("%s: got %v, %v; want a usage error with %q", c.name, scorer, err, c.want)
		}
	}
}

func TestLoadFindsNoModel(t *testing.T) {
	empty := t.TempDir()
	file := filepath.Join(empty, "file")
	for _, c := range []struct{ name, folder, want string }{
		{"missing", filepath.Join(empty, "none"), "no such folder"},
		{"empty", empty, "there is neither reward.json nor config.json"},
		{"file", file, "a file; give the folder"},
	} {
		if c.folder == file {
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Load(c.folder, Options{}); !usage.Is(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want a usage error with %q", c.name, err, c.want)
		}
	}
}

func FuzzParseLinear(f *testing.F) {
	f.Add([]byte(smallModel))
	f.Add([]byte(`{"kind":"linear-ngram"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, content []byte) {
		firstKind(strings.NewReader(string(content)))
		model, err := parseLinear(content)
		if (model == nil) == (err == nil) {
			t.Fatalf("model %v and error %v", model, err)
		}
		if err != nil {
			return
		}
		scores, err := model.Score(context.Background(), []string{"good"}, []string{" bad"})
		if err != nil || !(scores[0] >= 0 && scores[0] <= 1) {
			t.Fatalf("scores %v, error %v", scores, err)
		}
	})
}
