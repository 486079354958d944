package textmetric

import (
	"errors"
	"fmt"
	"math"
)

// maxOrder is the number of words of BLEU's longest n-grams.
const maxOrder = 4

// BLEU is the score of hypotheses against references (Papineni et al., 2002), computed as sacreBLEU does by default: 13a
// tokens, upper and lower case told apart, n-grams up to four words, precisions of zero smoothed by NIST's method (Chen and
// Cherry, 2014, method 3).
type BLEU struct {
	Score          float64           `json:"score"`      // 0 to 100
	Precisions     [maxOrder]float64 `json:"precisions"` // 0 to 100, by length of the n-grams; zeros where nothing matches
	Matches        [maxOrder]int     `json:"matches"`    // n-grams of the hypotheses that are in a reference
	Totals         [maxOrder]int     `json:"totals"`     // n-grams of the hypotheses
	BrevityPenalty float64           `json:"brevity_penalty"`
	HypothesisLen  int               `json:"hypothesis_tokens"`
	ReferenceLen   int               `json:"reference_tokens"` // of the references closest in length
}

// SentenceBLEU scores one hypothesis against its references. With effectiveOrder, only the n-gram lengths that the
// hypothesis is long enough for count, without which hypotheses of less than four words score 0.
func SentenceBLEU(hypothesis string, references []string, effectiveOrder bool) (BLEU, error) {
	if len(references) == 0 {
		return BLEU{}, fmt.Errorf("BLEU of %.40q: no reference", hypothesis)
	}
	b := countMatches(bleuWords(hypothesis), mergeReferences(bleuSegments(references)))
	b.finish(effectiveOrder)
	return b, nil
}

// CorpusBLEU scores hypotheses as one text; references has the references of each hypothesis, at least one.
func CorpusBLEU(hypotheses []string, references [][]string) (BLEU, error) {
	if len(hypotheses) == 0 {
		return BLEU{}, errors.New("corpus BLEU: no hypotheses")
	}
	if len(hypotheses) != len(references) {
		return BLEU{}, fmt.Errorf("corpus BLEU: %d hypotheses and the references of %d", len(hypotheses), len(references))
	}
	var sum BLEU
	for i, hypothesis := range hypotheses {
		if len(references[i]) == 0 {
			return BLEU{}, fmt.Errorf("corpus BLEU: hypothesis %d of %d: no reference", i+1, len(hypotheses))
		}
		sum.add(countMatches(bleuWords(hypothesis), mergeReferences(bleuSegments(references[i]))))
	}
	sum.finish(false)
	return sum, nil
}

// SelfBLEU scores each sample against all others (Zhu et al., Texygen, 2018); the lower the mean of the scores, the more
// the samples differ. It takes at least two samples.
func SelfBLEU(samples []string, effectiveOrder bool) ([]BLEU, error) {
	if len(samples) < 2 {
		return nil, fmt.Errorf("self-BLEU: found %d samples, needs 2 or more", len(samples))
	}
	segments := bleuSegments(samples)
	scores := make([]BLEU, len(samples))
	others := make([]segment, 0, len(samples)-1)
	for i := range samples {
		others = append(append(others[:0], segments[:i]...), segments[i+1:]...)
		scores[i] = countMatches(segments[i].words, mergeReferences(others))
		scores[i].finish(effectiveOrder)
	}
	return scores, nil
}

// segment is a text's words and its n-grams.
type segment struct {
	words  []string
	ngrams [maxOrder]map[string]int
}

func newSegment(words []string) segment {
	s := segment{words: words}
	for n := range s.ngrams {
		s.ngrams[n] = ngramCounts(words, n+1)
	}
	return s
}

func bleuSegments(texts []string) []segment {
	segments := make([]segment, len(texts))
	for i, text := range texts {
		segments[i] = newSegment(bleuWords(text))
	}
	return segments
}

// bleuReference is what a hypothesis is compared with: of each n-gram the most occurrences in one reference, and the
// references' lengths.
type bleuReference struct {
	ngrams  [maxOrder]map[string]int
	lengths []int
}

