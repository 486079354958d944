package textmetric

import (
	"fmt"
	"strings"
)

// Overlap is how much of a prediction is in a reference (precision), how much of the reference is in the prediction
// (recall), and their harmonic mean; each from 0 to 1, and 0 where there is nothing to count.
type Overlap struct {
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

// overlap counts hits among the items of a prediction and of a reference.
func overlap(hits, predicted, wanted int) Overlap {
	o := Overlap{Precision: float64(hits) / float64(max(predicted, 1)), Recall: float64(hits) / float64(max(wanted, 1))}
	o.F1 = harmonicMean(o.Precision, o.Recall)
	return o
}

// harmonicMean is 0 where both are.
func harmonicMean(a, b float64) float64 {
	if a+b > 0 {
		return 2 * a * b / (a + b)
	}
	return 0
}

// RougeScores are the ROUGE scores of a prediction (Lin, ROUGE: A Package for Automatic Evaluation of Summaries, 2004), by
// the name of the kind: "rouge1", "rouge2", "rougeL", "rougeLsum".
type RougeScores map[string]Overlap

// RougeKinds are the kinds of ROUGE that Rouge computes.
func RougeKinds() []string { return []string{"rouge1", "rouge2", "rougeL", "rougeLsum"} }

// Rouge compares a prediction with a reference as rouge-score does. With stem, tokens of more than three letters are
// compared by their stems. ROUGE-Lsum takes lines for sentences.
func Rouge(reference, prediction string, stem bool) RougeScores {
	wanted, predicted := RougeTokens(reference, stem), RougeTokens(prediction, stem)
	return RougeScores{
		"rouge1":    rougeN(wanted, predicted, 1),
		"rouge2":    rougeN(wanted, predicted, 2),
		"rougeL":    overlap(newLCS(wanted, predicted).length(), len(predicted), len(wanted)),
		"rougeLsum": rougeLsum(rougeLines(reference, stem), rougeLines(prediction, stem)),
	}
}

// RougeBest compares a prediction with several references and takes, for each kind, the scores of the reference with the
// highest F1, the first of equals. It is an error to give none.
func RougeBest(references []string, prediction string, stem bool) (RougeScores, error) {
	if len(references) == 0 {
		return nil, fmt.Errorf("ROUGE of %.40q: no reference", prediction)
	}
	best := Rouge(references[0], prediction, stem)
	for _, reference := range references[1:] {
		for kind, scores := range Rouge(reference, prediction, stem) {
			if scores.F1 > best[kind].F1 {
				best[kind] = scores
			}
		}
	}
	return best, nil
}

// RougeTokens are the tokens that ROUGE compares: runs of the letters a to z and digits in the lower-case text.
func RougeTokens(text string, stem bool) []string {
	tokens := strings.FieldsFunc(lower(text), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	if stem {
		for i, token := range tokens {
			if len(token) > 3 {
				tokens[i] = Stem(token)
			}
		}
	}
	return tokens
}

// rougeLines are the tokens of each line that is not empty.
func rougeLines(text string, stem bool) [][]string {
	var lines [][]string
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" {
			lines = append(lines, RougeTokens(line, stem))
		}
	}
	return lines
}

func rougeN(wanted, predicted []string, n int) Overlap {
	want, have := ngramCounts(wanted, n), ngramCounts(predicted, n)
	hits := 0
	for ngram, count := range want {
		hits += min(count, have[ngram])
	}
	return overlap(hits, max(len(predicted)-n+1, 0), max(len(wanted)-n+1, 0))
}

// ngramCounts counts the runs of n tokens, which have no spaces.
func ngramCounts(tokens []string, n int) map[string]int {
	counts := make(map[string]int, len(tokens))
	for i := range max(len(tokens)-n+1, 0) {
		counts[strings.Join(tokens[i:i+n], " ")]++
	}
	return counts
}

// rougeLsum is the summary-level ROUGE-L of section 3.2 in the paper: of each wanted sentence, the tokens that are in a
// longest common subsequence with some predicted sentence. No token counts more often than it is in either text, as in
// version 1.5.5 of the original program.
func rougeLsum(wanted, predicted [][]string) Overlap {
	inWanted, numWanted := tokenCounts(wanted)
	inPredicted, numPredicted := tokenCounts(predicted)
	hits := 0
	for _, sentence := range wanted {
		common := make([]bool, len(sentence))
		for _, other := range predicted {
			newLCS(sentence, other).mark(common)
		}
		for i, token := range sentence {
			if common[i] && inWanted[token] > 0 && inPredicted[token] > 0 {
				hits++
				inWanted[token]--
				inPredicted[token]--
			}
		}
	}
	return overlap(hits, numPredicted, numWanted)
}

func tokenCounts(sentences [][]string) (counts map[string]int, total int) {
	counts = map[string]int{}
	for _, tokens := range sentences {
		total += len(tokens)
		for _, token := range tokens {
			counts[token]++
		}
	}
	return counts, total
}
