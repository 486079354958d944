package textmetric

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/classifier"
	"github.com/sparsepo/sparsepo/encoder"
	"github.com/sparsepo/sparsepo/internal/fixture"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/safetensors"
)

// bars splits at bars, for tests that say where sentences end.
func bars(text string) []string { return strings.Split(text, "|") }

// table is a Judge that knows the verdicts; pairs it does not know are neither entailed nor contradicted.
type table map[Pair]Verdict

func (t table) Judge(_ context.Context, pairs []Pair) ([]Verdict, error) {
	verdicts := make([]Verdict, len(pairs))
	for i, pair := range pairs {
		verdicts[i] = t[pair]
	}
	return verdicts, nil
}

const (
	doc1, doc2 = "the document", "another one"
	sum1, sum2 = "the summary.", "and its second sentence"
)

var verdicts = table{
	{doc1, sum1}: {0.9, 0.05}, {doc2, sum1}: {0.2, 0.6},
	{doc1, sum2}: {0.1, 0.2}, {doc2, sum2}: {0.4, 0.1},
	{sum1, sum2}: {0.3, 0}, {sum2, sum1}: {0.5, 0},
}

func TestZeroShot(t *testing.T) {
	tests := []struct {
		name, document, summary string
		want, contrast          float64
	}{
		{"mean of the highest", doc1 + "|" + doc2, sum1 + "|" + sum2, (0.9 + 0.4) / 2, (0.9 - 0.6 + 0.4 - 0.2) / 2},
		{"one sentence each", doc1, sum2, 0.1, 0.1 - 0.2},
		{"short sentences do not count", doc1 + "|ten chars.|" + doc2, "Éleven???!|" + sum1, 0.9, 0.9 - 0.6},
		{"no sentence", "short", sum1, 0, 0},
		{"no summary", doc1, "", 0, 0},
		{"after the hundredth sentence", strings.Repeat("a sentence that says nothing|", 100) + doc1, sum1, 0, 0},
		{"the hundredth sentence", strings.Repeat("a sentence that says nothing|", 99) + doc1, sum1, 0.9, 0.85},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			pairs := []Pair{{doc2, sum1}, {test.document, test.summary}} // the first shows that pairs do not mix
			plain, err := SummaC{verdicts, ZeroShot, bars}.Scores(context.Background(), pairs)
			if err != nil {
				t.Fatal(err)
			}
			contrast, err := SummaC{verdicts, ZeroShotContrast, bars}.Scores(context.Background(), pairs)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([][]float64{{0.2, test.want}, {0.2 - 0.6, test.contrast}}, [][]float64{plain, contrast}, closeTo); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEDNA(t *testing.T) {
	zero := SummaC{verdicts, ZeroShot, bars}
	got, err := zero.EDNA(context.Background(), doc1+"|"+doc2, []string{sum1, sum2})
	if err != nil {
		t.Fatal(err)
	}
	entailment, self := (0.9+0.4)/2, (0.3+0.5)/2
	want := EDNA{entailment, self, 2 * entailment * (1 - self) / (entailment + 1 - self)}
	if diff := cmp.Diff(want, got, closeTo); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := zero.EDNA(context.Background(), doc1, []string{sum1}); err == nil || !strings.Contains(err.Error(), "2 or more") {
		t.Errorf("one sample: %v", err)
	}
	contrast := SummaC{verdicts, ZeroShotContrast, bars}
	if _, err := contrast.EDNA(context.Background(), doc2, []string{sum1, sum1}); err == nil || !strings.Contains(err.Error(), "use another form") {
		t.Errorf("a form below 0: %v", err)
	}
}

type failing struct{}

func (failing) Judge(context.Context, []Pair) ([]Verdict, error) {
	return nil, errors.New("no verdict")
}

func TestSummaCError(t *testing.T) {
	if _, err := (SummaC{failing{}, ZeroShot, bars}).Scores(context.Background(), []Pair{{doc1, sum1}}); err == nil || !strings.Contains(err.Error(), "no verdict") {
		t.Errorf("got %v", err)
	}
}

func writeConvolution(t *testing.T, tensors ...safetensors.TensorData) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "conv.safetensors")
	if err := safetensors.Write(path, tensors, nil); err != nil {
		t.Fatal(err)
	}
	return path
}

func tensor(name string, dims []int, values ...float32) safetensors.TensorData {
	return safetensors.TensorData{Name: name, DType: "F32", Shape: dims, Float32: values}
}

