package likelihood

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/internal/device"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/model"
)

const (
	vocab        = 37
	maxPositions = 64
)

// subject is a model under test.
type subject struct {
	e       golden.Engine
	store   *gomodel.Store
	network *model.Network
}

// newSubject makes a model whose weights are drawn, or all the given number.
func newSubject(t testing.TB, e golden.Engine, config *model.Config, weights func() float32) *subject {
	t.Helper()
	s := &subject{e: e, store: gomodel.NewStore()}
	var err error
	if s.network, err = model.Random(config, 5).Bind(e.Backend, s.store, "/policy", model.Binding{Trainable: true}); err != nil {
		t.Fatal(err)
	}
	for _, p := range s.network.Variables() {
		values := make([]float32, p.Shape().Size())
		for i := range values {
			values[i] = weights()
		}
		placed, err := device.Float32(e.Backend, values, p.Shape().Dimensions...)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.SetValue(placed); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func gpt2(t *testing.T) *model.Config {
	t.Helper()
	config, err := model.GPT2Config(vocab, 16, 2, 4, maxPositions, -1)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func normal(scale float64) func() float32 {
	random := rand.New(rand.NewPCG(3, 3))
	return func() float32 { return float32(scale * random.NormFloat64()) }
}

func (s *subject) scorer(t testing.TB, batchTokens int) *Scorer {
	t.Helper()
	scorer, err := New(s.e.Backend, s.store, s.network, batchTokens)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(scorer.Close)
	return scorer
}

func (s *subject) score(t *testing.T, batchTokens int, requests []Request) []Score {
	t.Helper()
	scores, err := s.scorer(t, batchTokens).Score(t.Context(), requests, nil)
	if err != nil {
		t.Fatal(err)
	}
	return scores
}

// plain scores requests each in a row of its own.
func (s *subject) plain(t *testing.T, requests []Request) []Score {
	t.Helper()
	exec, err := gomodel.NewExec(s.e.Backend, s.store, func(_ *gomodel.Scope, tokens *Node) *Node {
		g, rows, seq := tokens.Graph(), tokens.Shape().Dim(0), tokens.Shape().Dim(1)
		square := shapes.Make(dtypes.Int64, rows, seq, seq)
		out := s.network.Forward(model.Inputs{
			Tokens: tokens, Positions: Iota(g, tokens.Shape(), 1), Visible: GreaterOrEqual(Iota(g, square, 1), Iota(g, square, 2)),
		})
		return s.network.Logits(Reshape(out.Final, rows*seq, -1))
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(exec.Finalize)
	seq := s.network.Config.MaxPositions
	wide := make([]int64, len(requests)*seq)
	for i, r := range requests {
		for j, id := range slices.Concat(r.Prefix, r.Continuation[:len(r.Continuation)-1]) {
			wide[i*seq+j] = int64(id)
		}
	}
	out, err := exec.Call1(tensors.FromFlatDataAndDimensions(wide, len(requests), seq))
	if err != nil {
		t.Fatal(err)
	}
	logits := tensors.MustCopyFlatData[float32](out)
	list := make([]Score, len(requests))
	for i, r := range requests {
		list[i].Greedy = true
		for k, id := range r.Continuation {
			row := logits[(i*seq+len(r.Prefix)+k-1)*vocab:][:vocab]
			total := 0.0
			for _, z := range row {
				total += math.Exp(float64(z))
				list[i].Greedy = list[i].Greedy && z <= row[id]
			}
			list[i].LogProb += float64(row[id]) - math.Log(total)
		}
	}
	return list
}

func draw(random *rand.Rand, n int) []int32 {
	list := make([]int32, n)
	for i := range list {
		list[i] = int32(random.IntN(vocab))
	}
	return list
}

// questions draws n texts with one to four continuations each, in an order that mixes the texts.
func questions(n int) []Request {
	random := rand.New(rand.NewPCG(7, 7))
	var list []Request
	for range n {
		prefix := draw(random, 1+random.IntN(30))
		for range 1 + random.IntN(4) {
			list = append(list, Request{prefix, draw(random, 1+random.IntN(1+random.IntN(20)))})
		}
	}
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

func compare(t *testing.T, e golden.Engine, got, want []Score) {
	t.Helper()
	for i := range want {
		golden.Close(t, fmt.Sprintf("request %d", i), got[i].LogProb, want[i].LogProb, 2e-6*e.Slack)
		if got[i].Greedy != want[i].Greedy {
			t.Errorf("request %d: greedy %v, want %v", i, got[i].Greedy, want[i].Greedy)
		}
	}
}

// TestFamilies compares rows of several texts with a plain pass for each request.
func TestFamilies(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for name, text := range golden.TinyConfigs(golden.Size{Vocab: vocab, Hidden: 16, Layers: 2, Heads: 4, Positions: maxPositions}) {
			t.Run(name, func(t *testing.T) {
				config, err := model.ParseConfig(text)
				if err != nil {
					t.Fatal(err)
				}
				s := newSubject(t, e, config, normal(0.3))
				requests := questions(8)
				compare(t, e, s.score(t, 128, requests), s.plain(t, requests))
			})
		}
	})
}

// TestBatches: how requests are batched changes nothing, and greedy continuations are recognised among others.
func TestBatches(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		s := newSubject(t, e, gpt2(t), normal(0.3))
		requests := questions(20)
		// The most likely continuations of three tokens, found one by one.
		for i := range 4 {
			prefix, found := requests[i].Prefix, []int32(nil)
			for range 3 {
				var options []Request
				for id := range int32(vocab) {
					options = append(options, Request{prefix, append(append([]int32{}, found...), id)})
				}
				for id, score := range s.plain(t, options) {
					if score.Greedy {
						found = append(found, int32(id))
						break
					}
				}
			}
			requests = append(requests, Request{prefix, found})
		}
		want := s.plain(t, requests)
		for i := range 4 {
			if !want[len(want)-1-i].Greedy {
				t.Fatalf("request %d is not greedy", len(want)-1-i)
			}
		}
		for _, batchTokens := range []int{1, 100, 1024} {
			compare(t, e, s.score(t, batchTokens, requests), want)
		}
	})
}

// TestEven: a model without weights finds every token as likely as the others; its logits are all the largest. One head
// takes more tokens than fit in one part of it.
func TestEven(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		s := newSubject(t, e, gpt2(t), func() float32 { return 0 })
		var requests []Request
		for i := range 20 {
			requests = append(requests, Request{[]int32{int32(i), 1}, make([]int32, 10+i)})
		}
		for i, score := range s.score(t, 0, requests) {
			golden.Close(t, "even", score.LogProb, -float64(10+i)*math.Log(vocab), 1e-5)
			if !score.Greedy {
				t.Errorf("request %d: not greedy", i)
			}
		}
		broken := newSubject(t, e, gpt2(t), func() float32 { return float32(math.NaN()) })
		if _, err := broken.scorer(t, 0).Score(t.Context(), requests[:1], nil); err == nil || !strings.Contains(err.Error(), "request 1 of 1: the model's logits are not finite") {
			t.Errorf("a model of NaN: got %v", err)
		}
	})
}

