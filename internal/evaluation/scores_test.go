package evaluation

import (
	"math"
	"testing"

	"github.com/sparsepo/sparsepo/internal/bootstrap"
)

// Half of 400 items are right: the interval is about 0.5 ± 1.96 · 0.5/√400. Items that are all alike leave nothing to vary.
func TestScores(t *testing.T) {
	var records []Record
	for i := range 400 {
		records = append(records, Record{Task: "humaneval", Index: i, Item: "x", Metrics: map[string]float64{"pass@1": float64(i % 2), "pass@10": 1}})
	}
	records = append(records, Record{
		Task: TextTask, Item: "y", Responses: []string{"a b", "a b"}, Metrics: map[string]float64{"distinct1": 0.5},
	})
	scores := Scores(records, bootstrap.Options{Resamples: 4000, Level: 0.95, Seed: 1})
	if len(scores) != 4 {
		t.Fatalf("%d scores, want two of programs and two of texts: %+v", len(scores), scores)
	}
	one, ten, distinct, corpus := scores[0], scores[1], scores[2], scores[3]
	half := 1.96 * 0.5 / 20
	if one.Metric != "pass@1" || one.Items != 400 || one.Value != 0.5 || math.Abs(one.Interval.Low-0.5+half) > 0.1*half || math.Abs(one.Interval.High-0.5-half) > 0.1*half {
		t.Errorf("pass@1: %+v in %v, want 0.5 ± %g", one, one.Interval, half)
	}
	if ten.Metric != "pass@10" || *ten.Interval != (bootstrap.Interval{Low: 1, High: 1}) {
		t.Errorf("pass@10: %+v in %v", ten, ten.Interval)
	}
	if distinct.Task != TextTask || distinct.Metric != "distinct1" || distinct.Value != 0.5 || distinct.Interval == nil {
		t.Errorf("distinct1: %+v", distinct)
	}
	if corpus.Metric != "distinct1_corpus" || corpus.Value != 0.5 || corpus.Interval != nil {
		t.Errorf("distinct1_corpus: %+v; want 2 of 4 words and no interval", corpus)
	}
}
