package reward

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
)

// handModel knows "good" (+2), "bad" (-3) and "not good" (-4), with bias 0.5.
func handModel(t testing.TB) *Linear {
	t.Helper()
	g := newNGrams(0)
	for _, text := range []string{"good", "bad", "not", "not good"} {
		if err := g.add(text); err != nil {
			t.Fatal(err)
		}
	}
	return newLinear(g, []float32{2, -3, 0, -4}, 0.5, DefaultTrainOptions())
}

func TestLinearLogits(t *testing.T) {
	model := handModel(t)
	for _, c := range []struct {
		prompt, completion string
		want               float64
	}{
		{"", "", 0.5},
		{"", "nothing known", 0.5},
		{"", "Good. GOOD!", 0.5 + 2},
		{"good, ", "bad", 0.5 + (2-3)/math.Sqrt(2)},
		{"it was not", " good", 0.5 + (0+2-4)/math.Sqrt(3)},
		{"it was not", "good", 0.5}, // joined as they are: "notgood"
	} {
		logits, err := model.Logits(context.Background(), []string{c.prompt}, []string{c.completion})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(logits[0]-c.want) > 1e-12 {
			t.Errorf("logit of %q + %q: got %g, want %g", c.prompt, c.completion, logits[0], c.want)
		}
		scores, err := model.Score(context.Background(), []string{c.prompt}, []string{c.completion})
		if err != nil {
			t.Fatal(err)
		}
		if want := 1 / (1 + math.Exp(-c.want)); math.Abs(scores[0]-want) > 1e-12 {
			t.Errorf("score of %q + %q: got %g, want %g", c.prompt, c.completion, scores[0], want)
		}
	}
}

func TestLinearRefuses(t *testing.T) {
	model := handModel(t)
	if _, err := model.Score(context.Background(), []string{"a", "b"}, []string{"c"}); err == nil {
		t.Error("two prompts and one completion: no error")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := model.Score(ctx, []string{"a"}, []string{"b"}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

func TestLinearIsConcurrent(t *testing.T) {
	model := handModel(t)
	texts := []string{"good", "bad", "not good", "a not bad good film"}
	want, err := model.Score(context.Background(), make([]string, len(texts)), texts)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				got, err := model.Score(context.Background(), make([]string, len(texts)), texts)
				if err != nil {
					t.Error(err)
					return
				}
				for i := range want {
					if got[i] != want[i] {
						t.Errorf("%q: got %g, want %g", texts[i], got[i], want[i])
						return
					}
				}
			}
		})
	}
	group.Wait()
}

func TestSigmoid(t *testing.T) {
	for _, c := range []struct{ z, want float64 }{
		{0, 0.5}, {math.Log(3), 0.75}, {-math.Log(3), 0.25}, {1000, 1}, {-1000, 0},
	} {
		if got := sigmoid(c.z); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("sigmoid(%g): got %g, want %g", c.z, got, c.want)
		}
	}
}