func mergeReferences(references []segment) bleuReference {
	var r bleuReference
	for n := range r.ngrams {
		r.ngrams[n] = map[string]int{}
	}
	for _, reference := range references {
		r.lengths = append(r.lengths, len(reference.words))
		for n, counts := range reference.ngrams {
			for ngram, count := range counts {
				r.ngrams[n][ngram] = max(r.ngrams[n][ngram], count)
			}
		}
	}
	return r
}

// closest is the length closest to a hypothesis's, the shorter of two that are equally close.
func (r bleuReference) closest(length int) int {
	best := r.lengths[0]
	for _, other := range r.lengths[1:] {
		further, distance := abs(best-length), abs(other-length)
		if distance < further || distance == further && other < best {
			best = other
		}
	}
	return best
}

func abs(n int) int { return max(n, -n) }

// countMatches gives the counts of one hypothesis.
func countMatches(words []string, reference bleuReference) BLEU {
	b := BLEU{HypothesisLen: len(words), ReferenceLen: reference.closest(len(words))}
	for n, counts := range newSegment(words).ngrams {
		for ngram, count := range counts {
			b.Totals[n] += count
			b.Matches[n] += min(count, reference.ngrams[n][ngram])
		}
	}
	return b
}

// Counts are what corpus BLEU is made of: the tokens of hypothesis and references, the matches and the totals by length. Counts
// of several hypotheses add up.
func (b BLEU) Counts() []float64 {
	counts := []float64{float64(b.HypothesisLen), float64(b.ReferenceLen)}
	for n := range maxOrder {
		counts = append(counts, float64(b.Matches[n]), float64(b.Totals[n]))
	}
	return counts
}

// BLEUOfCounts is the corpus BLEU of sums of Counts; of a list of another length it is an error.
func BLEUOfCounts(counts []float64) (BLEU, error) {
	if len(counts) != 2+2*maxOrder {
		return BLEU{}, fmt.Errorf("corpus BLEU: found %d counts, expected %d", len(counts), 2+2*maxOrder)
	}
	b := BLEU{HypothesisLen: int(counts[0]), ReferenceLen: int(counts[1])}
	for n := range maxOrder {
		b.Matches[n], b.Totals[n] = int(counts[2+2*n]), int(counts[3+2*n])
	}
	b.finish(false)
	return b, nil
}

func (b *BLEU) add(other BLEU) {
	b.HypothesisLen += other.HypothesisLen
	b.ReferenceLen += other.ReferenceLen
	for n := range b.Totals {
		b.Totals[n] += other.Totals[n]
		b.Matches[n] += other.Matches[n]
	}
}

// finish computes the score of the counts.
func (b *BLEU) finish(effectiveOrder bool) {
	b.BrevityPenalty = 1
	switch {
	case b.HypothesisLen == 0 && b.ReferenceLen > 0:
		b.BrevityPenalty = 0
	case b.HypothesisLen < b.ReferenceLen:
		b.BrevityPenalty = math.Exp(1 - float64(b.ReferenceLen)/float64(b.HypothesisLen))
	}
	if b.Matches == [maxOrder]int{} {
		return
	}
	order, halving := maxOrder, 1.0
	for n := range maxOrder {
		if b.Totals[n] == 0 {
			if effectiveOrder {
				order = n
			}
			break
		}
		if b.Matches[n] > 0 {
			b.Precisions[n] = 100 * float64(b.Matches[n]) / float64(b.Totals[n])
		} else {
			halving *= 2 // the k-th length without a match counts as 1/2^k of one
			b.Precisions[n] = 100 / (halving * float64(b.Totals[n]))
		}
	}
	logSum := 0.0
	for _, precision := range b.Precisions[:order] {
		logSum += math.Log(precision) // -Inf of a length without n-grams makes the score 0
	}
	b.Score = b.BrevityPenalty * math.Exp(logSum/float64(order))
}
