package reward

import (
	"context"
	"testing"
)

func TestAccuracy(t *testing.T) {
	model := handModel(t) // bias 0.5: unknown texts are positive
	for _, c := range []struct {
		name     string
		examples []Example
		want     float64
	}{
		{"all", []Example{{"good", true}, {"bad", false}}, 1},
		{"one of four", []Example{{"good", false}, {"bad", true}, {"", true}, {"x", false}}, 0.25},
	} {
		got, err := Accuracy(context.Background(), model, c.examples)
		if err != nil || got != c.want {
			t.Errorf("%s: got %g, %v, want %g", c.name, got, err, c.want)
		}
	}
	if _, err := Accuracy(context.Background(), model, nil); err == nil {
		t.Error("no examples: no error")
	}
}
