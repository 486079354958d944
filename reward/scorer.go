// Package reward scores responses with a reward model kept in a folder.
//
// A [Scorer] gives one number a response, higher meaning better. [Load] opens whatever reward model a folder holds, a Hugging
// Face sequence classifier (package classifier) or the built-in one; [Train] fits the latter, a linear classifier over word
// n-grams, which needs no compute engine and no download:
//
//	model, err := reward.Train(ctx, examples, reward.DefaultTrainOptions())
//	err = model.Save("out/reward")
//	scorer, err := reward.Load("out/reward", reward.Options{})
//	rewards, err := scorer.Score(ctx, prompts, completions)
//
// Rewards are the probability of the positive class unless [WithOutput] asks for another form. A regression's rewards are the
// values it gives, in no other form.
package reward

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Scorer gives rewards to responses. Implementations are safe for concurrent use.
type Scorer interface {
	// Score returns one reward for each completion, given its prompt. Prompt and completion are joined exactly as they are,
	// with nothing between. The slices must be of one length; the result has that length too.
	Score(ctx context.Context, prompts, completions []string) ([]float64, error)
}

// Classifier is a [Scorer] whose reward is the probability of a class, and that also knows the logit behind it.
type Classifier interface {
	Scorer
	// Logits returns log(p/(1-p)) for each completion, p being what Score returns, without the rounding of p near 0 and 1.
	Logits(ctx context.Context, prompts, completions []string) ([]float64, error)
}

// Output is the form in which a classifier's probability p is given as a reward.
type Output string

const (
	// Probability is p itself, in [0, 1].
	Probability Output = "probability"
	// Logit is log(p/(1-p)), unbounded.
	Logit Output = "logit"
	// Offset is p where p ≤ 0.5 and p + 1 elsewhere: the convention of the IMDB experiment's public preference data, where all
	// values lie in [0, 0.5] or (1.5, 2].
	Offset Output = "offset"
)

// Outputs lists the forms that [WithOutput] knows.
func Outputs() []Output { return []Output{Probability, Logit, Offset} }

// ParseOutput returns the form of that name; an unknown name is a usage error.
func ParseOutput(name string) (Output, error) {
	known := make([]string, 0, len(Outputs()))
	for _, o := range Outputs() {
		if string(o) == name {
			return o, nil
		}
		known = append(known, string(o))
	}
	message := fmt.Sprintf("unknown reward output %q; known: %s", name, strings.Join(known, ", "))
	if near := usage.Nearest(name, known); near != "" {
		message += fmt.Sprintf(" (did you mean %q?)", near)
	}
	return "", usage.Errorf("%s", message)
}

// WithOutput returns a Scorer that gives the rewards of s in another form. [Logit] needs a [Classifier]; [Offset] needs a
// Scorer whose rewards are probabilities. [Probability] returns s itself, whatever its rewards are.
func WithOutput(s Scorer, output Output) (Scorer, error) {
	switch output {
	case Probability:
		return s, nil
	case Offset:
		if _, ok := s.(sequenceRegressor); ok {
			return nil, usage.Errorf("reward output %q: this reward model is a regression, whose values are no probabilities", output)
		}
		return offsetScorer{s}, nil
	case Logit:
		c, ok := s.(Classifier)
		if !ok {
			return nil, usage.Errorf("reward output %q: this reward model is no classifier and has no logits", output)
		}
		return logitScorer{c}, nil
	}
	_, err := ParseOutput(string(output))
	return nil, err
}

type logitScorer struct{ Classifier }

func (l logitScorer) Score(ctx context.Context, prompts, completions []string) ([]float64, error) {
	return l.Logits(ctx, prompts, completions)
}

// Close releases what the classifier holds.
func (l logitScorer) Close() error { Close(l.Classifier); return nil }

type offsetScorer struct{ Scorer }

// Close releases what the scorer holds.
func (o offsetScorer) Close() error { Close(o.Scorer); return nil }

func (o offsetScorer) Score(ctx context.Context, prompts, completions []string) ([]float64, error) {
	scores, err := o.Scorer.Score(ctx, prompts, completions)
	if err != nil {
		return nil, err
	}
	for i, p := range scores {
		if p < 0 || p > 1 || math.IsNaN(p) {
			return nil, fmt.Errorf("reward output %q: score %d is %g, not a probability", Offset, i, p)
		}
		if p > 0.5 {
			scores[i] = p + 1
		}
	}
	return scores, nil
}
