package textmetric

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func write(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "records.jsonl")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Samples of a prompt come together wherever they stand, and so do references, one or many a record.
func TestGroups(t *testing.T) {
	samples := write(t, `{"prompt": "a", "completion": "1"}`, `{"prompt": [7], "completion": "2"}`, `{"prompt": "a", "completion": "3"}`)
	references := write(t, `{"prompt": [7], "references": ["x", "y"], "completion": "not this"}`, `{"prompt": "b", "reference": "z"}`,
		`{"prompt": "a", "chosen": "v"}`, `{"prompt": "a", "completion": "w"}`)
	groups, err := ReadSamples(samples, DefaultFields())
	if err != nil {
		t.Fatal(err)
	}
	if err := AddReferences(groups, references, DefaultFields()); err != nil {
		t.Fatal(err)
	}
	want := []Group{{"a", []string{"1", "3"}, []string{"v", "w"}}, {"[7]", []string{"2"}, []string{"x", "y"}}}
	if diff := cmp.Diff(want, groups); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	texts, err := ReadTexts(references, DefaultFields())
	if diff := cmp.Diff([]string{"x", "y", "z", "v", "w"}, texts); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestGroupErrors(t *testing.T) {
	read := func(path string) error {
		_, err := ReadSamples(path, DefaultFields())
		return err
	}
	refer := func(path string) error {
		return AddReferences([]Group{{Prompt: "a"}}, path, DefaultFields())
	}
	tests := []struct {
		name, line string
		read       func(path string) error
		want       string
	}{
		{"empty file", "", read, "records.jsonl: no records"},
		{"no prompt", `{"completion": "x"}`, read, `records.jsonl:1: field "prompt"`},
		{"completion of ids", `{"prompt": "a", "completion": [1]}`, read, `records.jsonl:1: field "completion"`},
		{"no reference", `{"prompt": "a", "text": "x"}`, refer, "records.jsonl:1: no field with references; known: reference, references, completion, chosen"},
		{"reference of another type", `{"prompt": "a", "reference": 7}`, refer, `records.jsonl:1: field "reference": 7`},
		{"empty list", `{"prompt": "a", "references": []}`, refer, `records.jsonl:1: field "references": empty`},
		{"another prompt", `{"prompt": "A", "reference": "x"}`, refer, `no reference for the prompt "a"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := test.read(write(t, test.line)); err == nil || !usage.Is(err) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want a usage error with %q", err, test.want)
			}
		})
	}
}

// TestEvaluate checks that scores land at their response or prompt, and what is a mean over what.
func TestEvaluate(t *testing.T) {
	groups := []Group{
		{doc1 + "|" + doc2, []string{sum1, sum2}, []string{sum1}},
		{doc2, []string{sum1}, []string{sum1, "x"}},
	}
	s := Suite{Metrics: []string{"edna", "summac", "distinct", "self-bleu", "bleu", "rouge"}, SummaC: &SummaC{verdicts, ZeroShot, bars}}
	e, err := s.Evaluate(context.Background(), groups)
	if err != nil {
		t.Fatal(err)
	}
	value := map[string]Score{}
	for _, score := range e.Scores {
		value[score.Name] = score
	}
	for _, want := range []Score{
		{"summac", (0.9 + 0.4 + 0.2) / 3, "responses", 3},
		{"rouge1", 2.0 / 3, "responses", 3},
		{"self_entailment", 0.4, "prompts", 1},
		{"self_bleu", 0, "prompts", 1},
		{"distinct1", 1, "prompts", 2},
		{"distinct1_corpus", 7.0 / 10, "corpus", 3}, // "the summary ." twice and "and its second sentence"
	} {
		if diff := cmp.Diff(want, value[want.Name], closeTo); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.Name, diff)
		}
	}
	if got := e.Responses[2].Metrics["summac"]; got != 0.2 {
		t.Errorf("SummaC of the last response is %g, want 0.2", got)
	}
	if _, ok := e.Prompts[1].Metrics["edna"]; ok {
		t.Error("EDNA of a prompt with one sample")
	}
	for _, names := range [][]string{nil, {"bertscore"}, {"blue"}} {
		if _, err := (&Suite{Metrics: names}).Evaluate(context.Background(), groups); !usage.Is(err) {
			t.Errorf("metrics %v: got %v, want a usage error", names, err)
		}
	}
	if _, err := (&Suite{Metrics: []string{"self-bleu"}}).Evaluate(context.Background(), groups[1:]); !usage.Is(err) {
		t.Errorf("self-BLEU of single samples: got %v, want a usage error", err)
	}
}
