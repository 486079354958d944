package reward

import (
	"context"
	"math"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Example is a text with its class.
type Example struct {
	Text     string
	Positive bool
}

// TrainOptions says how [Train] fits the linear classifier.
type TrainOptions struct {
	Order     int     `json:"order"`      // words of the longest n-grams, 1 to 3
	MinTexts  int     `json:"min_texts"`  // n-grams in fewer texts than this are left out
	MaxNGrams int     `json:"max_ngrams"` // keep only the most frequent; 0 keeps all
	L2        float64 `json:"l2"`         // coefficient of Σ v²/2 in the summed loss; greater is smoother
	MaxSteps  int     `json:"max_steps"`  // steps of the optimiser (L-BFGS) at most
}

// DefaultTrainOptions returns settings that suit film reviews: the most frequent words and pairs of words.
func DefaultTrainOptions() TrainOptions {
	return TrainOptions{Order: 2, MinTexts: 2, MaxNGrams: 100_000, L2: 0.1, MaxSteps: 60}
}

func (o TrainOptions) validate() error {
	switch {
	case o.Order < 1 || o.Order > maxNGramWords:
		return usage.Errorf("n-gram order %d: must be 1 to %d", o.Order, maxNGramWords)
	case o.MinTexts < 1:
		return usage.Errorf("minimum number of texts of an n-gram %d: must be at least 1", o.MinTexts)
	case o.MaxNGrams < 0:
		return usage.Errorf("maximum number of n-grams %d: must not be negative (0: no limit)", o.MaxNGrams)
	case !(o.L2 > 0) || math.IsInf(o.L2, 0):
		return usage.Errorf("L2 coefficient %g: must be positive", o.L2)
	case o.MaxSteps < 1:
		return usage.Errorf("optimiser steps %d: must be at least 1", o.MaxSteps)
	}
	return nil
}

// Train fits the linear classifier. Each n-gram is scaled by the log-ratio of its smoothed frequencies in the two classes,
// as in naive Bayes, before the regression is fitted (Wang and Manning 2012, "Baselines and Bigrams"). The result depends on
// the examples and options only.
func Train(ctx context.Context, examples []Example, options TrainOptions) (*Linear, error) {
	if err := options.validate(); err != nil {
		return nil, err
	}
	texts := make([]string, len(examples))
	numPositive := 0
	for i, e := range examples {
		texts[i] = e.Text
		if e.Positive {
			numPositive++
		}
	}
	if numPositive == 0 || numPositive == len(examples) {
		return nil, usage.Errorf("train reward model: %d of %d examples are positive; both classes are needed", numPositive, len(examples))
	}
	grams := collectNGrams(texts, options.Order, options.MinTexts, options.MaxNGrams)
	if len(grams.texts) == 0 {
		return nil, usage.Errorf("train reward model: no word occurs in %d texts or more", options.MinTexts)
	}
	f := newFit(grams, examples, options.L2)
	parameters := make([]float64, len(grams.texts)+1)
	if err := minimise(ctx, parameters, f.evaluate, options.MaxSteps, 1e-3); err != nil {
		return nil, err
	}
	weights := make([]float32, len(grams.texts))
	for id := range weights {
		weights[id] = float32(parameters[id] * f.ratio[id])
	}
	return newLinear(grams, weights, parameters[len(grams.texts)], options), nil
}

// fit is the regression's data: row i has the n-grams grams[starts[i]:starts[i+1]].
type fit struct {
	grams  []int32
	starts []int
	sign   []float64 // +1 positive, -1 negative
	ratio  []float64 // by n-gram
	l2     float64
}

func newFit(g *ngrams, examples []Example, l2 float64) *fit {
	f := &fit{starts: make([]int, 1, len(examples)+1), l2: l2}
	var s scratch
	for _, e := range examples {
		f.grams = append(f.grams, g.present(g.wordNumbers(e.Text, &s), &s)...)
		f.starts = append(f.starts, len(f.grams))
		if e.Positive {
			f.sign = append(f.sign, 1)
		} else {
			f.sign = append(f.sign, -1)
		}
	}
	f.ratio = f.logRatios(len(g.texts))
	return f
}

func (f *fit) row(i int) []int32 { return f.grams[f.starts[i]:f.starts[i+1]] }

// logRatios returns log((P(g) + 1)/(N(g) + 1) · ΣN/ΣP) by n-gram g: P and N count the positive and negative texts with g, and
// the sums run over all n-grams.
func (f *fit) logRatios(numGrams int) []float64 {
	positive, negative := make([]float64, numGrams), make([]float64, numGrams)
	sumPositive, sumNegative := 0.0, 0.0
	for id := range positive {
		positive[id], negative[id] = 1, 1
	}
	for i, sign := range f.sign {
		for _, id := range f.row(i) {
			if sign > 0 {
				positive[id]++
			} else {
				negative[id]++
			}
		}
	}
	for id := range positive {
		sumPositive += positive[id]
		sumNegative += negative[id]
	}
	ratios := make([]float64, numGrams)
	for id := range ratios {
		ratios[id] = math.Log(positive[id] / negative[id] * sumNegative / sumPositive)
	}
	return ratios
}

// evaluate returns Σ log(1 + exp(-sign·z)) + l2/2 Σ v² and its gradient; parameters are the v by n-gram, then the bias.
func (f *fit) evaluate(parameters, gradient []float64) float64 {
	bias := len(parameters) - 1
	loss := 0.0
	for id, v := range parameters[:bias] {
		gradient[id] = f.l2 * v
		loss += f.l2 * v * v / 2
	}
	gradient[bias] = 0
	for i, sign := range f.sign {
		row := f.row(i)
		sum := 0.0
		for _, id := range row {
			sum += f.ratio[id] * parameters[id]
		}
		scale := lengthScale(len(row))
		z := sign * (parameters[bias] + sum*scale)
		loss += softplus(-z)
		slope := -sign * sigmoid(-z)
		gradient[bias] += slope
		for _, id := range row {
			gradient[id] += slope * scale * f.ratio[id]
		}
	}
	return loss
}

// softplus is log(1 + exp(z)) without overflow.
func softplus(z float64) float64 {
	return max(z, 0) + math.Log1p(math.Exp(-math.Abs(z)))
}
