package data_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/usage"
)

func TestCheck(t *testing.T) {
	path := writeFile(t, "a.jsonl", strings.Join([]string{
		`{"prompt":"ab ","chosen":"c","rejected":"d"}`,
		`{"prompt":"ab ","chosen":"d","rejected":"c"}`,
		`{"prompt":"ab ","chosen":"c","rejected":"d"}`,
		`{"prompt":"ab ","chosen":"c","rejected":"c"}`,
		`{"prompt":"ab","chosen":"th","rejected":"e"}`,
	}, "\n"))
	parts := []data.Part{{Paths: []string{path}}}
	check := func(tok data.Tokenizer) *data.Check {
		got, err := data.CheckMixture(t.Context(), "set", parts, data.CheckOptions{AnyTask: true, Examples: 1, LoadOptions: data.LoadOptions{Tokenizer: tok}})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	got := check(letters{})
	want := &data.Check{
		Task: "preference", Unit: "tokens",
		Report: &data.Report{
			Path: "set", Read: 5, Kept: 4, WordsJoined: 1,
			Formats: map[string]int{"prompt, chosen and rejected": 4}, Dropped: map[data.Reason]int{data.ReasonIdentical: 1},
			DroppedExamples: []string{path + `:4: field "rejected": the same as "chosen"; a pair of identical sides prefers nothing`},
			Prompt:          data.Quantiles{Min: 2, Median: 3, P90: 3, P99: 3, Max: 3},
			Response:        data.Quantiles{Min: 2, Median: 2, P90: 2, P99: 2, Max: 2},
			Total:           data.Quantiles{Min: 4, Median: 5, P90: 5, P99: 5, Max: 5},
		},
		Duplicates: 1, DuplicatePrompts: 2, Contradictions: 2,
		Examples: []data.Example{{Source: path + ":1", Prompt: []string{"ab "}, Chosen: []string{"c"}, Rejected: []string{"d"}}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("check (-want +got):\n%s", d)
	}
	if got := check(nil); got.Unit != "bytes" || got.Response.Max != 2 || got.Response.Min != 1 {
		t.Errorf("without a tokenizer: %+v", got.Report)
	}
}

// TestCheckFindsTheTask: the first records say what a data set is for.
func TestCheckFindsTheTask(t *testing.T) {
	for _, c := range []struct{ name, content, want string }{
		{"a.jsonl", `{"prompt":"ab ","chosen":"c","rejected":"c"}` + "\n" + good, "preference"},
		{"a.jsonl", `{"question":"a","answers":[{"text":"b","votes":1},{"text":"c"}]}`, "preference"},
		{"a.json", `{"a":{"responses":["b","c"],"rewards":[1,2]}}`, "preference"},
		{"a.jsonl", `{"text":"ab "}`, "sft"},
		{"a.jsonl", `{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}`, "sft"},
		{"a.jsonl", `{"prompt":"a","text":"b"}`, "sft"},
	} {
		parts := []data.Part{{Paths: []string{writeFile(t, c.name, c.content)}}}
		got, err := data.CheckMixture(t.Context(), "set", parts, data.CheckOptions{AnyTask: true})
		if err != nil || got.Task != c.want || got.Kept != 1 {
			t.Errorf("%s: %+v, %v; want %s", c.content, got, err, c.want)
		}
	}
	parts := []data.Part{{Paths: []string{writeFile(t, "a.jsonl", `{"canary":"b"}`)}}}
	if got, err := data.CheckMixture(t.Context(), "set", parts, data.CheckOptions{AnyTask: true}); !usage.Is(err) || got.Dropped[data.ReasonMissing] != 1 {
		t.Errorf("no record fits: %+v, %v", got, err)
	}
}

// TestCheckSharedFiles checks every public data file beside the repository that holds pairs, answers or texts, and says which
// it covered and which hold none.
func TestCheckSharedFiles(t *testing.T) {
	root := shared(t, "data")
	others := map[string]string{ // what they are for
		"bbh": "questions of a benchmark", "ifeval": "instructions without responses", "musr": "questions of a benchmark",
		"math": "problems of a benchmark", "mmlu_pro": "questions of a benchmark", "tokenizers": "vocabularies",
	}
	var covered, left int
	for _, pattern := range []string{"*/*.jsonl", "*/*.jsonl.gz", "*/*.json", "*/*.json.gz", "*/*.parquet"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			name, _ := filepath.Rel(root, path)
			if use, known := others[filepath.Dir(name)]; known {
				t.Logf("%s: not covered: %s", name, use)
				left++
				continue
			}
			parts := []data.Part{{Paths: []string{path}}}
			check, err := data.CheckMixture(t.Context(), name, parts, data.CheckOptions{
				AnyTask: true, Examples: 1, LoadOptions: data.LoadOptions{Tokenizer: letters{}},
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			covered++
			formats := make([]string, 0, len(check.Formats))
			for format := range check.Formats {
				formats = append(formats, format)
			}
			t.Logf("%s: %s; %d read, %d kept, %d duplicates; %s", name, check.Task, check.Read, check.Kept, check.Duplicates, strings.Join(formats, ", "))
			if check.Kept == 0 || len(check.Examples) != 1 || len(check.Examples[0].Chosen[0]) == 0 || check.Task == "preference" && len(check.Examples[0].Rejected[0]) == 0 {
				t.Errorf("%s: %+v", name, check)
			}
		}
	}
	if covered != 21 || left < 5 {
		t.Errorf("%d files covered, %d left out; want 21 covered", covered, left)
	}
}
