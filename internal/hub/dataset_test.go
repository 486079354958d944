package hub

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChoose(t *testing.T) {
	dialogues := []string{
		".gitattributes", "README.md", "harmless/test.jsonl.gz", "harmless/train.jsonl.gz", "helpful/test.jsonl.gz",
		"helpful/train.jsonl.gz", "attempts/attempts.jsonl.gz",
	}
	shards := []string{
		"data/test-00000-of-00001.parquet", "data/train-00000-of-00002-b42a775f407cee45.parquet", "data/train-00001-of-00002-0123456789abcdef.parquet",
		"data/valid1-00000-of-00001.parquet", "dataset_infos.json",
	}
	several := []string{"data/train_prefs-00000-of-00001.parquet", "data/train_sft-00000-of-00001.parquet", "data/test_sft-00000-of-00001.parquet"}
	variants := []string{
		"README.md", "full/test-00000-of-00001.parquet", "full/train-00000-of-00001.parquet",
		"small/test-00000-of-00001.parquet", "small/train-00000-of-00001.parquet",
	}
	variantCard := parseCard([]byte(`---
license: [cc-by-4.0]
configs:
- config_name: full
  data_files:
  - split: train
    path: full/train-*
  - split: test
    path: full/test-*
  default: true
- config_name: small
  data_files:
  - split: train
    path: [small/train-*]
---
# Variants
`))
	converted := []string{"full/train/0000.parquet", "full/test/0000.parquet", "small/partial-train/0000.parquet", "small/partial-train/0001.parquet"}
	for _, c := range []struct {
		name  string
		names []string
		card  card
		pick  string
		want  string // the files, or else
		wrong string // part of the error
	}{
		{"one file", []string{"pairs.jsonl", "README.md"}, nil, "", "pairs.jsonl", ""},
		{"training files of all folders", dialogues, nil, "", "harmless/train.jsonl.gz helpful/train.jsonl.gz", ""},
		{"training file of a folder", dialogues, nil, "helpful", "helpful/train.jsonl.gz", ""},
		{"folder without split", dialogues, nil, "attempts", "attempts/attempts.jsonl.gz", ""},
		{"a file", dialogues, nil, "helpful/test.jsonl.gz", "helpful/test.jsonl.gz", ""},
		{"a pattern", dialogues, nil, "*/test*", "harmless/test.jsonl.gz helpful/test.jsonl.gz", ""},
		{"a deep pattern", dialogues, nil, "**/t*t.jsonl.gz", "harmless/test.jsonl.gz helpful/test.jsonl.gz", ""},
		{"a pattern of nothing", dialogues, nil, "*/dev*", "", `no data file matches "*/dev*"; there are attempts/attempts.jsonl.gz`},
		{"a split", dialogues, nil, "test", "harmless/test.jsonl.gz helpful/test.jsonl.gz", ""},
		{"no such split", dialogues, nil, "validation", "", `no file, folder or split "validation"`},
		{"misspelt", dialogues, nil, "helpfull", "", `no file, folder or split "helpfull" (did you mean "helpful"?)`},
		{"shards", shards, nil, "", shards[1] + " " + shards[2], ""},
		{"numbered split", shards, nil, "validation", shards[3], ""},
		{"several training splits", several, nil, "", "", "more than one train split (train_prefs, train_sft); take one of them"},
		{"one of them", several, nil, "train_sft", several[1], ""},
		{"a test split only", []string{"test.jsonl"}, nil, "", "test.jsonl", ""},
		{"splits, but no training", []string{"test.jsonl", "dev.jsonl"}, nil, "", "", "no training split among dev.jsonl, test.jsonl; there is test, validation"},
		{"own name first", []string{"train.jsonl", "train_small.jsonl"}, nil, "", "train.jsonl", ""},
		{"two formats", []string{"train.jsonl", "train.parquet"}, nil, "", "", "more than one kind of file (.jsonl, .parquet)"},
		{"nothing", []string{"data.csv", "README.md", "state.json"}, nil, "", "", "no data files (.jsonl.gz, .jsonl, .json, .parquet)"},
		{"hidden files", []string{".cache/train.jsonl", "train.jsonl"}, nil, "", "train.jsonl", ""},
		{"a word inside a word", []string{"constrained.jsonl", "latest.jsonl"}, nil, "", "constrained.jsonl latest.jsonl", ""},
		{"card: default", variants, variantCard, "", variants[2], ""},
		{"card: another", variants, variantCard, "small", variants[4], ""},
		{"card: split of the default", variants, variantCard, "test", variants[1], ""},
		{"card: no such split", variants, variantCard, "dev", "", `no file, folder or split "dev"; the card names train, test`},
		{"card: undecided", converted, convertedCard(converted), "", "", "several configurations (full, small); take one of them"},
		{"converted", converted, convertedCard(converted), "full", "full/train/0000.parquet", ""},
		{"converted in part", converted, convertedCard(converted), "small", "small/partial-train/0000.parquet small/partial-train/0001.parquet", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := choose(c.names, c.card, c.pick)
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("got %v (%v), want an error with %q", got, err, c.wrong)
				}
				return
			}
			if diff := cmp.Diff(strings.Fields(c.want), got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestParseCard(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       card
	}{
		{"none", "# Data", nil},
		{"open", "---\nconfigs:\n- config_name: a\n", nil},
		{"not YAML", "---\n{[\n---\n", nil},
		{"no configurations", "---\nlicense: mit\n---\n", nil},
		{"a pattern", "---\r\nconfigs:\r\n- config_name: a\r\n  data_files: \"*.jsonl\"\r\n---\r\n", card{{"a", false, []splitFiles{{"train", []string{"*.jsonl"}}}}}},
		{"patterns", "---\nconfigs:\n- config_name: a\n  data_files: [x.jsonl, y.jsonl]\n---\n", card{{"a", false, []splitFiles{{"train", []string{"x.jsonl", "y.jsonl"}}}}}},
		{"odd entries", "---\nconfigs:\n- config_name: a\n  data_files: [3, {split: b}, {path: c}, null]\n- config_name: d\n---\n", nil},
	} {
		got := parseCard([]byte(c.text))
		if len(got) != len(c.want) || len(got) > 0 && (got[0].name != c.want[0].name || !cmp.Equal(got[0].splits[0].patterns, c.want[0].splits[0].patterns)) {
			t.Errorf("%s: got %+v want %+v", c.name, got, c.want)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"data/*.json", "data/a.json", true},
		{"data/*.json", "data/b/a.json", false},
		{"data/**.json", "data/b/a.json", true},
		{"**/a.json", "a.json", true},
		{"**/a.json", "x/y/a.json", true},
		{"**/a.json", "xa.json", false},
		{"a?.json", "ab.json", true},
		{"a?.json", "a/.json", false},
		{"a.json", "abjson", false},
		{"***", "x/y", true},
		{"\xff*", "x", false},
	} {
		if got := glob(c.pattern)(c.name); got != c.want {
			t.Errorf("glob(%q)(%q) = %v, want %v", c.pattern, c.name, got, c.want)
		}
	}
}

func FuzzChoose(f *testing.F) {
	f.Add("train.jsonl\ntest.jsonl", "---\nconfigs:\n- data_files: '*'\n---", "")
	f.Add("a/train-00000-of-00002.parquet\nb/dev/0000.json", "", "a/**?[*")
	f.Add("a.json", "---\nconfigs:\n- data_files: '\xff*'\n---", "\xff*")
	f.Add("0.json\n-.jsonl.gz\n/.json", "---\nconfigs: 3\n---", "train")
	f.Fuzz(func(t *testing.T, list, header, pick string) {
		names := slices.DeleteFunc(strings.Split(list, "\n"), func(name string) bool { return !validFileName(name) })
		got, err := choose(names, parseCard([]byte(header)), pick)
		if (err == nil) != (len(got) > 0) {
			t.Errorf("%d files with error %v", len(got), err)
		}
		for _, name := range got {
			if !slices.Contains(names, name) || !isData(name) {
				t.Errorf("chose %q, which is not there or no data", name)
			}
		}
		missingShard(names)
	})
}

func TestMissingShard(t *testing.T) {
	for _, c := range []struct{ names, want string }{
		{"train.jsonl", ""},
		{"train-00000-of-00002.parquet train-00001-of-00002.parquet", ""},
		{"train-00000-of-00002.parquet", "train-00001-of-00002.parquet"},
		{"a/train-00001-of-00002-b42a775f407cee45.parquet", "a/train-00000-of-00002-b42a775f407cee45.parquet"},
	} {
		if got := missingShard(strings.Fields(c.names)); got != c.want {
			t.Errorf("missingShard(%s) = %q, want %q", c.names, got, c.want)
		}
	}
}

func pairsData() map[string]string {
	return map[string]string{
		"README.md":                           "# Pairs",
		"data/train-00000-of-00002.jsonl":     weights("first", 3000),
		"data/train-00001-of-00002.jsonl":     weights("second", 2000),
		"data/test.jsonl":                     weights("test", 2000),
		"raw/everything.tar":                  weights("tar", 9000),
		"attempts/red_team_attempts.jsonl.gz": "gz",
	}
}

func TestDatasetDownload(t *testing.T) {
	h := newFakeHub(t)
	h.add("datasets/org/pairs", pairsData())
	var log bytes.Buffer
	o := h.options(&log)
	files, err := Dataset(t.Context(), "org/pairs", o)
	if err != nil {
		t.Fatal(err)
	}
	snapshot := filepath.Join(o.Cache, "datasets--org--pairs", "snapshots", commitA)
	want := []string{filepath.Join(snapshot, "data", "train-00000-of-00002.jsonl"), filepath.Join(snapshot, "data", "train-00001-of-00002.jsonl")}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Fatalf("files (-want +got):\n%s", diff)
	}
	if got := readFile(t, files[1]); got != pairsData()["data/train-00001-of-00002.jsonl"] {
		t.Error("the content differs from the hub's")
	}
	if link, err := os.Readlink(files[0]); err != nil || !strings.HasPrefix(link, "../../../blobs/") {
		t.Errorf("links to %q (%v)", link, err)
	}
	if got, err := walk(snapshot); err != nil || len(got) != 3 { // two files and the card
		t.Errorf("snapshot holds %q (%v)", got, err)
	}
	h.log()

	// A second call asks for the list alone; a single file and the offline mode ask nothing.
	if _, err := Dataset(t.Context(), "org/pairs", o); err != nil {
		t.Fatal(err)
	}
	if got := paths(h.log()); got != "GET /api/datasets/org/pairs/revision/main" {
		t.Errorf("requests of the second call:\n%s", got)
	}
	if _, err := Dataset(t.Context(), "org/pairs:data/train-00000-of-00002.jsonl", o); err != nil {
		t.Fatal(err)
	}
	offline := o
	offline.Offline = true
	if got, err := Dataset(t.Context(), "org/pairs", offline); err != nil || !cmp.Equal(got, want) {
		t.Errorf("offline: got %q (%v)", got, err)
	}
	if got := h.log(); len(got) > 0 {
		t.Errorf("requests:\n%s", paths(got))
	}

	if err := os.Remove(files[1]); err != nil {
		t.Fatal(err)
	}
	_, err = Dataset(t.Context(), "org/pairs", offline)
	errorWith(t, err, true, "only a part of it is in the cache", "data/train-00001-of-00002.jsonl is missing")
	h.hub.Close()
	_, err = Dataset(t.Context(), "org/pairs", o)
	errorWith(t, err, true, "only a part of it is in the cache")
	if !strings.Contains(log.String(), "using what the cache has") {
		t.Errorf("log: %s", &log)
	}
}

