package reward

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"github.com/sparsepo/sparsepo/classifier"
	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/internal/fixture"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// sequenceModel writes a small classifier; its configuration's fields, "key": value, replace those of the fixture.
func sequenceModel(t testing.TB, fields string, labels ...string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "model")
	if err := fixture.Classifier(folder, labels...); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "config.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if fields != "" {
		text = append(text[:len(text)-1], ", "+fields+"}"...)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return folder
}

func onGo() (compute.Backend, error) {
	opened, err := engine.Open("go")
	if err != nil {
		return nil, err
	}
	return opened.Backend(), nil
}

var (
	scoredPrompts     = []string{"a good", "a bad", "the best", "", "It was"}
	scoredCompletions = []string{" film", " film", " of the year", "the worst time of them all", " é, 42!"}
)

// rawLogits are the classifier's own numbers for the scored texts.
func rawLogits(t testing.TB, folder string, backend compute.Backend) [][]float32 {
	t.Helper()
	checkpoint, err := classifier.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer checkpoint.Close()
	model, err := checkpoint.Bind(backend)
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	var texts []string
	for i, p := range scoredPrompts {
		texts = append(texts, p+scoredCompletions[i])
	}
	logits, _, err := model.Classify(context.Background(), texts)
	if err != nil {
		t.Fatal(err)
	}
	return logits
}

// TestSequenceRewards compares rewards with formulas of the logits, on every engine: the softmax over the labels, or each
// label's logistic function, or the value itself.
func TestSequenceRewards(t *testing.T) {
	softmax := func(n []float32, class int) float64 {
		sum := 0.0
		for _, x := range n {
			sum += math.Exp(float64(x))
		}
		return math.Exp(float64(n[class])) / sum
	}
	logistic := func(n []float32, class int) float64 { return 1 / (1 + math.Exp(-float64(n[class]))) }
	odds := func(p func([]float32, int) float64) func([]float32, int) float64 {
		return func(n []float32, class int) float64 { return math.Log(p(n, class) / (1 - p(n, class))) }
	}
	offset := func(n []float32, class int) float64 {
		p := softmax(n, class)
		if p > 0.5 {
			return p + 1
		}
		return p
	}
	value := func(n []float32, class int) float64 { return float64(n[class]) }
	const multi, regression = `"problem_type": "multi_label_classification"`, `"problem_type": "regression"`
	tests := []struct {
		fields string
		labels []string
		label  string
		output Output
		class  int
		want   func(numbers []float32, class int) float64
		says   string
	}{
		{"", []string{"NEGATIVE", "POSITIVE"}, "", Probability, 1, softmax, "probability of POSITIVE by a roberta classifier of 2 labels"},
		{"", []string{"positive", "negative"}, "", Probability, 0, softmax, "probability of positive by a roberta classifier of 2 labels"},
		{"", []string{"NEGATIVE", "POSITIVE"}, "negative", Logit, 0, odds(softmax), ""},
		{"", []string{"NEGATIVE", "POSITIVE"}, "", Offset, 1, offset, ""},
		{"", []string{"bad", "fair", "good"}, "good", Probability, 2, softmax, "probability of good by a roberta classifier of 3 labels"},
		{"", []string{"bad", "fair", "good"}, "1", Logit, 1, odds(softmax), ""},
		{multi, []string{"kind", "true"}, "kind", Probability, 0, logistic, ""},
		{multi, []string{"kind"}, "", Logit, 0, odds(logistic), ""},
		{"", []string{"LABEL_0"}, "", Probability, 0, value, "value of LABEL_0 by a roberta regression"},
		{regression, []string{"kind", "true"}, "true", Probability, 1, value, "value of true by a roberta regression"},
	}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for _, test := range tests {
			t.Run(fmt.Sprint(test.fields, test.labels, test.label, test.output), func(t *testing.T) {
				folder := sequenceModel(t, test.fields, test.labels...)
				scorer, err := Load(folder, Options{Label: test.label, Backend: func() (compute.Backend, error) { return e.Backend, nil }})
				if err != nil {
					t.Fatal(err)
				}
				if says := scorer.(fmt.Stringer).String(); test.says != "" && says != test.says {
					t.Errorf("got %q, want %q", says, test.says)
				}
				if scorer, err = WithOutput(scorer, test.output); err != nil {
					t.Fatal(err)
				}
				defer Close(scorer)
				got, err := scorer.Score(context.Background(), scoredPrompts, scoredCompletions)
				if err != nil {
					t.Fatal(err)
				}
				reference, err := onGo()
				if err != nil {
					t.Fatal(err)
				}
				var want []float64
				for _, numbers := range rawLogits(t, folder, reference) {
					want = append(want, test.want(numbers, test.class))
				}
				golden.CloseAll(t, "rewards", got, want, 1e-5)
				if spread := math.Abs(want[0] - want[3]); spread < 1e-3 {
					t.Errorf("rewards of different texts differ by %g: the test shows nothing", spread)
				}
			})
		}
	})
}

