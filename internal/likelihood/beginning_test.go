package likelihood

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/model"
)

const longPositions = 160

// behind puts a beginning before the texts of requests.
func behind(start []int32, requests []Request) []Request {
	list := make([]Request, len(requests))
	for i, r := range requests {
		list[i] = Request{slices.Concat(start, r.Prefix), r.Continuation}
	}
	return list
}

// brief draws n texts of up to 8 tokens with two continuations each, few enough shapes for graphs.
func brief(n int) []Request {
	random := rand.New(rand.NewPCG(8, 8))
	var list []Request
	for range n {
		prefix := draw(random, 1+random.IntN(8))
		list = append(list, Request{prefix, draw(random, 1+random.IntN(3))}, Request{prefix, draw(random, 2)})
	}
	return list
}

// TestSharedBeginnings: every family scores texts that begin alike as it scores each by itself, among others that do not, and
// after a beginning of an earlier call.
func TestSharedBeginnings(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 1))
	one, two := draw(random, 90), draw(random, 66)
	short := brief(6)
	requests := slices.Concat(behind(one, short), short[:3], behind(two, short))
	random.Shuffle(len(requests), func(i, j int) { requests[i], requests[j] = requests[j], requests[i] })
	var more []Request
	for _, r := range short { // two further tokens in common, which are not worth reading the beginning again
		more = append(more, Request{slices.Concat(two, []int32{5, 6}, r.Prefix), r.Continuation})
	}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for name, text := range golden.TinyConfigs(golden.Size{Vocab: vocab, Hidden: 16, Layers: 2, Heads: 4, Positions: longPositions}) {
			t.Run(name, func(t *testing.T) {
				config, err := model.ParseConfig(text)
				if err != nil {
					t.Fatal(err)
				}
				s := newSubject(t, e, config, normal(0.3))
				scorer := s.scorer(t, 128)
				got, err := scorer.Score(t.Context(), requests, nil)
				if err != nil {
					t.Fatal(err)
				}
				compare(t, e, got, s.plain(t, requests))
				if read := scorer.beginnings.Tokens(); !slices.Equal(read, one) && !slices.Equal(read, two) {
					t.Errorf("the beginning read last is neither of the two: %v", read)
				}
				if got, err = scorer.Score(t.Context(), more, nil); err != nil {
					t.Fatal(err)
				}
				compare(t, e, got, s.plain(t, more))
			})
		}
	})
}

// TestBeginningKept: a beginning is read again only where that pays.
func TestBeginningKept(t *testing.T) {
	random := rand.New(rand.NewPCG(12, 1))
	start, end := draw(random, 80), draw(random, 60)
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		config, err := model.GPT2Config(vocab, 16, 2, 4, longPositions, -1)
		if err != nil {
			t.Fatal(err)
		}
		s := newSubject(t, e, config, normal(0.3))
		scorer := s.scorer(t, 64)
		for _, step := range []struct {
			add  int // tokens of end after start
			want int // tokens of the beginning that was used
		}{{0, 80}, {1, 80}, {60, 140}, {0, 80}} {
			var requests []Request
			for i := range 12 {
				prefix := slices.Concat(start, end[:step.add], []int32{int32(i), 1, 2})
				requests = append(requests, Request{prefix, []int32{3}}, Request{prefix, []int32{4, 5}})
			}
			got, err := scorer.Score(t.Context(), requests, nil)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, e, got, s.plain(t, requests))
			if len(scorer.beginnings.Tokens()) != step.want {
				t.Errorf("after a beginning of %d tokens: the last one has %d, want %d", 80+step.add, len(scorer.beginnings.Tokens()), step.want)
			}
		}
	})
}
