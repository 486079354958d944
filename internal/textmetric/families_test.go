package textmetric

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/encoder"
	"github.com/sparsepo/sparsepo/internal/golden"
)

// bertReference is a small BERT with what PyTorch gives for it; see encoder/testdata/reference.py.
var bertReference = filepath.Join("..", "..", "encoder", "testdata", "bert")

// TestBERT scores and judges with a BERT folder, from texts on, and compares with PyTorch's values.
func TestBERT(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(bertReference, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Logits    [][]float64
		BERTScore struct {
			Layer                int
			Candidate, Reference string
			IDFTexts             []string `json:"idf_texts"`
			Plain, IDF           [3]float64
		}
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	score := want.BERTScore
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for name, exact := range map[string][3]float64{"plain": score.Plain, "idf": score.IDF} {
			options := BERTScoreOptions{Layer: score.Layer}
			if name == "idf" {
				options.IDF = score.IDFTexts
			}
			b, err := OpenBERTScore(bertReference, e.Backend, options)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			got, _, err := b.Score(context.Background(), []string{score.Candidate}, [][]string{{" " + score.Reference}})
			if err != nil {
				t.Fatal(err)
			}
			for i, x := range []float64{got[0].Precision, got[0].Recall, got[0].F1} {
				golden.Close(t, name, x, exact[i], 1e-6*e.Slack)
			}
		}
		n, err := OpenNLI(bertReference, e.Backend, NLIOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		verdicts, err := n.Judge(context.Background(), []Pair{{"Film a a", "the BAD"}})
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, x := range want.Logits[1] {
			sum += math.Exp(x)
		}
		golden.Close(t, "entailment", verdicts[0].Entailment, math.Exp(want.Logits[1][0])/sum, 1e-6*e.Slack)
		golden.Close(t, "contradiction", verdicts[0].Contradiction, math.Exp(want.Logits[1][2])/sum, 1e-6*e.Slack)
	})
}

// TestUsualLayer has rows of bert_score's table, and sizes for models of other names.
func TestUsualLayer(t *testing.T) {
	tests := []struct {
		name, kind     string
		layers, hidden int
		want           int
	}{
		{"google-bert/bert-base-uncased", "bert", 12, 768, 9},
		{"google-bert/bert-large-uncased@main", "bert", 24, 1024, 18},
		{"google-bert/bert-base-chinese", "bert", 12, 768, 8},
		{"models/roberta-base", "roberta", 12, 768, 10},
		{"FacebookAI/roberta-large", "roberta", 24, 1024, 17},
		{"FacebookAI/roberta-large-mnli", "roberta", 24, 1024, 19},
		{"distilbert/distilbert-base-uncased", "distilbert", 6, 768, 5},
		{"albert/albert-xlarge-v2", "albert", 24, 2048, 13},
		{"google/bert_uncased_L-2_H-128_A-2", "bert", 2, 128, 1},
		{"FacebookAI/xlm-roberta-large", "xlm-roberta", 24, 1024, 17},
		{"microsoft/deberta-v3-large", "deberta-v2", 24, 1024, 12},
		{"microsoft/mdeberta-v3-base", "deberta-v2", 12, 768, 10},
		{"my-roberta", "roberta", 24, 1024, 17},
		{"my-bert", "bert", 12, 768, 9},
		{"", "distilbert", 6, 768, 5},
		{"my-albert", "albert", 12, 768, 0},
		{"my-bert", "bert", 4, 256, 0},
		{"bert-large-uncased", "bert", 2, 1024, 0}, // a name that does not fit the model
	}
	for _, test := range tests {
		got, ok := usualLayer(&encoder.Config{Type: test.kind, Layers: test.layers, Hidden: test.hidden}, test.name)
		if got != test.want || ok != (test.want > 0) {
			t.Errorf("%q, a %s of %d layers: got %d, %v; want %d", test.name, test.kind, test.layers, got, ok, test.want)
		}
	}
	seen := map[string]bool{}
	for layer, names := range knownLayers {
		for _, name := range names {
			if seen[name] || layer < 1 || strings.Contains(name, "/") {
				t.Errorf("%s: twice in the table, or with an owner, or layer %d", name, layer)
			}
			seen[name] = true
		}
	}
	if len(seen) != 70 {
		t.Errorf("%d names, want the 70 of bert_score's table whose type is read here", len(seen))
	}
}