func TestSequenceRefuses(t *testing.T) {
	write := func(folder, name, text string) string {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return folder
	}
	without := func(folder, name string) string {
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
		return folder
	}
	two := []string{"NEGATIVE", "POSITIVE"}
	tests := []struct {
		name, folder, label string
		want                string
	}{
		{"causal model", write(t.TempDir(), "config.json", `{"model_type": "gpt2"}`), "", `model_type "gpt2" is not an encoder this program knows; known: albert, `},
		{"no head", sequenceModel(t, `"architectures": ["RobertaForMaskedLM"]`, two...), "", "has no classification head"},
		{"unknown label", sequenceModel(t, "", two...), "good", `unknown label "good"; the model's labels: NEGATIVE, POSITIVE`},
		{"no label", sequenceModel(t, "", "a", "b", "c"), "", "the model has 3 labels; say which one is good: a, b, c"},
		{"no tokenizer", without(sequenceModel(t, "", two...), "tokenizer.json"), "", "no tokenizer; put tokenizer.json"},
		{"no weights", without(sequenceModel(t, "", two...), "model.safetensors"), "", "model.safetensors"},
		{"label of another format", write(t.TempDir(), FileName, `{"kind": "linear-ngram"}`), "good", "a linear-ngram model has no labels"},
		{"nothing", t.TempDir(), "", "there is neither reward.json nor config.json; known: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			scorer, err := Load(test.folder, Options{Label: test.label, Backend: onGo})
			if scorer != nil || !usage.Is(err) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.folder) {
				t.Errorf("got error %v, want a mistake of the user with %q", err, test.want)
			}
		})
	}
	regression := sequenceModel(t, "", "value")
	if _, err := Load(regression, Options{}); err == nil || !strings.Contains(err.Error(), "needs a compute engine") {
		t.Errorf("without an engine: got error %v", err)
	}
	scorer, err := Load(regression, Options{Backend: onGo})
	if err != nil {
		t.Fatal(err)
	}
	defer Close(scorer)
	for output, want := range map[Output]string{Logit: "no classifier and has no logits", Offset: "a regression, whose values are no probabilities"} {
		if _, err := WithOutput(scorer, output); !usage.Is(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s of a regression: got error %v, want %q", output, err, want)
		}
	}
}

// Texts longer than the model reads are cut, which is told once; an ended context ends the scoring.
func TestSequenceLongTexts(t *testing.T) {
	var notices []string
	scorer, err := Load(sequenceModel(t, "", "NEGATIVE", "POSITIVE"), Options{Backend: onGo, Notice: func(m string) { notices = append(notices, m) }})
	if err != nil {
		t.Fatal(err)
	}
	defer Close(scorer)
	long := strings.Repeat("7", fixture.MaxTokens-2)
	for range 2 {
		got, err := scorer.Score(context.Background(), make([]string, 3), []string{long, long + " and more", "x" + long})
		if err != nil {
			t.Fatal(err)
		}
		golden.Close(t, "reward of the cut text", got[1], got[0], 1e-6)
		if math.Abs(got[2]-got[0]) < 1e-5 {
			t.Errorf("texts that begin differently have the rewards %g and %g", got[0], got[2])
		}
	}
	if len(notices) != 1 || !strings.Contains(notices[0], "2 of 3 texts are longer than it reads") {
		t.Errorf("got notices %q, want one about 2 of 3 texts", notices)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := scorer.Score(ctx, []string{""}, []string{"x"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
	if _, err := scorer.Score(context.Background(), []string{""}, nil); err == nil {
		t.Error("slices of different lengths: no error")
	}
}
