package likelihood

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

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
				if read := scorer.last.ids; !slices.Equal(read, one) && !slices.Equal(read, two) {
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
			if len(scorer.last.ids) != step.want {
				t.Errorf("after a beginning of %d tokens: the last one has %d, want %d", 80+step.add, len(scorer.last.ids), step.want)
			}
		}
	})
}

// TestSections: what is shared is what every text begins with, but for its last token, where that saves enough.
func TestSections(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 1))
	start, other := draw(random, 70), draw(random, 90)
	text := func(parts ...[]int32) Request { return Request{slices.Concat(parts...), []int32{1}} }
	requests := []Request{
		text(start, []int32{1, 2}), text(other, []int32{1}), text([]int32{1, 2}), text(start, []int32{1, 3}), text(other, []int32{2, 2}), text(start[:60]),
	}
	tests := []struct {
		most, saved int
		want        []section
	}{
		{1000, 64, []section{{slices.Concat(start, []int32{1}), []int{0, 3}}, {other, []int{1, 4}}, {nil, []int{2, 5}}}},
		{1000, 80, []section{{other, []int{1, 4}}, {nil, []int{0, 2, 3, 5}}}},
		{66, 64, []section{{start[:66], []int{0, 3}}, {other[:66], []int{1, 4}}, {nil, []int{2, 5}}}},
		{10, 1, []section{{nil, []int{0, 1, 2, 3, 4, 5}}}},
		{1000, 200, []section{{nil, []int{0, 1, 2, 3, 4, 5}}}},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("at most %d, saving %d", test.most, test.saved), func(t *testing.T) {
			if diff := cmp.Diff(test.want, sections(requests, test.most, test.saved), cmp.AllowUnexported(section{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	same := []Request{text(other), text(other), text(other, []int32{1})}
	want := []section{{other[:89], []int{0, 1, 2}}} // a text of its own has a token left
	if diff := cmp.Diff(want, sections(same, 1000, 64), cmp.AllowUnexported(section{})); diff != "" {
		t.Errorf("a text that begins another (-want +got):\n%s", diff)
	}
}
