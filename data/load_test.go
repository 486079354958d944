package data_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// all reads the pairs of a set.
func all(t testing.TB, set *data.Set) []data.TokenPair {
	t.Helper()
	pairs, err := set.First(set.Len())
	if err != nil {
		t.Fatal(err)
	}
	return pairs
}

// setOf makes a set of pairs.
func setOf(t testing.TB, pairs ...data.TokenPair) *data.Set {
	t.Helper()
	set, err := data.NewSet("pairs", pairs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	return set
}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Files of one data set are read in the order given. A bad record counts wherever it is; a file that cannot be read ends all.
func TestLoadFiles(t *testing.T) {
	first := writeFile(t, "train-00000.jsonl", `{"prompt":[1],"chosen":[2],"rejected":[3]}`+"\n"+`{"prompt":[1],"chosen":[2]}`)
	second := writeFile(t, "train-00001.json", `[{"prompt":[4],"chosen":[5],"rejected":[6]}]`)
	empty := writeFile(t, "train-00002.jsonl", "")
	options := data.LoadOptions{VocabSize: vocab, Limits: data.Limits{MaxLength: 4}, OnBadRecord: data.SkipBad}
	set, report, err := data.LoadFiles(t.Context(), "org/pairs", []string{second, first}, options)
	if err != nil {
		t.Fatal(err)
	}
	want := []data.TokenPair{
		{Source: second + ":1", Prompt: []int32{4}, Chosen: []int32{5}, Rejected: []int32{6}},
		{Source: first + ":1", Prompt: []int32{1}, Chosen: []int32{2}, Rejected: []int32{3}},
	}
	if d := cmp.Diff(want, all(t, set)); d != "" {
		t.Errorf("pairs (-want +got):\n%s", d)
	}
	if set.Path != "org/pairs" || report.Path != "org/pairs" || report.Read != 3 || report.Dropped[data.ReasonMissing] != 1 {
		t.Errorf("path %s, report %+v", set.Path, report)
	}
	for _, test := range []struct {
		name  string
		paths []string
		want  string
	}{
		{"a file is gone", []string{first, "none.jsonl", second}, "none.jsonl"},
		{"a file has no records", []string{first, empty, second}, empty + ": no records"},
	} {
		_, report, err := data.LoadFiles(t.Context(), "org/pairs", test.paths, options)
		if !usage.Is(err) || !strings.Contains(err.Error(), test.want) || report == nil {
			t.Errorf("%s: %v (the user's: %v), want %q", test.name, err, usage.Is(err), test.want)
		}
	}
}

func TestLoad(t *testing.T) {
	path := writeFile(t, "pairs.jsonl", strings.Join([]string{
		`{"prompt":"a","chosen":"bcd","rejected":"e"}`,
		`{"prompt":"a","chosen":"b","rejected":"b"}`,
		`{"prompt":"a","chosen":"b"`,
		`{"prompt":"t","chosen":"hx","rejected":"y"}`,
		`{"prompt":"abcdefgh","chosen":"b","rejected":"c"}`,
		`{"prompt":"a","chosen":"b","rejected":"\u0100~"}`,
	}, "\n"))
	options := data.LoadOptions{Tokenizer: letters{}, VocabSize: vocab, Limits: data.Limits{MaxLength: 4}, OnBadRecord: data.SkipBad}
	set, report, err := data.Load(t.Context(), path, options)
	if err != nil {
		t.Fatal(err)
	}
	wantPairs := []data.TokenPair{
		{Source: path + ":1", Prompt: ids('a'), Chosen: ids('b', 'c', 'd'), Rejected: ids('e', end)},
		{Source: path + ":4", Prompt: ids('t'), Chosen: ids('h', 'x', end), Rejected: ids('y', end)},
		{Source: path + ":6", Prompt: ids('a'), Chosen: ids('b', end), Rejected: ids(0xc4, 0x80, end)},
	}
	if d := cmp.Diff(wantPairs, all(t, set)); d != "" {
		t.Errorf("pairs (-want +got):\n%s", d)
	}
	if length, source := set.Longest(); length != 4 || source != path+":1" {
		t.Errorf("Longest = %d at %s, want 4 at line 1", length, source)
	}
	problem := strings.SplitN(report.DroppedExamples[1], ": ", 2)[1]
	want := &data.Report{
		Path: path, Read: 6, Kept: 3, ResponsesTruncated: 1, Straddled: 1, WordsJoined: 3, Formats: map[string]int{"prompt, chosen and rejected": 3},
		Dropped: map[data.Reason]int{data.ReasonIdentical: 1, data.ReasonJSON: 1, data.DropPromptTooLong: 1},
		DroppedExamples: []string{
			path + `:2: field "rejected": the same as "chosen"; a pair of identical sides prefers nothing`,
			path + ":3: " + problem,
			path + ":5: prompt fills max_length",
		},
		Prompt:   data.Quantiles{Min: 1, Median: 1, P90: 1, P99: 1, Max: 1},
		Response: data.Quantiles{Min: 2, Median: 3, P90: 3, P99: 3, Max: 3},
		Total:    data.Quantiles{Min: 3, Median: 4, P90: 4, P99: 4, Max: 4},
	}
	if d := cmp.Diff(want, report); d != "" {
		t.Errorf("report (-want +got):\n%s", d)
	}
	for _, part := range []string{
		"6 records read, 3 kept", "dropped: 1 identical sides, 1 invalid JSON, 1 prompt fills max_length",
		"cut: 0 prompts, 1 responses", "straddle the prompt's end: 1", "response tokens: median 3",
	} {
		if !strings.Contains(report.String(), part) {
			t.Errorf("the report's text lacks %q:\n%s", part, report)
		}
	}
	if raw, err := json.Marshal(report); err != nil || !bytes.Contains(raw, []byte(`"dropped":{"identical sides":1`)) {
		t.Errorf("report as JSON: %s, %v", raw, err)
	}

	options.OnBadRecord = data.ErrorOnBad
	set, report, err = data.Load(t.Context(), path, options)
	if set != nil || !usage.Is(err) || !strings.Contains(err.Error(), ":2: field \"rejected\": the same") {
		t.Errorf("strict: set %v, error %v; want the error of line 2", set, err)
	}
	if report.Read != 1 {
		t.Errorf("strict: %d records counted before the error, want 1", report.Read)
	}
}

func TestLoadRefuses(t *testing.T) {
	path := writeFile(t, "pairs.jsonl", good)
	identical := writeFile(t, "pairs.jsonl", `{"prompt":"a","chosen":"b","rejected":"b"}`)
	options := data.LoadOptions{Tokenizer: letters{}, VocabSize: vocab}
	change := func(f func(*data.LoadOptions)) data.LoadOptions { o := options; f(&o); return o }
	for _, c := range []struct {
		name, path string
		options    data.LoadOptions
		want       string
	}{
		{"no file", path + "x.jsonl", options, "no such file"},
		{"policy", path, change(func(o *data.LoadOptions) { o.OnBadRecord = "ignore" }), `on_bad_record: unknown policy "ignore"; known: error, skip`},
		{"limits", path, change(func(o *data.LoadOptions) { o.Limits.MaxLength = -1 }), "max_length: -1"},
		{"nothing left", identical, change(func(o *data.LoadOptions) { o.OnBadRecord = data.SkipBad }), "no usable record among 1; dropped: 1 identical sides"},
		{"text without tokenizer", path, change(func(o *data.LoadOptions) { o.Tokenizer = nil; o.OnBadRecord = data.SkipBad }), "there is no tokenizer"},
	} {
		set, _, err := data.Load(t.Context(), c.path, c.options)
		if set != nil || !usage.Is(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: set %v, error %v; want a usage error with %q", c.name, set, err, c.want)
		}
	}
	if _, _, err := data.Load(t.Context(), path, data.LoadOptions{Tokenizer: letters{}}); err == nil || usage.Is(err) {
		t.Errorf("no vocabulary size: error %v, want one that is the program's mistake", err)
	}
}

func TestLoadStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("interrupted")
	cancel(cause)
	_, _, err := data.Load(ctx, writeFile(t, "pairs.jsonl", good), data.LoadOptions{Tokenizer: letters{}, VocabSize: vocab})
	if !errors.Is(err, cause) {
		t.Errorf("error %v, want the context's cause", err)
	}
}

