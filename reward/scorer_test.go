package reward_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/reward"
)

// fixed is a Scorer that gives the same rewards always.
type fixed []float64

func (f fixed) Score(context.Context, []string, []string) ([]float64, error) {
	return append([]float64(nil), f...), nil
}

type fixedClassifier struct{ fixed }

func (f fixedClassifier) Logits(context.Context, []string, []string) ([]float64, error) {
	logits := make([]float64, len(f.fixed))
	for i, p := range f.fixed {
		logits[i] = math.Log(p / (1 - p))
	}
	return logits, nil
}

func TestWithOutput(t *testing.T) {
	probabilities := fixedClassifier{fixed{0, 0.25, 0.5, 0.75, 1}}
	for _, c := range []struct {
		output reward.Output
		want   []float64
	}{
		{reward.Probability, []float64{0, 0.25, 0.5, 0.75, 1}},
		{reward.Offset, []float64{0, 0.25, 0.5, 1.75, 2}},
		{reward.Logit, []float64{math.Inf(-1), -math.Log(3), 0, math.Log(3), math.Inf(1)}},
	} {
		s, err := reward.WithOutput(probabilities, c.output)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Score(context.Background(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.want {
			if got[i] != c.want[i] && math.Abs(got[i]-c.want[i]) > 1e-15 {
				t.Errorf("%s: reward %d: got %g, want %g", c.output, i, got[i], c.want[i])
			}
		}
	}
}

func TestWithOutputRefuses(t *testing.T) {
	if _, err := reward.WithOutput(fixed{1}, reward.Logit); !usage.Is(err) {
		t.Errorf("logits of a plain scorer: got %v, want a usage error", err)
	}
	if _, err := reward.WithOutput(fixed{1}, "logits"); !usage.Is(err) || !strings.Contains(err.Error(), `did you mean "logit"?`) {
		t.Errorf("unknown output: got %v, want a suggestion", err)
	}
	s, err := reward.WithOutput(fixed{3}, reward.Offset)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Score(context.Background(), []string{""}, []string{""}); err == nil || !strings.Contains(err.Error(), "not a probability") {
		t.Errorf("offset of 3: got %v, want an error", err)
	}
}
