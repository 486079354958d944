package textmetric

import (
	"context"
	"fmt"
)

// EDNA is whether samples follow from their document while they say different things (Narayan et al., A Well-Composed Text
// is Half Done! Composition Sampling for Diverse Conditional Generation, ACL 2022); each number from 0 to 1.
type EDNA struct {
	Entailment     float64 `json:"entailment"`      // mean over samples of their SummaC score for the document
	SelfEntailment float64 `json:"self_entailment"` // mean over ordered pairs of samples of the second's SummaC score for the first
	EDNA           float64 `json:"edna"`            // harmonic mean of the first and 1 less the second
}

// EDNA scores two or more samples of a document. Its form must give scores from 0 to 1, as ZeroShot and Convolution do.
func (s SummaC) EDNA(ctx context.Context, document string, samples []string) (EDNA, error) {
	if len(samples) < 2 {
		return EDNA{}, fmt.Errorf("EDNA: found %d samples, needs 2 or more", len(samples))
	}
	var pairs []Pair
	for _, sample := range samples {
		pairs = append(pairs, Pair{document, sample})
	}
	for i, premise := range samples {
		for j, hypothesis := range samples {
			if i != j {
				pairs = append(pairs, Pair{premise, hypothesis})
			}
		}
	}
	scores, err := s.Scores(ctx, pairs)
	if err != nil {
		return EDNA{}, err
	}
	for _, score := range scores {
		if score < 0 || score > 1 {
			return EDNA{}, fmt.Errorf("EDNA: SummaC score %g is not from 0 to 1; use another form", score)
		}
	}
	e := EDNA{Entailment: mean(scores[:len(samples)]), SelfEntailment: mean(scores[len(samples):])}
	e.EDNA = harmonicMean(e.Entailment, 1-e.SelfEntailment)
	return e, nil
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, x := range values {
		sum += x
	}
	return sum / float64(len(values))
}
