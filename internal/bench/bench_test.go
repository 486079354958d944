package bench

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/loss"
)

var tiny = Shape{Layers: 1, Dim: 8, Heads: 2, Vocab: 20, Context: 16}

func randomPairs(t *testing.T, count int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pairs.jsonl")
	if err := WritePairs(path, PairsOptions{Count: count, Vocab: 20, Prompt: Range{2, 5}, Response: Range{1, 6}, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, path string) []data.TokenPair {
	t.Helper()
	set, _, err := data.Load(t.Context(), path, data.LoadOptions{VocabSize: 20})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	pairs, err := set.First(set.Len())
	if err != nil {
		t.Fatal(err)
	}
	return pairs
}

func TestWritePairs(t *testing.T) {
	set := load(t, randomPairs(t, 400))
	if len(set) != 400 {
		t.Fatalf("%d pairs, want 400", len(set))
	}
	prompts, responses, ids := map[int]int{}, map[int]int{}, map[int32]int{}
	for _, p := range set {
		prompts[len(p.Prompt)]++
		responses[len(p.Chosen)]++
		responses[len(p.Rejected)]++
		for _, id := range slices.Concat(p.Prompt, p.Chosen, p.Rejected) {
			ids[id]++
		}
	}
	if len(prompts) != 4 || prompts[2] < 60 || prompts[5] < 60 {
		t.Errorf("prompt lengths %v, want 2 to 5, about 100 each", prompts)
	}
	if len(responses) != 6 || responses[1] < 80 || responses[6] < 80 {
		t.Errorf("response lengths %v, want 1 to 6, about 133 each", responses)
	}
	if len(ids) != 18 || ids[0]+ids[1] > 0 {
		t.Errorf("ids %v, want 2 to 19", ids)
	}
}

// TestBatches: the batches follow the file, over its end, in shapes that a training on the file would use.
func TestBatches(t *testing.T) {
	path := randomPairs(t, 5)
	pairs := load(t, path)
	for _, c := range []struct{ batch, steps int }{{2, 4}, {3, 1}, {8, 1}} {
		o := TrainOptions{Shape: tiny, Pairs: path, Batch: c.batch, Steps: c.steps}
		objective, _ := loss.Lookup("dpo")
		checkpoint, err := o.checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		batches, _, err := o.batches(t.Context(), checkpoint.Config, objective)
		if err != nil {
			t.Fatal(err)
		}
		if len(batches) != c.steps+2 {
			t.Fatalf("%d batches, want %d", len(batches), c.steps+2)
		}
		for i := range batches {
			for j, p := range batches[i].Unpack() {
				want := pairs[(i*c.batch+j)%len(pairs)]
				if !slices.Equal(p.Prompt, want.Prompt) || !slices.Equal(p.Chosen, want.Chosen) || !slices.Equal(p.Rejected, want.Rejected) {
					t.Errorf("batch size %d: pair %d of batch %d is not the file's", c.batch, j, i)
				}
			}
		}
	}
}

func TestTrain(t *testing.T) {
	path := randomPairs(t, 6)
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for _, method := range []string{"dpo", "sparse-independent", "sparse-random", "simpo", "sft"} {
			o := TrainOptions{Shape: tiny, Pairs: path, Method: method, Batch: 2, Steps: 3}
			r, err := Train(t.Context(), e.Backend, o)
			if err != nil {
				t.Fatal(err)
			}
			const params = 20*8 + 16*8 + 2*2*8 + 4*(8*8+8) + 2*8*32 + 32 + 8 + 2*8 // embeddings, norms, attention, MLP, final norm
			if r.Params != params || r.Method != method || r.Steps != 3 || r.Batch != 2 {
				t.Errorf("%s: %+v; want %d parameters, 3 steps of 2", method, r, params)
			}
			if r.MedianStep <= 0 || r.TokensPerSec <= 0 || r.FirstStep <= 0 || r.Graphs < 1 || r.Padding < 0 || r.Padding >= 1 {
				t.Errorf("%s: %+v", method, r)
			}
		}
	})
}

