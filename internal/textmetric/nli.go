package textmetric

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/compute"

	"github.com/sparsepo/sparsepo/classifier"
	"github.com/sparsepo/sparsepo/encoder"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Pair is a premise and a hypothesis that may follow from it.
type Pair struct{ Premise, Hypothesis string }

// Verdict is how probable it is that the hypothesis follows from the premise, and that it contradicts it; the rest is neither.
type Verdict struct{ Entailment, Contradiction float64 }

// Judge says of pairs of sentences what follows from what.
type Judge interface {
	Judge(ctx context.Context, pairs []Pair) ([]Verdict, error)
}

// NLIOptions name the classes of a classifier, whose own names they are by default.
type NLIOptions struct {
	Entailment    string // label or number of the class; "": the label ENTAILMENT or else SUPPORTS, whatever its case
	Contradiction string // likewise; "": CONTRADICTION or else REFUTES
}

// NLI is a Judge: a classifier of sentence pairs, such as roberta-large-mnli.
type NLI struct {
	NumCut int // pairs so far that were longer than the classifier reads

	classifier                *classifier.Classifier
	entailment, contradiction int // classes
}

var _ Judge = (*NLI)(nil)

// OpenNLI reads a classifier's folder. Close releases it.
func OpenNLI(folder string, backend compute.Backend, options NLIOptions) (*NLI, error) {
	checkpoint, err := classifier.Open(folder)
	if err != nil {
		return nil, err
	}
	defer checkpoint.Close()
	n := &NLI{}
	if err := n.chooseClasses(checkpoint, options); err != nil {
		return nil, usage.Errorf("model %s: %w", folder, err)
	}
	n.classifier, err = checkpoint.Bind(backend)
	if err != nil {
		return nil, err
	}
	return n, nil
}

func (n *NLI) chooseClasses(checkpoint *classifier.Checkpoint, options NLIOptions) error {
	config := checkpoint.Config
	switch {
	case checkpoint.Tokenizer == nil:
		return fmt.Errorf("no tokenizer; add the tokenizer files of the model")
	case config.Problem != classifier.SingleLabel:
		return fmt.Errorf("a %s, where a classifier of sentence pairs gives exactly one label", config.Problem)
	}
	for _, choice := range []struct {
		class *int
		label string
		usual string
		other string // in classifiers of claims by their evidence
	}{{&n.entailment, options.Entailment, "entailment", "supports"}, {&n.contradiction, options.Contradiction, "contradiction", "refutes"}} {
		label := choice.label
		if label == "" {
			label = choice.usual
		}
		class, err := config.Class(label)
		if err != nil && choice.label == "" {
			if other, missing := config.Class(choice.other); missing == nil {
				class, err = other, nil
			}
		}
		if err != nil {
			return fmt.Errorf("class of %s: %w", choice.usual, err)
		}
		*choice.class = class
	}
	if n.entailment == n.contradiction {
		return fmt.Errorf("the same class, %s, stands for entailment and contradiction", config.Labels[n.entailment])
	}
	return nil
}

// Close releases the classifier.
func (n *NLI) Close() { n.classifier.Close() }

// longestPair is how many tokens of a pair are read at most, as in SummaC's program.
const longestPair = 500

// Judge classifies pairs, equal ones once. Of longer pairs than the classifier reads, the premise's end is left out.
func (n *NLI) Judge(ctx context.Context, pairs []Pair) ([]Verdict, error) {
	place := map[Pair]int{}
	var sequences []encoder.Sequence
	for _, pair := range pairs {
		if _, seen := place[pair]; seen {
			continue
		}
		sequence, cut, err := n.classifier.EncodePair(pair.Premise, pair.Hypothesis, longestPair)
		if err != nil {
			return nil, fmt.Errorf("judge %.40q: %w", pair.Hypothesis, err)
		}
		if cut {
			n.NumCut++
		}
		place[pair] = len(sequences)
		sequences = append(sequences, sequence)
	}
	logits, err := n.classifier.Logits(ctx, sequences)
	if err != nil {
		return nil, err
	}
	verdicts := make([]Verdict, len(pairs))
	for i, pair := range pairs {
		shares := softmax(logits[place[pair]])
		verdicts[i] = Verdict{shares[n.entailment], shares[n.contradiction]}
	}
	return verdicts, nil
}

func softmax[Number float32 | float64](logits []Number) []float64 {
	highest := logits[0]
	for _, x := range logits {
		highest = max(highest, x)
	}
	shares, sum := make([]float64, len(logits)), 0.0
	for i, x := range logits {
		shares[i] = math.Exp(float64(x - highest))
		sum += shares[i]
	}
	for i := range shares {
		shares[i] /= sum
	}
	return shares
}
