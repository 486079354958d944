package textmetric

import (
	"context"
	"fmt"
	"unicode/utf8"
)

// SummaC tells whether summaries follow from their documents by what an NLI model says of each pair of sentences (Laban et
// al., SummaC: Re-Visiting NLI-based Models for Inconsistency Detection in Summarization, TACL 2022).
type SummaC struct {
	Judge Judge
	Form  SummaCForm
	Split func(text string) []string // text → sentences
}

// SummaCForm makes one score of the verdicts on each pair of a document's sentence (rows) and a summary's (columns), at
// least one of each.
type SummaCForm func(verdicts [][]Verdict) float64

// ZeroShot is the form that needs no training: of each sentence of the summary the highest entailment by a sentence of the
// document, and the mean of these, 0 to 1.
func ZeroShot(verdicts [][]Verdict) float64 {
	return meanOfColumns(verdicts, func(highest Verdict) float64 { return highest.Entailment })
}

// ZeroShotContrast is ZeroShot less the highest contradiction of each sentence, -1 to 1, as SummaC's program computes it
// unless told otherwise.
func ZeroShotContrast(verdicts [][]Verdict) float64 {
	return meanOfColumns(verdicts, func(highest Verdict) float64 { return highest.Entailment - highest.Contradiction })
}

// meanOfColumns is the mean of a value of the highest entailment and the highest contradiction in each column.
func meanOfColumns(verdicts [][]Verdict, value func(highest Verdict) float64) float64 {
	sum := 0.0
	for column := range verdicts[0] {
		var highest Verdict
		for _, row := range verdicts {
			highest.Entailment = max(highest.Entailment, row[column].Entailment)
			highest.Contradiction = max(highest.Contradiction, row[column].Contradiction)
		}
		sum += value(highest)
	}
	return sum / float64(len(verdicts[0]))
}

// Limits of SummaC's program.
const (
	shortestSentence = 11  // characters; shorter sentences are left out
	maxSentences     = 100 // of a document that are read
)

// sentences are those of a text that are long enough.
func (s SummaC) sentences(text string) []string {
	var kept []string
	for _, sentence := range s.Split(text) {
		if utf8.RuneCountInString(sentence) >= shortestSentence {
			kept = append(kept, sentence)
		}
	}
	return kept
}

// Scores scores pairs of a document (the premise) and a summary (the hypothesis). Where one of them has no sentence that is
// long enough, the verdict is that of a single pair of sentences with neither entailment nor contradiction.
func (s SummaC) Scores(ctx context.Context, pairs []Pair) ([]float64, error) {
	var questions []Pair
	sides := make([][2][]string, len(pairs))
	for i, pair := range pairs {
		premises, hypotheses := s.sentences(pair.Premise), s.sentences(pair.Hypothesis)
		premises = premises[:min(len(premises), maxSentences)]
		sides[i] = [2][]string{premises, hypotheses}
		for _, premise := range premises {
			for _, hypothesis := range hypotheses {
				questions = append(questions, Pair{premise, hypothesis})
			}
		}
	}
	verdicts, err := s.Judge.Judge(ctx, questions)
	if err != nil {
		return nil, fmt.Errorf("SummaC: %w", err)
	}
	scores := make([]float64, len(pairs))
	for i, side := range sides {
		rows, columns := len(side[0]), len(side[1])
		if rows*columns == 0 {
			scores[i] = s.Form([][]Verdict{{{}}})
			continue
		}
		image := make([][]Verdict, rows)
		for row := range image {
			image[row], verdicts = verdicts[:columns], verdicts[columns:]
		}
		scores[i] = s.Form(image)
	}
	return scores, nil
}
