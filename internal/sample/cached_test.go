package sample

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sparsepo/sparsepo/internal/device"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/model"
)

// full computes the log-probabilities [seq][vocab] after every token of a sequence, by one pass without a cache.
func (s *subject) full(t testing.TB) func(ids []int32) [][]float64 {
	t.Helper()
	exec, err := gomodel.NewExec(s.e.Backend, s.store, func(_ *gomodel.Scope, tokens *Node) *Node {
		g, seq := tokens.Graph(), tokens.Shape().Dim(1)
		square := shapes.Make(dtypes.Int64, 1, seq, seq)
		out := s.network.Forward(model.Inputs{
			Tokens: tokens, Positions: Iota(g, tokens.Shape(), 1), Visible: GreaterOrEqual(Iota(g, square, 1), Iota(g, square, 2)),
		})
		return s.network.Logits(Reshape(out.Final, seq, -1))
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(exec.Finalize)
	return func(ids []int32) [][]float64 {
		wide := make([]int64, s.network.Config.MaxPositions) // one shape, one graph
		for i, id := range ids {
			wide[i] = int64(id)
		}
		out, err := exec.Call1(tensors.FromFlatDataAndDimensions(wide, 1, len(wide)))
		if err != nil {
			t.Fatal(err)
		}
		flat := tensors.MustCopyFlatData[float32](out)
		vocab := s.network.Config.Vocab
		rows := make([][]float64, len(ids))
		for i := range rows {
			total := 0.0
			for _, z := range flat[i*vocab : (i+1)*vocab] {
				total += math.Exp(float64(z))
				rows[i] = append(rows[i], float64(z))
			}
			for j := range rows[i] {
				rows[i][j] -= math.Log(total)
			}
		}
		return rows
	}
}

// TestCacheInGraph: an engine that does not share its memory with the program enters new positions in the graph.
func TestCacheInGraph(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		s := newSubject(t, e, 37, 32, 2, 4, 80)
		prompts := randomPrompts(7, 30, 37)
		o := Options{N: 2, Temperature: 1, TopP: 1, MaxNewTokens: 45, EOS: 2, BatchRows: 4, Seed: 1}
		if !e.Backend.HasSharedBuffers() {
			t.Skip("skipped: the engine shares no memory, so that all other tests test this")
		}
		want := s.sample(t, o, prompts...)
		sampler := s.sampler(t, o)
		sampler.inPlace = false
		got, err := sampler.Sample(t.Context(), prompts, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-5)); diff != "" {
			t.Errorf("responses (-cache written in place +cache in the graph):\n%s", diff)
		}
	})
}

// checkSampled compares responses with passes over the whole sequence: log-probabilities, and for greedy ones the tokens.
func checkSampled(t *testing.T, s *subject, o Options, prompts [][]int32) {
	t.Helper()
	full := s.full(t)
	for i, some := range s.sample(t, o, prompts...) {
		for n, c := range some {
			if len(c.LogProbs) != len(c.IDs) || len(c.IDs) > o.MaxNewTokens || !c.Finished && len(c.IDs) < o.MaxNewTokens {
				t.Fatalf("prompt %d sample %d: %d tokens, %d log-probabilities, finished %v", i, n, len(c.IDs), len(c.LogProbs), c.Finished)
			}
			sequence := append(append([]int32{}, prompts[i]...), c.IDs...)
			want := full(sequence)[len(prompts[i])-1:]
			for k, id := range c.IDs {
				golden.Close(t, fmt.Sprintf("prompt %d sample %d token %d", i, n, k), float64(c.LogProbs[k]), want[k][id], 1e-6*s.e.Slack)
				if o.Temperature > 0 {
					continue
				}
				for other, x := range want[k] {
					if x > want[k][id]+1e-5 {
						t.Errorf("prompt %d token %d: chose %d with log-probability %g; %d has %g", i, k, id, want[k][id], other, x)
					}
				}
			}
			if c.Finished {
				golden.Close(t, "end", float64(c.EndLogProb), want[len(c.IDs)][o.EOS], 1e-6*s.e.Slack)
			}
		}
	}
}

// TestCachedEqualsFull: response lengths cross several rounds, and rows enter and leave at different times.
func TestCachedEqualsFull(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		random := newSubject(t, e, 37, 32, 2, 4, 80)
		prompts := randomPrompts(9, 30, 37)
		t.Run("greedy", func(t *testing.T) {
			checkSampled(t, random, Options{TopP: 1, MaxNewTokens: 40, EOS: -1, BatchRows: 4}, prompts)
		})
		t.Run("sampled", func(t *testing.T) {
			checkSampled(t, random, Options{N: 3, Temperature: 1, TopP: 1, MaxNewTokens: 50, EOS: 2, BatchRows: 8, Seed: 1}, prompts[:6])
		})
		t.Run("odd batch", func(t *testing.T) {
			checkSampled(t, random, Options{N: 4, Temperature: 1, TopP: 1, MaxNewTokens: 20, EOS: 2, BatchRows: 3, Seed: 1}, prompts[:3])
		})
		t.Run("golden", func(t *testing.T) {
			checkpoint, err := model.Open(golden.Shared(t, "golden", "gpt2", "policy"))
			if err != nil {
				t.Fatal(err)
			}
			defer checkpoint.Close()
			s := &subject{e: e, store: gomodel.NewStore()}
			if s.network, err = checkpoint.Bind(e.Backend, s.store, "/policy", model.Binding{}); err != nil {
				t.Fatal(err)
			}
			checkSampled(t, s, Options{TopP: 1, MaxNewTokens: 20, EOS: -1}, randomPrompts(5, 12, s.network.Config.Vocab))
		})
	})
}

// Every family samples with its cache as it computes without, and keeps as many heads in it as have keys of their own.
func TestFamilies(t *testing.T) {
	kvHeads := map[string]int{
		"gpt2": 4, "gpt_bigcode": 1, "gpt_bigcode-mha": 4, "gpt_neox": 4, "gpt_neox-sequential": 4, "gptj": 4, "llama": 2, "llama-wide": 1, "qwen2": 2,
	}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for name, text := range golden.TinyConfigs(golden.Size{Vocab: 37, Hidden: 16, Layers: 2, Heads: 4, Positions: 64}) {
			t.Run(name, func(t *testing.T) {
				config, err := model.ParseConfig(text)
				if err != nil {
					t.Fatal(err)
				}
				s := newSubjectOf(t, e, config)
				rnd := rand.New(rand.NewPCG(3, 3))
				for _, p := range s.network.Variables() {
					s.set(t, p, func() float32 { return float32(0.4 * rnd.NormFloat64()) })
				}
				o := Options{N: 2, Temperature: 1, TopP: 1, MaxNewTokens: 24, EOS: -1, BatchRows: 4, Seed: 1}
				checkSampled(t, s, o, randomPrompts(4, 12, 37))

				last, tokens := []int64{0, 1}, make([]int64, 2*minPrompt)
				out, err := device.Call(s.sampler(t, o).prefill, []*tensors.Tensor{
					tensors.FromFlatDataAndDimensions(tokens, 2, minPrompt), tensors.FromFlatDataAndDimensions(last, 2),
				})
				if err != nil {
					t.Fatal(err)
				}
				want := []int{2, kvHeads[name], minPrompt, config.HeadDim}
				for i, x := range out[1:] {
					if dims := x.Shape().Dimensions; !cmp.Equal(dims, want) {
						t.Errorf("cache %d is %v, want %v", i, dims, want)
					}
				}
			})
		}
	})
}
