package reward

import (
	"context"
	"fmt"
)

// Accuracy returns the share of examples whose class s gets right: a probability above 0.5 for the positive ones, and of 0.5
// or less for the others. It is an error to ask for no examples.
func Accuracy(ctx context.Context, s Scorer, examples []Example) (float64, error) {
	if len(examples) == 0 {
		return 0, fmt.Errorf("accuracy: no examples")
	}
	texts := make([]string, len(examples))
	for i, e := range examples {
		texts[i] = e.Text
	}
	scores, err := s.Score(ctx, make([]string, len(texts)), texts)
	if err != nil {
		return 0, err
	}
	numRight := 0
	for i, e := range examples {
		if (scores[i] > 0.5) == e.Positive {
			numRight++
		}
	}
	return float64(numRight) / float64(len(examples)), nil
}
