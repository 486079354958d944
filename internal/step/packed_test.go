package step

import (
	"fmt"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/loss"
	"github.com/sparsepo/sparsepo/model"
)

// In rows of several pairs a position sees itself, the earlier positions of its own response, and its own pair's prompt.
func TestVisibleInPackedRows(t *testing.T) {
	b := collate(t, invariantPairs, data.Shape{Slots: 4, Rows: 2, Seq: 17, Responses: 20})
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		matrix := func(x []int64) any { return tensors.FromFlatDataAndDimensions(x, b.Rows, b.Seq) }
		out, err := CallOnce(e.Backend, func(pair, side *Node) *Node {
			in := inputs{tokens: pair, pair: pair, side: side}
			return in.visible()
		}, matrix(b.Pair), matrix(b.Side))
		if err != nil {
			t.Fatal(err)
		}
		seen := tensors.MustCopyFlatData[bool](out)
		total := 0
		for row := range b.Rows {
			for query := range b.Seq {
				for key := range b.Seq {
					q, k := row*b.Seq+query, row*b.Seq+key
					want := key <= query && b.Pair[q] == b.Pair[k] && (b.Side[k] == data.SidePrompt || b.Side[k] == b.Side[q])
					if got := seen[q*b.Seq+key]; got != want {
						t.Errorf("row %d: position %d sees %d: %v, want %v", row, query, key, got, want)
					}
					if seen[q*b.Seq+key] && b.Pair[q] > 0 {
						total++
					}
				}
			}
		}
		want := 0
		for _, p := range invariantPairs { // a triangle of the prompt; of each response one, and the prompt for each token
			n := len(p.Prompt)
			want += n * (n + 1) / 2
			for _, m := range []int{len(p.Chosen), len(p.Rejected)} {
				want += m*(m+1)/2 + m*n
			}
		}
		if total != want {
			t.Errorf("%d places are seen, want %d", total, want)
		}
	})
}

// Training on packed rows is training on rows of one pair: the same losses, the same weights.
func TestPackedTraining(t *testing.T) {
	configs := golden.TinyConfigs(golden.Size{Vocab: 11, Hidden: 16, Layers: 1, Heads: 4, Positions: 32})
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for _, test := range []struct{ family, method string }{
			{"gpt2", "sparse-independent"}, {"llama", "tdpo2"}, {"gpt_neox", "mapo"}, {"qwen2", "dpo"},
		} {
			if e.Name != "go" && test.family != "gpt2" && test.family != "llama" {
				continue // preparing a graph takes long
			}
			t.Run(test.family+" "+test.method, func(t *testing.T) { checkPackedTraining(t, e, configs[test.family], test.method) })
		}
	})
}

func checkPackedTraining(t *testing.T, e golden.Engine, text []byte, method string) {
	t.Helper()
	config, err := model.ParseConfig(text)
	if err != nil {
		t.Fatal(err)
	}
	objective, _ := loss.Lookup(method)
	apart := data.Fit(invariantPairs, 4, data.SharedPrompt)
	packed := apart
	packed.Rows, packed.Seq = 2, 17
	bound := 2e-6 * e.Slack
	var losses [2][]float64
	var weights [2]map[string][]float32
	for i, shape := range []data.Shape{apart, packed} {
		// A large epsilon makes the update proportional to the gradient, so that what is 0 but for rounding stays small.
		p := smallProgramOf(t, e, config, objective, Settings{Optimiser: Optimiser{WeightDecay: 0.1, MaxGradNorm: 1}})
		p.settings.Optimiser.Epsilon = 1
		for step := range 6 {
			first := step % 2 // of the pairs; two or all three of them
			b := collate(t, invariantPairs[first:], shape)
			v, norm, err := p.Update([]*data.Batch{b}, Rates{Policy: 0.5, Mask: 0.5, Step: step + 1}, noiseOf(b))
			if err != nil {
				t.Fatal(err)
			}
			losses[i] = append(losses[i], norm)
			for _, x := range v[0].Loss[:len(b.Index)] {
				losses[i] = append(losses[i], float64(x))
			}
		}
		weights[i] = values(t, p.Policy)
		if masks, err := p.MaskTensors(); err != nil {
			t.Fatal(err)
		} else {
			for _, m := range masks {
				weights[i]["mask."+m.Name] = m.Values
			}
		}
		p.Close()
	}
	golden.CloseAll(t, "gradient norms and losses", losses[1], losses[0], bound)
	for name, want := range weights[0] {
		wide := make([]float64, len(want))
		for j, x := range want {
			wide[j] = float64(x)
		}
		golden.CloseAll(t, fmt.Sprintf("weights %s", name), weights[1][name], wide, bound)
	}
	const later = 2 * (1 + 3 + 1 + 2) // values of four steps
	if first, last := losses[0][1], losses[0][later+1]; math.Abs(last-first) < 1000*bound {
		t.Errorf("the first pair's loss goes from %v to %v: too little to compare", first, last)
	}
}
