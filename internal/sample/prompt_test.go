package sample

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/internal/beginning"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/leaderboard"
	"github.com/sparsepo/sparsepo/internal/prompts"
	"github.com/sparsepo/sparsepo/model"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// alike are prompts of which all but the last three begin with the same tokens.
func alike(n, vocab int) [][]int32 {
	start := make([]int32, 75)
	for i := range start {
		start[i] = int32(i * 7 % vocab)
	}
	list := randomPrompts(n, 12, vocab)
	for i := range n - 3 {
		list[i] = slices.Concat(start, list[i])
	}
	return list
}

// TestSharedBeginnings: every family goes on from prompts that begin alike as from prompts that are read whole.
func TestSharedBeginnings(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for name, text := range golden.TinyConfigs(golden.Size{Vocab: 37, Hidden: 16, Layers: 2, Heads: 4, Positions: 112}) {
			t.Run(name, func(t *testing.T) {
				config, err := model.ParseConfig(text)
				if err != nil {
					t.Fatal(err)
				}
				s := newSubjectOf(t, e, config)
				random := rand.New(rand.NewPCG(3, 3))
				for _, p := range s.network.Variables() {
					s.set(t, p, func() float32 { return float32(0.4 * random.NormFloat64()) })
				}
				o := Options{N: 2, Temperature: 1, TopP: 1, MaxNewTokens: 12, EOS: -1, BatchRows: 8, Seed: 1}
				prompts := alike(22, 37)
				sampler, whole := s.sampler(t, o), s.sampler(t, o)
				whole.longest = 0
				got, err := sampler.Sample(t.Context(), prompts, nil)
				if err != nil {
					t.Fatal(err)
				}
				want, err := whole.Sample(t.Context(), prompts, nil)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-5)); diff != "" {
					t.Errorf("responses (-read whole +after a beginning):\n%s", diff)
				}
				if ids := sampler.beginnings.Tokens(); ids != nil {
					t.Errorf("%d tokens of a beginning are kept for the next call, when weights may be others", len(ids))
				}
			})
		}
	})
}

// TestAfterBeginning compares with passes over whole sequences.
func TestAfterBeginning(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		s := newSubject(t, e, 37, 32, 2, 4, 112)
		checkSampled(t, s, Options{N: 1, Temperature: 1, TopP: 1, MaxNewTokens: 8, EOS: 2, BatchRows: 4, Seed: 1}, alike(22, 37))
	})
}

// TestDivide: beginnings have a length that graphs are made for, and prompts of a section go from long to short.
func TestDivide(t *testing.T) {
	prompts := alike(20, 37)
	r := &run{Sampler: &Sampler{longest: 1000}}
	for _, p := range prompts {
		r.requests = append(r.requests, Request{Prompt: p})
	}
	r.divide()
	if len(r.sections) != 2 || !slices.Equal(r.sections[0].Beginning, prompts[0][:64]) || len(r.sections[1].Beginning) != 0 {
		t.Fatalf("%+v", r.sections)
	}
	var all []int
	for _, s := range r.sections {
		for i, member := range s.Members[1:] {
			if len(prompts[member]) > len(prompts[s.Members[i]]) {
				t.Errorf("a prompt of %d tokens before one of %d", len(prompts[s.Members[i]]), len(prompts[member]))
			}
		}
		all = append(all, s.Members...)
	}
	slices.Sort(all)
	if len(slices.Compact(all)) != 20 {
		t.Errorf("prompts %v", all)
	}
	few := &run{Sampler: &Sampler{longest: 1000}, requests: r.requests[:10]}
	few.divide()
	if diff := cmp.Diff([][]int32{nil}, beginnings(few.sections), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("ten prompts save too little (-want +got):\n%s", diff)
	}
}

// TestNext: prompts that are read together fill at least half of their rows, from a certain length on.
func TestNext(t *testing.T) {
	r := &run{Sampler: &Sampler{}}
	for _, n := range []int{40, 90, 180, 200, 12, 100, 89, 88} {
		r.requests = append(r.requests, Request{Prompt: make([]int32, n)})
	}
	r.divide()
	for _, want := range [][]int{{3, 2, 5}, {1, 6, 7}, {0, 4}} { // 200, 180, 100; 90, 89, 88; 40, 12
		got, start, err := r.next(4)
		if err != nil || start != nil {
			t.Fatal(start, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("read together (-want +got):\n%s", diff)
		}
	}
	if len(r.sections) != 0 {
		t.Errorf("left: %+v", r.sections)
	}
}

func beginnings(sections []beginning.Section) (list [][]int32) {
	for _, s := range sections {
		list = append(list, s.Beginning)
	}
	return list
}

// BenchmarkExamples draws after 32 of MATH's prompts with examples, which are read once and in every prompt.
func BenchmarkExamples(b *testing.B) {
	tok, err := tokenizer.Load(golden.Shared(b, "data", "tokenizers", "gpt2"))
	if err != nil {
		b.Fatal(err)
	}
	tasks, err := leaderboard.Load(b.Context(), leaderboard.MATH, leaderboard.Source{Name: golden.Shared(b, "data", "math")}, []string{"algebra"})
	if err != nil {
		b.Fatal(err)
	}
	opened, err := engine.Open("onnx")
	if err != nil {
		b.Skipf("skipped: engine onnx is not here (`make engine` installs ONNX Runtime): %v", err)
	}
	var list [][]int32
	for _, item := range tasks[0].Items[:32] {
		list = append(list, prompts.Begin(tok, tasks[0].Prompt(item)))
	}
	s := newSubject(b, golden.Engine{Name: "onnx", Backend: opened.Backend()}, tok.VocabSize(), 256, 6, 4, 2048)
	for _, length := range []int{1, 128} {
		for _, way := range []string{"once", "each"} {
			b.Run(fmt.Sprintf("%d tokens/%s", length, way), func(b *testing.B) {
				sampler := s.sampler(b, Options{TopP: 1, MaxNewTokens: length, EOS: -1})
				if way == "each" {
					sampler.longest = 0
				}
				call := func() {
					if _, err := sampler.Sample(b.Context(), list, nil); err != nil {
						b.Fatal(err)
					}
				}
				call() // compiles
				for b.Loop() {
					call()
				}
			})
		}
	}
}
