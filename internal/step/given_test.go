package step

import (
	"testing"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/loss"
)

// TestGivenTokens: where some tokens of a response are not learned, the loss is the mean over the others, each read after all that
// stands before it. In packed rows it is the same.
func TestGivenTokens(t *testing.T) {
	whole := []data.TokenPair{
		{Source: "a", Prompt: []int32{1, 2}, Chosen: []int32{3, 4, 5, 6, 7, 8}},
		{Source: "b", Prompt: []int32{9}, Chosen: []int32{1, 2, 3}},
	}
	gaps := []data.TokenPair{whole[0], whole[1]}
	gaps[0].Given = []data.Span{{First: 1, End: 3}, {First: 4, End: 5}}
	learned := [][]int{{0, 3, 5}, {0, 1, 2}}
	objective, _ := loss.Lookup("sft")
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		p := smallProgram(t, e, objective, Settings{})
		defer p.Close()
		b := collate(t, whole, data.Fit(whole, 2, data.SharedPrompt))
		all, err := p.Evaluate(b, nil)
		if err != nil {
			t.Fatal(err)
		}
		var want []float64
		tokens := perToken(b, all.LogProb)
		for i, list := range learned {
			sum := 0.0
			for _, j := range list {
				sum += tokens[tokenName("chosen", i, j)]
			}
			want = append(want, -sum/float64(len(list)))
		}
		for _, rows := range []int{1, 2} {
			b := collate(t, gaps, data.Shape{Slots: 2, Rows: rows, Seq: 16, Responses: 8})
			v, err := p.Evaluate(b, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := []float64{float64(v.Loss[0]), float64(v.Loss[1])}
			golden.CloseAll(t, "losses", got, want, 2e-6*e.Slack)
		}
		inspected, err := p.Inspect(gaps, func(int32) string { return "" }, nil)
		if err != nil {
			t.Fatal(err)
		}
		side := inspected.Pairs[0].Chosen
		if len(side.IDs) != 3 || len(side.LogpPolicy) != 3 || side.IDs[1] != 6 {
			t.Errorf("inspected %v with log-probabilities %v, want three of each", side.IDs, side.LogpPolicy)
		}
	})
}
