package textmetric

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/golden"
)

// closeTo compares floats to 1e-9 of 1 or of their size.
var closeTo = cmp.Comparer(func(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-9*math.Max(1, math.Abs(b))
})

// published reads the cases of a file of ../shared/golden-eval, which other implementations computed, one a line, and fails
// unless there are at least as many as wanted. Its README names the implementations.
func published[Case any](t *testing.T, name string, least int) []Case {
	t.Helper()
	file, err := os.Open(golden.Shared(t, "golden-eval", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var cases []Case
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c Case
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatalf("%s:%d: %v", name, len(cases)+1, err)
		}
		cases = append(cases, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(cases) < least {
		t.Fatalf("%s has %d cases, want %d or more", name, len(cases), least)
	}
	return cases
}

func TestStemAsNLTK(t *testing.T) {
	type porterCase struct{ Word, Stem string }
	for _, c := range published[porterCase](t, "porter.jsonl", 2000) {
		if got := Stem(c.Word); got != c.Stem {
			t.Errorf("Stem(%q) = %q, want %q", c.Word, got, c.Stem)
		}
	}
}

type rougeCase struct {
	ID              string                `json:"id"`
	Target          string                `json:"target"`
	Prediction      string                `json:"prediction"`
	Stem            map[string][3]float64 `json:"stem"`
	Plain           map[string][3]float64 `json:"plain"`
	TargetStem      []string              `json:"target_tokens_stem"`
	TargetPlain     []string              `json:"target_tokens_plain"`
	PredictionStem  []string              `json:"prediction_tokens_stem"`
	PredictionPlain []string              `json:"prediction_tokens_plain"`
}

func TestRougeAsRougeScore(t *testing.T) {
	for _, c := range published[rougeCase](t, "rouge.jsonl", 150) {
		tokens := [][]string{
			RougeTokens(c.Target, true), RougeTokens(c.Target, false), RougeTokens(c.Prediction, true), RougeTokens(c.Prediction, false),
		}
		if diff := cmp.Diff([][]string{c.TargetStem, c.TargetPlain, c.PredictionStem, c.PredictionPlain}, tokens); diff != "" {
			t.Errorf("%s: tokens (-want +got):\n%s", c.ID, diff)
		}
		for _, side := range []struct {
			stem bool
			want map[string][3]float64
		}{{true, c.Stem}, {false, c.Plain}} {
			got := map[string][3]float64{}
			for kind, o := range Rouge(c.Target, c.Prediction, side.stem) {
				got[kind] = [3]float64{o.Precision, o.Recall, o.F1}
			}
			if diff := cmp.Diff(side.want, got, closeTo); diff != "" {
				t.Errorf("%s: stem %v (-want +got):\n%s", c.ID, side.stem, diff)
			}
		}
	}
}

type bleuWant struct {
	Score      float64    `json:"score"`
	Precisions [4]float64 `json:"precisions"`
	Counts     [4]int     `json:"counts"`
	Totals     [4]int     `json:"totals"`
	BP         float64    `json:"bp"`
	SysLen     int        `json:"sys_len"`
	RefLen     int        `json:"ref_len"`
	Sentence   []float64  `json:"sentence"`
	Mean       float64    `json:"mean"`
}

type bleuCase struct {
	ID            string     `json:"id"`
	Type          string     `json:"type"`
	Hypothesis    string     `json:"hypothesis"`
	References    []string   `json:"references"`
	HypothesisTok string     `json:"hypothesis_tok"`
	ReferencesTok []string   `json:"references_tok"`
	Hypotheses    []string   `json:"hypotheses"`
	Streams       [][]string `json:"reference_streams"`
	Samples       []string   `json:"samples"`
	Effective     bleuWant   `json:"effective_order"`
	NoEffective   bleuWant   `json:"no_effective_order"`
	Corpus        bleuWant   `json:"corpus"`
}

func checkBLEU(t *testing.T, what string, got BLEU, err error, want bleuWant) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	whole := BLEU{want.Score, want.Precisions, want.Counts, want.Totals, want.BP, want.SysLen, want.RefLen}
	if diff := cmp.Diff(whole, got, closeTo); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func (c bleuCase) checkSentence(t *testing.T) {
	for i, text := range append([]string{c.Hypothesis}, c.References...) {
		want := append([]string{c.HypothesisTok}, c.ReferencesTok...)[i]
		if got := joined(bleuWords(text)); got != want {
			t.Errorf("%s: tokens %q, want %q", c.ID, got, want)
		}
	}
	got, err := SentenceBLEU(c.Hypothesis, c.References, true)
	checkBLEU(t, c.ID+" effective order", got, err, c.Effective)
	got, err = SentenceBLEU(c.Hypothesis, c.References, false)
	checkBLEU(t, c.ID, got, err, c.NoEffective)
}

func (c bleuCase) checkCorpus(t *testing.T) {
	references := make([][]string, len(c.Hypotheses))
	for _, stream := range c.Streams {
		for i, reference := range stream {
			references[i] = append(references[i], reference)
		}
	}
	got, err := CorpusBLEU(c.Hypotheses, references)
	checkBLEU(t, c.ID, got, err, c.Corpus)
}

func (c bleuCase) checkSelf(t *testing.T) {
	for effective, want := range map[bool]bleuWant{true: c.Effective, false: c.NoEffective} {
		got, err := SelfBLEU(c.Samples, effective)
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		var scores []float64
		mean := 0.0
		for _, b := range got {
			scores = append(scores, b.Score)
			mean += b.Score / float64(len(got))
		}
		if diff := cmp.Diff(append(want.Sentence, want.Mean), append(scores, mean), closeTo); diff != "" {
			t.Errorf("%s: effective order %v (-want +got):\n%s", c.ID, effective, diff)
		}
	}
}

func TestBLEUAsSacreBLEU(t *testing.T) {
	seen := map[string]int{}
	for _, c := range published[bleuCase](t, "bleu.jsonl", 100) {
		seen[c.Type]++
		switch c.Type {
		case "sentence":
			c.checkSentence(t)
		case "corpus":
			c.checkCorpus(t)
		case "self":
			c.checkSelf(t)
		default:
			t.Errorf("%s: unknown type %q", c.ID, c.Type)
		}
	}
	for _, kind := range []string{"sentence", "corpus", "self"} {
		if seen[kind] == 0 {
			t.Errorf("no case of type %q", kind)
		}
	}
}
