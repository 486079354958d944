package reward

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/sparsepo/sparsepo/classifier"
	"github.com/sparsepo/sparsepo/internal/usage"
)

func init() {
	register(format{
		name: "a Hugging Face sequence classifier",
		recognise: func(folder string) bool {
			_, err := os.Stat(filepath.Join(folder, "config.json"))
			return err == nil && !hasFile(folder)
		},
		load: loadSequence,
	})
}

// sequence is a Hugging Face sequence classifier with the class that is the good one.
type sequence struct {
	model  *classifier.Classifier
	folder string
	class  int
	notice func(message string)
	once   sync.Once // of notice
}

// sequenceClassifier gives the probability of the class.
type sequenceClassifier struct{ *sequence }

// sequenceRegressor gives the class's number itself.
type sequenceRegressor struct{ *sequence }

var _ Classifier = sequenceClassifier{}

func loadSequence(folder string, options Options) (Scorer, error) {
	checkpoint, err := classifier.Open(folder)
	if err != nil {
		return nil, usage.Hint(fmt.Errorf("reward model: %w", err),
			"a reward model is a sequence classifier's folder, or one that \"sparsepo reward train\" wrote")
	}
	defer checkpoint.Close()
	class, err := checkpoint.Config.Class(options.Label)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reward model %s: %w", folder, err)
	case checkpoint.Tokenizer == nil:
		return nil, usage.Errorf("reward model %s: no tokenizer; put tokenizer.json, or vocab.json and merges.txt, beside the weights", folder)
	case options.Backend == nil:
		return nil, fmt.Errorf("reward model %s: a sequence classifier needs a compute engine", folder)
	}
	backend, err := options.Backend()
	if err != nil {
		return nil, err
	}
	model, err := checkpoint.Bind(backend)
	if err != nil {
		return nil, fmt.Errorf("load reward model: %w", err)
	}
	s := &sequence{model: model, folder: folder, class: class, notice: options.Notice}
	if checkpoint.Config.Problem == classifier.Regression {
		return sequenceRegressor{s}, nil
	}
	return sequenceClassifier{s}, nil
}

// String says what the rewards are.
func (s sequenceClassifier) String() string {
	return fmt.Sprintf("probability of %s by a %s classifier of %d labels", s.label(), s.model.Config.Type, len(s.model.Config.Labels))
}

// String says what the rewards are.
func (s sequenceRegressor) String() string {
	return fmt.Sprintf("value of %s by a %s regression", s.label(), s.model.Config.Type)
}

func (s *sequence) label() string { return s.model.Config.Labels[s.class] }

// Close releases the engine's memory.
func (s *sequence) Close() error {
	s.model.Close()
	return nil
}

// classify gives the model's numbers for each prompt followed by its completion.
func (s *sequence) classify(ctx context.Context, prompts, completions []string) ([][]float32, error) {
	if len(prompts) != len(completions) {
		return nil, fmt.Errorf("score: %d prompts but %d completions", len(prompts), len(completions))
	}
	texts := make([]string, len(prompts))
	for i, prompt := range prompts {
		texts[i] = prompt + completions[i]
	}
	numbers, numCut, err := s.model.Classify(ctx, texts)
	if err != nil {
		return nil, fmt.Errorf("reward model %s: %w", s.folder, err)
	}
	if numCut > 0 && s.notice != nil {
		s.once.Do(func() {
			s.notice(fmt.Sprintf("reward model %s: %d of %d texts are longer than it reads and were cut; later ones are cut without notice", s.folder, numCut, len(texts)))
		})
	}
	return numbers, nil
}

// Score implements [Scorer].
func (s sequenceRegressor) Score(ctx context.Context, prompts, completions []string) ([]float64, error) {
	numbers, err := s.classify(ctx, prompts, completions)
	values := make([]float64, len(numbers))
	for i, n := range numbers {
		values[i] = float64(n[s.class])
	}
	return values, err
}

// Score implements [Scorer].
func (s sequenceClassifier) Score(ctx context.Context, prompts, completions []string) ([]float64, error) {
	scores, err := s.Logits(ctx, prompts, completions)
	for i, z := range scores {
		scores[i] = sigmoid(z)
	}
	return scores, err
}

// Logits implements [Classifier].
func (s sequenceClassifier) Logits(ctx context.Context, prompts, completions []string) ([]float64, error) {
	numbers, err := s.classify(ctx, prompts, completions)
	logits := make([]float64, len(numbers))
	for i, n := range numbers {
		logits[i] = float64(n[s.class])
		if s.model.Config.Problem == classifier.SingleLabel {
			logits[i] -= logSumExpWithout(n, s.class)
		}
	}
	return logits, err
}

// logSumExpWithout is log Σ exp(x) over the numbers but one: with the softmax p of that one, log(p/(1-p)) is what it is
// greater by.
func logSumExpWithout(numbers []float32, without int) float64 {
	largest := math.Inf(-1)
	for i, x := range numbers {
		if i != without {
			largest = max(largest, float64(x))
		}
	}
	sum := 0.0
	for i, x := range numbers {
		if i != without {
			sum += math.Exp(float64(x) - largest)
		}
	}
	return largest + math.Log(sum)
}