func TestDatasetLocal(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("data/set", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"data/set/train.jsonl", "data/set/test.jsonl", "data/set/notes.txt"} {
		if err := os.WriteFile(name, []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ name, want string }{
		{"data/set", "data/set/train.jsonl"},
		{"data/set/test.jsonl", "data/set/test.jsonl"},
	} {
		got, err := Dataset(t.Context(), c.name, Options{Endpoint: "http://hub.invalid"})
		if err != nil || len(got) != 1 || got[0] != filepath.FromSlash(c.want) {
			t.Errorf("%s: got %q (%v) want %q", c.name, got, err, c.want)
		}
	}
}

func TestDatasetMistakes(t *testing.T) {
	h := newFakeHub(t)
	h.add("datasets/org/pairs", pairsData())
	h.add("datasets/org/script", map[string]string{"script.py": "import datasets", "data.zip": weights("zip", 5000)})
	t.Chdir(t.TempDir())
	if err := os.WriteFile("pairs.jsonl", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		want []string
	}{
		{"pair.jsonl", []string{`pair.jsonl: no such file`, "did you mean pairs.jsonl?"}},
		{"org/none", []string{"org/none: no such file or folder here, and no such repository on the hub, or it is private"}},
		{"org/pairs@v2", []string{`has no revision "v2"`, "/datasets/org/pairs/tree/main"}},
		{"org/pairs:dev", []string{`org/pairs: no file, folder or split "dev"`, "as in org/pairs:PATH"}},
		{"org/script", []string{"org/script: no data files", "try org/script@refs/convert/parquet"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Dataset(t.Context(), c.name, h.options(nil))
			errorWith(t, err, true, c.want...)
		})
	}
}