func TestProgress(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		scorer := newSubject(t, e, gpt2(t), normal(0.1)).scorer(t, 64)
		requests := questions(6)
		last := 0
		_, err := scorer.Score(t.Context(), requests, func(done, total int) {
			if done <= last || total != len(requests) {
				t.Errorf("progress %d of %d after %d", done, total, last)
			}
			last = done
		})
		if err != nil || last != len(requests) {
			t.Errorf("%d done, %v", last, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if scores, err := scorer.Score(ctx, requests, func(int, int) { cancel() }); !errors.Is(err, context.Canceled) || scores != nil {
			t.Errorf("interrupted: got %v, %v", scores, err)
		}
		if scores, err := scorer.Score(t.Context(), nil, nil); err != nil || len(scores) != 0 {
			t.Errorf("no requests: got %v, %v", scores, err)
		}
	})
}

func TestErrors(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		s := newSubject(t, e, gpt2(t), normal(0.1))
		scorer := s.scorer(t, 0)
		fine := Request{make([]int32, maxPositions), []int32{1}}
		for want, r := range map[string]Request{
			"request 2 of 2: no tokens before":          {nil, []int32{1}},
			"request 2 of 2: no tokens in the":          {[]int32{1}, nil},
			"request 2 of 2: 65 tokens before the last": {make([]int32, 60), make([]int32, 6)},
			"request 2 of 2: token id 37 is outside":    {[]int32{1}, []int32{37}},
			"request 2 of 2: token id -1 is outside":    {[]int32{-1}, []int32{3}},
		} {
			if _, err := scorer.Score(t.Context(), []Request{fine, r}, nil); err == nil || !strings.Contains(err.Error(), want) || !usage.Is(err) {
				t.Errorf("got %v, want %q, the user's mistake", err, want)
			}
		}
		if _, err := New(e.Backend, s.store, s.network, -1); err == nil || !usage.Is(err) {
			t.Errorf("-1 batch tokens: got %v", err)
		}
	})
}
