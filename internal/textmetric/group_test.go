package textmetric

import (
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

// TestMeasure checks that scores land at their prompt and sample, and that a prompt's are the means of its samples'.
func TestMeasure(t *testing.T) {
	groups := []Group{
		{doc1 + "|" + doc2, []string{sum1, sum2}, []string{sum1}},
		{doc2, []string{sum1}, []string{sum1, "x"}},
	}
	s := Suite{Metrics: []string{"edna", "summac", "distinct", "self-bleu", "bleu", "rouge"}, SummaC: &SummaC{verdicts, ZeroShot, bars}}
	if err := s.Check(groups); err != nil {
		t.Fatal(err)
	}
	list, err := s.Measure(t.Context(), groups)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		prompt int
		name   string
		value  float64
	}{
		{0, "summac", (0.9 + 0.4) / 2},
		{1, "summac", 0.2},
		{0, "rouge1", 1.0 / 2},
		{1, "rouge1", 1},
		{0, "self_entailment", 0.4},
		{0, "self_bleu", 0},
		{0, "distinct1", 1},
	} {
		if diff := cmp.Diff(want.value, list[want.prompt].Scores[want.name], closeTo); diff != "" {
			t.Errorf("%s of prompt %d (-want +got):\n%s", want.name, want.prompt, diff)
		}
	}
	if got := list[0].Samples[1]["summac"]; got != 0.4 {
		t.Errorf("SummaC of the second sample is %g, want 0.4", got)
	}
	for _, name := range []string{"edna", "self_bleu"} {
		if _, ok := list[1].Scores[name]; ok {
			t.Errorf("%s of a prompt with one sample", name)
		}
	}
	checkCounts(t, groups, list)
	if got := s.Names(); !cmp.Equal(got, []string{"rouge", "bleu", "self-bleu", "distinct", "summac", "edna"}) {
		t.Errorf("metrics %v", got)
	}
}

// checkCounts compares the BLEU of the prompts' summed counts with that of all responses.
func checkCounts(t *testing.T, groups []Group, list []Measurement) {
	t.Helper()
	var hypotheses []string
	var references [][]string
	sums := make([]float64, 2+2*maxOrder)
	for i, group := range groups {
		for _, sample := range group.Samples {
			hypotheses, references = append(hypotheses, sample), append(references, group.References)
		}
		for k, x := range list[i].Counts[CorpusBLEUName] {
			sums[k] += x
		}
	}
	want, err := CorpusBLEU(hypotheses, references)
	if err != nil {
		t.Fatal(err)
	}
	got, err := BLEUOfCounts(sums)
	if diff := cmp.Diff(want, got, closeTo); diff != "" || err != nil || got.Score == 0 {
		t.Errorf("corpus BLEU of counts: %v (-want +got):\n%s", err, diff)
	}
	if _, err := BLEUOfCounts(sums[1:]); err == nil {
		t.Error("corpus BLEU of too few counts")
	}
}

func TestCorpusDistinct(t *testing.T) {
	if got, ok := CorpusDistinct("distinct2", []string{"a b c", "a b"}); !ok || got != 2.0/3 {
		t.Errorf("got %g, %v, want 2/3", got, ok)
	}
	if _, ok := CorpusDistinct("rouge1", nil); ok {
		t.Error("of rouge1")
	}
}

func TestCheck(t *testing.T) {
	single := []Group{{doc2, []string{sum1}, []string{sum1}}}
	for _, names := range [][]string{nil, {"bertscore"}, {"summac"}, {"edna"}, {"blue"}, {"self-bleu"}} {
		if err := (&Suite{Metrics: names}).Check(single); !usage.Is(err) {
			t.Errorf("metrics %v: got %v, want a usage error", names, err)
		}
	}
}