// The convolution of four bins counts [0, ¼), [¼, ½), [½, ¾) and [¾, 1].
func TestConvolution(t *testing.T) {
	form, err := Convolution(writeConvolution(t,
		tensor("mlp.weight", []int{1, 4}, -1, 0.5, 2, 4), tensor("mlp.bias", []int{1}, 0.25),
		tensor("layer_final.weight", []int{2, 3}, 1, -0.5, 0, 0.25, 0.5, 0.125), tensor("layer_final.bias", []int{2}, 0.5, -1)))
	if err != nil {
		t.Fatal(err)
	}
	wide := func(entailments ...float64) (row []Verdict) {
		for _, e := range entailments {
			row = append(row, Verdict{Entailment: e})
		}
		return row
	}
	consistent := func(feature float64) float64 {
		return 1 / (1 + math.Exp((0.5*feature+0.5)-(0.875*feature-1)))
	}
	many := make([]float64, 12)
	many[10], many[11] = 1, 1 // beyond the tenth sentence
	tests := []struct {
		name     string
		verdicts [][]Verdict
		want     float64
	}{
		{"one pair", [][]Verdict{wide(0.6)}, consistent(2.25)},
		{"borders", [][]Verdict{wide(0), wide(0.25), wide(0.5), wide(0.75), wide(1)}, consistent(-1 + 0.5 + 2 + 4 + 4 + 0.25)},
		{"mean over sentences", [][]Verdict{wide(0.6, 0.1), wide(0.3, 0.9)}, consistent((2.75 + 3.25) / 2)},
		{"ten sentences", [][]Verdict{wide(many...)}, consistent(-0.75)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, form(test.verdicts), closeTo); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// 23 bins have the borders of the published convolution.
func TestConvolutionPercentiles(t *testing.T) {
	c := convolution{bins: borders(23), weight: make([]float64, 23)}
	for x, want := range map[float64]int{0: 0, 0.009: 0, 0.01: 1, 0.5: 7, 0.9: 8, 0.957: 14, 0.995: 22, 1: 22} {
		if got := c.bin(x); got != want {
			t.Errorf("bin of %g is %d, want %d", x, got, want)
		}
	}
}

func TestConvolutionErrors(t *testing.T) {
	mlp, last := tensor("mlp.weight", []int{1, 2}, 1, 2), tensor("layer_final.bias", []int{2}, 0, 0)
	tests := []struct {
		name, path, want string
	}{
		{"several models", writeConvolution(t, tensor("mlp.weight", []int{2, 1}, 1, 2)), "expected one of shape [1, bins]"},
		{"half of it", writeConvolution(t, mlp, last), "is missing"},
		{"other shape", writeConvolution(t, mlp, last, tensor("mlp.bias", []int{1}, 0), tensor("layer_final.weight", []int{3, 2}, 0, 0, 0, 0, 0, 0)), `"layer_final.weight" is [3 2], expected [2 3]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Convolution(test.path); err == nil || !usage.Is(err) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want a usage error with %q", err, test.want)
			}
		})
	}
	if _, err := Convolution(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no error for a missing file")
	}
}

// TestNLI compares probabilities with the softmax of the logits that the classifier gives for the two texts as RoBERTa reads
// them, between <s> and </s> with </s></s> in the middle.
func TestNLI(t *testing.T) {
	folder := encoderFolder(t)
	pairs := []Pair{{"a good film", "the film"}, {"a bad film", "all of the year"}, {"a good film", "the film"}, {strings.Repeat("bad ", 100), "warm"}}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		n, err := OpenNLI(folder, e.Backend, NLIOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		got, err := n.Judge(context.Background(), pairs)
		if err != nil {
			t.Fatal(err)
		}
		if n.NumCut != 1 || got[0] != got[2] {
			t.Errorf("%d pairs were cut, want 1; equal pairs: %v and %v", n.NumCut, got[0], got[2])
		}
		checkpoint, err := classifier.Open(folder)
		if err != nil {
			t.Fatal(err)
		}
		defer checkpoint.Close()
		k, err := checkpoint.Bind(e.Backend)
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		for i, pair := range pairs[:2] {
			words := checkpoint.Tokenizer
			ids := append([]int32{0}, words.Encode(pair.Premise)...)
			ids = append(append(append(ids, 2, 2), words.Encode(pair.Hypothesis)...), 2)
			logits, err := k.Logits(context.Background(), encoder.Plain([][]int32{ids}))
			if err != nil {
				t.Fatal(err)
			}
			var exp [3]float64
			for class, x := range logits[0] {
				exp[class] = math.Exp(float64(x))
			}
			sum := exp[0] + exp[1] + exp[2]
			golden.Close(t, "entailment", got[i].Entailment, exp[0]/sum, 1e-5*e.Slack)
			golden.Close(t, "contradiction", got[i].Contradiction, exp[2]/sum, 1e-5*e.Slack)
		}
	})
}

func TestNLIErrors(t *testing.T) {
	folder := encoderFolder(t)
	for _, test := range []struct {
		options NLIOptions
		want    string
	}{
		{NLIOptions{Entailment: "SUPPORTS"}, `class of entailment: unknown label "SUPPORTS"; the model's labels: ENTAILMENT, NEUTRAL, CONTRADICTION`},
		{NLIOptions{Entailment: "2"}, "the same class, CONTRADICTION"},
	} {
		if _, err := OpenNLI(folder, nil, test.options); err == nil || !usage.Is(err) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: got %v, want a usage error with %q", test.options, err, test.want)
		}
	}
}

// A classifier of claims by their evidence has other names for the classes.
func TestNLIOtherLabels(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "nli")
	if err := fixture.Classifier(folder, "SUPPORTS", "REFUTES", "NOT ENOUGH INFO"); err != nil {
		t.Fatal(err)
	}
	checkpoint, err := classifier.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer checkpoint.Close()
	n := &NLI{}
	if err := n.chooseClasses(checkpoint, NLIOptions{}); err != nil || n.entailment != 0 || n.contradiction != 1 {
		t.Errorf("classes %d and %d, want 0 and 1; error %v", n.entailment, n.contradiction, err)
	}
	if err := n.chooseClasses(checkpoint, NLIOptions{Entailment: "entailment"}); err == nil {
		t.Error("a label that was asked for is another one")
	}
}
