package reward

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func toyExamples() []Example {
	return []Example{
		{"a good film", true},
		{"good and warm", true},
		{"not bad at all", true},
		{"a warm story", true},
		{"a bad film", false},
		{"bad and cold", false},
		{"not good at all", false},
		{"a cold story", false},
	}
}

func toyOptions() TrainOptions {
	return TrainOptions{Order: 2, MinTexts: 1, L2: 0.1, MaxSteps: 100}
}

func toyModel(t *testing.T) *Linear {
	t.Helper()
	model, err := Train(context.Background(), toyExamples(), toyOptions())
	if err != nil {
		t.Fatal(err)
	}
	return model
}

func TestTrainSeparates(t *testing.T) {
	model := toyModel(t)
	for _, e := range append(toyExamples(), Example{"warm, GOOD!", true}, Example{"cold and bad", false}) {
		scores, err := model.Score(context.Background(), []string{""}, []string{e.Text})
		if err != nil {
			t.Fatal(err)
		}
		if (scores[0] > 0.5) != e.Positive {
			t.Errorf("%q: got %.3f, want positive = %v", e.Text, scores[0], e.Positive)
		}
	}
}

func TestTrainIsDeterministic(t *testing.T) {
	a, b := toyModel(t), toyModel(t)
	if diff := cmp.Diff(a.weights, b.weights); diff != "" || a.bias != b.bias {
		t.Errorf("two fits differ (-first +second):\n%s", diff)
	}
}

// One word a text, each word in one class: the problem falls apart into two copies of one equation. With a and b in one text
// each, ratio r = log 2 for a and -log 2 for b, the parameters are v and -v where l2·v = r·σ(-r·v), and the weights r·v.
func TestTrainClosedForm(t *testing.T) {
	examples := []Example{{"a", true}, {"b", false}}
	model, err := Train(context.Background(), examples, TrainOptions{Order: 1, MinTexts: 1, L2: 0.5, MaxSteps: 100})
	if err != nil {
		t.Fatal(err)
	}
	r := math.Log(2)
	a, _ := model.Weight("a")
	b, _ := model.Weight("b")
	v := a / r
	if math.Abs(0.5*v-r*sigmoid(-r*v)) > 1e-3 || math.Abs(a+b) > 1e-3 || math.Abs(model.bias) > 1e-3 {
		t.Errorf("weights %g, %g, bias %g do not solve 0.5·v = r·σ(-r·v)", a, b, model.bias)
	}
	if a <= 0 {
		t.Errorf("weight of the positive word: got %g, want > 0", a)
	}
}

func TestFitGradient(t *testing.T) {
	examples := toyExamples()
	g := collectNGrams([]string{examples[0].Text, examples[6].Text, examples[5].Text}, 2, 1, 0)
	f := newFit(g, examples, 0.3)
	random := rand.New(rand.NewPCG(1, 2))
	x := make([]float64, len(g.texts)+1)
	for i := range x {
		x[i] = random.NormFloat64()
	}
	gradient, ignored := vec(x), vec(x)
	f.evaluate(x, gradient)
	const h = 1e-6
	for i := range x {
		up, down := slices.Clone(x), slices.Clone(x)
		up[i] += h
		down[i] -= h
		want := (f.evaluate(up, ignored) - f.evaluate(down, ignored)) / (2 * h)
		if math.Abs(gradient[i]-want) > 1e-6 {
			t.Errorf("derivative %d: got %g, finite difference %g", i, gradient[i], want)
		}
	}
}

func TestLogRatios(t *testing.T) {
	examples := []Example{{"a b", true}, {"a", true}, {"a c", false}}
	g := collectNGrams([]string{"a b c"}, 1, 1, 0)
	got := newFit(g, examples, 1).ratio
	// Smoothed counts: a 3 and 2, b 2 and 1, c 1 and 2; sums 6 and 5.
	want := []float64{math.Log(3.0 / 2 * 5 / 6), math.Log(2.0 / 1 * 5 / 6), math.Log(1.0 / 2 * 5 / 6)}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-15 {
			t.Errorf("ratio of %q: got %g, want %g", g.texts[i], got[i], want[i])
		}
	}
}

func TestTrainRefuses(t *testing.T) {
	base := toyOptions()
	change := func(edit func(*TrainOptions)) TrainOptions {
		o := base
		edit(&o)
		return o
	}
	for _, c := range []struct {
		name     string
		examples []Example
		options  TrainOptions
	}{
		{"no examples", nil, base},
		{"one class", []Example{{"a", true}, {"b", true}}, base},
		{"no words", []Example{{"...", true}, {"--", false}}, base},
		{"order", toyExamples(), change(func(o *TrainOptions) { o.Order = 4 })},
		{"texts", toyExamples(), change(func(o *TrainOptions) { o.MinTexts = 0 })},
		{"limit", toyExamples(), change(func(o *TrainOptions) { o.MaxNGrams = -1 })},
		{"no penalty", toyExamples(), change(func(o *TrainOptions) { o.L2 = 0 })},
		{"NaN penalty", toyExamples(), change(func(o *TrainOptions) { o.L2 = math.NaN() })},
		{"steps", toyExamples(), change(func(o *TrainOptions) { o.MaxSteps = 0 })},
	} {
		if _, err := Train(context.Background(), c.examples, c.options); !usage.Is(err) {
			t.Errorf("%s: got %v, want a usage error", c.name, err)
		}
	}
}