// TestTokensPerSecond: the tokens are those of both sides, prompts counted twice, of the counted steps alone.
func TestTokensPerSecond(t *testing.T) {
	path := randomPairs(t, 6)
	e := goEngine(t)
	r, err := Train(t.Context(), e.Backend, TrainOptions{Shape: tiny, Pairs: path, Method: "dpo", Batch: 2, Steps: 1})
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, p := range load(t, path)[4:6] { // two steps warm up
		want += 2*len(p.Prompt) + len(p.Chosen) + len(p.Rejected)
	}
	golden.Close(t, "tokens of the one counted step", r.TokensPerSec*r.MedianStep, float64(want), 1e-9)
}

func goEngine(t *testing.T) (found golden.Engine) {
	t.Helper()
	golden.Engines(t, func(_ *testing.T, e golden.Engine) {
		if e.Name == "go" {
			found = e
		}
	})
	return found
}

func TestSample(t *testing.T) {
	r, err := Sample(t.Context(), goEngine(t).Backend, SampleOptions{Shape: tiny, Batch: 3, Prompt: 2, New: 4, Steps: 2})
	if err != nil {
		t.Fatal(err)
	}
	golden.Close(t, "new tokens of a batch", r.NewTokensPerSec*r.MedianBatch, 12, 1e-9)
}

func TestRefuses(t *testing.T) {
	e := goEngine(t)
	path := randomPairs(t, 2)
	for _, test := range []struct {
		name, want string
		change     func(*TrainOptions)
	}{
		{"method", `unknown method "dop"`, func(o *TrainOptions) { o.Method = "dop" }},
		{"batch", "batch 0", func(o *TrainOptions) { o.Batch = 0 }},
		{"steps", "steps 0", func(o *TrainOptions) { o.Steps = 0 }},
		{"layers", "layers: found 0", func(o *TrainOptions) { o.Layers = 0 }},
		{"heads", "dim: found 8, expected a multiple of the 3 heads", func(o *TrainOptions) { o.Heads = 3 }},
		{"context", "raise --ctx", func(o *TrainOptions) { o.Context = 2 }},
		{"file", "none.jsonl", func(o *TrainOptions) { o.Pairs = "none.jsonl" }},
	} {
		o := TrainOptions{Shape: tiny, Pairs: path, Method: "dpo", Batch: 2, Steps: 1}
		test.change(&o)
		if _, err := Train(t.Context(), e.Backend, o); !usage.Is(err) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want a mistake with %q", test.name, err, test.want)
		}
	}
	if _, err := Sample(t.Context(), e.Backend, SampleOptions{Shape: tiny, Batch: 1, Prompt: 1, New: 0, Steps: 1}); !usage.Is(err) {
		t.Errorf("no new tokens: %v, want a mistake", err)
	}
	for _, o := range []PairsOptions{
		{Count: 0, Vocab: 20, Prompt: Range{1, 2}, Response: Range{1, 2}},
		{Count: 1, Vocab: 3, Prompt: Range{1, 2}, Response: Range{1, 2}},
		{Count: 1, Vocab: 20, Prompt: Range{0, 2}, Response: Range{1, 2}},
		{Count: 1, Vocab: 20, Prompt: Range{1, 2}, Response: Range{3, 2}},
	} {
		if err := WritePairs(filepath.Join(t.TempDir(), "x.jsonl"), o); !usage.Is(err) {
			t.Errorf("%+v: %v, want a mistake", o, err)
		}
	}
}

func TestTrainStops(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	_, err := Train(stopped, goEngine(t).Backend, TrainOptions{Shape: tiny, Pairs: randomPairs(t, 2), Method: "dpo", Batch: 2, Steps: 1})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		list []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{5, 1}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 3, 100}, 3.5}} {
		if got := median(test.list); got != test.want {
			t.Errorf("median of %v: got %g, want %g", test.list, got, test.want)
		}
	}
}
