package reward

import (
	"context"
	"testing"

	"github.com/sparsepo/sparsepo/internal/corpus"
)

// The demonstration's set-up: the rewards of made-up reviews follow their grades.
func TestLinearOnMadeUpReviews(t *testing.T) {
	var examples []Example
	for _, r := range corpus.Reviews(3_000, 1) {
		examples = append(examples, Example{r.Text, r.Label == 1})
	}
	model, err := Train(context.Background(), examples, DefaultTrainOptions())
	if err != nil {
		t.Fatal(err)
	}
	var test []Example
	var texts []string
	var grades []float64
	for _, r := range corpus.Reviews(1_000, 2) {
		test = append(test, Example{r.Text, r.Label == 1})
		texts, grades = append(texts, r.Text), append(grades, r.Grade)
	}
	accuracy, err := Accuracy(context.Background(), model, test)
	if err != nil {
		t.Fatal(err)
	}
	scores, err := model.Score(context.Background(), make([]string, len(texts)), texts)
	if err != nil {
		t.Fatal(err)
	}
	r := correlation(scores, grades)
	t.Logf("accuracy %.3f, correlation of the reward with the grade %.3f", accuracy, r)
	if accuracy < 0.9 || r < 0.85 {
		t.Errorf("got accuracy %.3f and correlation %.3f, want at least 0.9 and 0.85", accuracy, r)
	}
	for _, c := range []struct {
		word string
		sign float64
	}{{"brilliant", 1}, {"enjoyed", 1}, {"tedious", -1}, {"loathed", -1}} {
		if w, ok := model.Weight(c.word); !ok || w*c.sign <= 0 {
			t.Errorf("weight of %q: got %g (known: %v), want sign %g", c.word, w, ok, c.sign)
		}
	}
}
