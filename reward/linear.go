package reward

import (
	"context"
	"fmt"
	"math"
	"sync"
)

// Linear is the built-in reward model: logistic regression over the word n-grams that occur in a text,
//
//	logit(p) = bias + (1/√n) Σ weight(g)   over the n distinct known n-grams g of the text,
//
// p being the probability of the positive class. It is safe for concurrent use.
type Linear struct {
	ngrams  *ngrams
	weights []float32 // by n-gram
	bias    float64
	options TrainOptions
	scratch sync.Pool // of *scratch
}

var _ Classifier = (*Linear)(nil)

func newLinear(g *ngrams, weights []float32, bias float64, options TrainOptions) *Linear {
	newScratch := func() any { return new(scratch) }
	return &Linear{ngrams: g, weights: weights, bias: bias, options: options, scratch: sync.Pool{New: newScratch}}
}

// Options returns the settings the model was fitted with.
func (l *Linear) Options() TrainOptions { return l.options }

// NumNGrams returns how many n-grams the model knows.
func (l *Linear) NumNGrams() int { return len(l.weights) }

// Weight returns the weight of an n-gram (lower case, words separated by one space), and whether the model knows it.
func (l *Linear) Weight(ngram string) (float64, bool) {
	id, ok := l.ngrams.find(ngram)
	if !ok {
		return 0, false
	}
	return float64(l.weights[id]), true
}

// Score returns the probability of the positive class of each prompt followed by its completion.
func (l *Linear) Score(ctx context.Context, prompts, completions []string) ([]float64, error) {
	scores, err := l.Logits(ctx, prompts, completions)
	for i, z := range scores {
		scores[i] = sigmoid(z)
	}
	return scores, err
}

// Logits implements [Classifier].
func (l *Linear) Logits(ctx context.Context, prompts, completions []string) ([]float64, error) {
	if len(prompts) != len(completions) {
		return nil, fmt.Errorf("score: %d prompts but %d completions", len(prompts), len(completions))
	}
	s := l.scratch.Get().(*scratch)
	defer l.scratch.Put(s)
	logits := make([]float64, len(completions))
	for i, completion := range completions {
		if i%256 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		logits[i] = l.logit(prompts[i]+completion, s)
	}
	return logits, nil
}

func (l *Linear) logit(text string, s *scratch) float64 {
	found := l.ngrams.present(l.ngrams.wordNumbers(text, s), s)
	sum := 0.0
	for _, id := range found {
		sum += float64(l.weights[id])
	}
	return l.bias + sum*lengthScale(len(found))
}

// lengthScale is 1/√n: the n-grams of a text form a vector of length 1, so that long texts are not scored as more extreme
// merely for being long. A text without known n-grams has the empty sum.
func lengthScale(n int) float64 {
	if n == 0 {
		return 0
	}
	return 1 / math.Sqrt(float64(n))
}

func sigmoid(z float64) float64 {
	if z < 0 {
		e := math.Exp(z)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-z))
}