// TestLoadKeepsOrder: records are tokenised on several cores, and stay as they stood.
func TestLoadKeepsOrder(t *testing.T) {
	var lines strings.Builder
	const n = 3000
	for i := range n {
		fmt.Fprintf(&lines, "{\"prompt\":[%d],\"chosen\":[1],\"rejected\":[2]}\n", i)
	}
	set, _, err := data.Load(t.Context(), writeFile(t, "pairs.jsonl", lines.String()), data.LoadOptions{VocabSize: n})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range all(t, set) {
		if p.Prompt[0] != int32(i) || !strings.HasSuffix(p.Source, fmt.Sprintf(":%d", i+1)) {
			t.Fatalf("place %d holds %v from %s", i, p.Prompt, p.Source)
		}
	}
	if set.Len() != n {
		t.Errorf("%d pairs, want %d", set.Len(), n)
	}
}

// shared finds a file of the material beside the repository.
func shared(t *testing.T, parts ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(append([]string{filepath.Dir(dir), "shared"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs the shared material beside the repository: %v", err)
	}
	return path
}

// TestLoadRealFiles counts what public data sets hold; the counts are those of their descriptions, or were counted by another
// program.
func TestLoadRealFiles(t *testing.T) {
	identical, empty, noPair := data.ReasonIdentical, data.ReasonEmpty, data.DropNoPair
	type dropped = map[data.Reason]int
	for _, c := range []struct {
		path    string
		task    data.Task
		rated   data.RatedPairs
		read    int
		kept    int
		dropped dropped
	}{
		{"odpo/imdb-pairs.jsonl", data.Preference, "", 186, 184, dropped{empty: 2}},
		{"odpo/toxicity-pairs.jsonl", data.Preference, "", 210, 210, nil},
		{"odpo/imdb-sft-test.jsonl", data.Preference, data.FirstTwo, 1880, 188, dropped{empty: 15}},
		{"odpo/toxicity-sft-test-reward.jsonl", data.Preference, data.FirstTwo, 1050, 210, nil},
		{"odpo/toxicity-sft-test-reward.jsonl", data.Supervised, "", 1050, 1050, nil},
		{"odpo/tldr-sft-train-rel.json.gz", data.Preference, data.AllPairs, 572, 10073, dropped{noPair: 5}}, // 10,097 less 24 pairs of one text with two ratings,
		{"odpo/tldr-sft-test-rel.json", data.Preference, data.AllPairs, 59, 1854, nil},                      // 1,913 less 59,
		{"odpo/tldr-sft-test-rel.json", data.Preference, data.BestWorst, 59, 59, nil},
		{"odpo/tldr-sft-test-rel.json", data.Supervised, "", 59, 59, nil},
		{"ultrafeedback/train.jsonl.gz", data.Preference, "", 1000, 994, dropped{empty: 2, identical: 4}},
		{"ultrafeedback/test.jsonl.gz", data.Preference, "", 100, 99, dropped{identical: 1}},
		{"imdb/test.jsonl.gz", data.Supervised, "", 2000, 2000, nil},
		{"hh/harmless-base.train.jsonl.gz", data.Preference, "", 1288, 1284, dropped{empty: 4}},
		{"hh/harmless-base.test.jsonl.gz", data.Preference, "", 516, 516, nil},
		{"hh/helpful-base.train.jsonl.gz", data.Preference, "", 1312, 1308, dropped{empty: 3, identical: 1}},
		{"hh/helpful-base.test.jsonl.gz", data.Preference, "", 539, 539, nil},
		{"hh/helpful-online.train.jsonl.gz", data.Preference, "", 1137, 1132, dropped{empty: 3, identical: 2}},
		{"hh/helpful-rejection-sampled.train.jsonl.gz", data.Preference, "", 2748, 2716, dropped{identical: 32}},
		{"hh/helpful-base.test.jsonl.gz", data.Supervised, "", 539, 539, nil},
		{"dpo_en_demo/train.json", data.Preference, "", 241, 241, nil},
		{"dpo_en_demo/train.json", data.Supervised, "", 241, 241, nil},
		{"code_answers/humaneval-codegen16b.jsonl.gz", data.Preference, "", 131, 93, dropped{noPair: 38}},
		{"code_answers/humaneval-codegen16b.jsonl.gz", data.Supervised, "", 131, 93, dropped{noPair: 38}},
		{"mbpp/mbpp.jsonl", data.Supervised, "", 974, 974, nil},
		{"mbpp/sanitized-mbpp.json", data.Supervised, "", 427, 427, nil},
		{"humaneval/HumanEval.jsonl.gz", data.Supervised, "", 164, 164, nil},
	} {
		path := shared(t, "data", filepath.FromSlash(c.path))
		set, report, err := data.Load(t.Context(), path, data.LoadOptions{
			Task: c.task, Tokenizer: letters{}, VocabSize: vocab, RatedPairs: c.rated, OnBadRecord: data.SkipBad,
		})
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		if report.Read != c.read || report.Kept != c.kept || set.Len() != c.kept {
			t.Errorf("%s: %d read and %d kept, want %d and %d", c.path, report.Read, report.Kept, c.read, c.kept)
		}
		if d := cmp.Diff(c.dropped, report.Dropped); d != "" {
			t.Errorf("%s: dropped (-want +got):\n%s\n%s", c.path, d, report)
		}
		set.Close()
	}
}
