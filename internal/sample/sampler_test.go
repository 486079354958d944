package sample

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/internal/device"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/model"
)

// subject is a model under test.
type subject struct {
	e       golden.Engine
	store   *gomodel.Store
	network *model.Network
}

// newSubject makes a random model whose distributions are far from even: the last norm's gain is raised.
func newSubject(t testing.TB, e golden.Engine, vocab, hidden, layers, heads, positions int) *subject {
	t.Helper()
	config, err := model.GPT2Config(vocab, hidden, layers, heads, positions, -1)
	if err != nil {
		t.Fatal(err)
	}
	return newSubjectOf(t, e, config)
}

func newSubjectOf(t testing.TB, e golden.Engine, config *model.Config) *subject {
	t.Helper()
	s := &subject{e: e, store: gomodel.NewStore()}
	var err error
	if s.network, err = model.Random(config, 5).Bind(e.Backend, s.store, "/policy", model.Binding{Trainable: true}); err != nil {
		t.Fatal(err)
	}
	s.setGain(t, 4)
	return s
}

// setGain sets the last norm's gain.
func (s *subject) setGain(t testing.TB, gain float32) {
	t.Helper()
	var last model.Variable
	for _, p := range s.network.Variables() {
		if p.Kind == model.KindGain {
			last = p
		}
	}
	s.set(t, last, func() float32 { return gain })
}

// set gives a parameter new values.
func (s *subject) set(t testing.TB, p model.Variable, value func() float32) {
	t.Helper()
	dims := p.Shape().Dimensions
	values := make([]float32, p.Shape().Size())
	for j := range values {
		values[j] = value()
	}
	placed, err := device.Float32(s.e.Backend, values, dims...)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.SetValue(placed); err != nil {
		t.Fatal(err)
	}
}

func (s *subject) sampler(t testing.TB, o Options) *Sampler {
	t.Helper()
	sampler, err := New(s.e.Backend, s.store, s.network, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sampler.Close)
	return sampler
}

func (s *subject) sample(t testing.TB, o Options, prompts ...[]int32) [][]Completion {
	t.Helper()
	drawn, err := s.sampler(t, o).Sample(t.Context(), prompts, nil)
	if err != nil {
		t.Fatal(err)
	}
	return drawn
}

// randomPrompts draws n prompts of 1 to longest tokens.
func randomPrompts(n, longest, vocab int) [][]int32 {
	random := rand.New(rand.NewPCG(7, 7))
	prompts := make([][]int32, n)
	for i := range prompts {
		for range 1 + random.IntN(longest) {
			prompts[i] = append(prompts[i], int32(random.IntN(vocab)))
		}
	}
	return prompts
}

func ids(drawn [][]Completion) [][][]int32 {
	list := make([][][]int32, len(drawn))
	for i, some := range drawn {
		for _, c := range some {
			list[i] = append(list[i], c.IDs)
		}
	}
	return list
}

// TestBatchIndependence draws the same prompts alone, together, and in batches of another size.
func TestBatchIndependence(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		s := newSubject(t, e, 37, 32, 2, 4, 80)
		prompts := randomPrompts(5, 20, 37)
		o := Options{N: 2, Temperature: 0.8, TopP: 0.95, TopK: 20, MaxNewTokens: 24, EOS: 3, BatchRows: 8, Seed: 11}
		want := ids(s.sample(t, o, prompts...))
		if diff := cmp.Diff(want, ids(s.sample(t, o, prompts...))); diff != "" {
			t.Errorf("the same call again (-first +second):\n%s", diff)
		}
		for _, rows := range []int{1, 32} {
			o.BatchRows = rows
			if diff := cmp.Diff(want, ids(s.sample(t, o, prompts...))); diff != "" {
				t.Errorf("batches of %d rows (-8 rows +these):\n%s", rows, diff)
			}
		}
		first := ids(s.sample(t, o, prompts[0]))
		if diff := cmp.Diff(want[:1], first); diff != "" {
			t.Errorf("the first prompt alone (-with others +alone):\n%s", diff)
		}
		for i, some := range want {
			if cmp.Equal(some[0], some[1]) {
				t.Errorf("prompt %d: both samples are %v", i, some[0])
			}
		}
		o.Seed++
		if cmp.Equal(want, ids(s.sample(t, o, prompts...))) {
			t.Error("another seed gives the same responses")
		}
		o.TopK, o.TopP, o.Temperature = 0, 1, 0
		greedy := ids(s.sample(t, o, prompts...))
		o.TopK, o.Temperature = 1, 3
		if diff := cmp.Diff(greedy, ids(s.sample(t, o, prompts...))); diff != "" {
			t.Errorf("top-k 1 (-greedy +top-k 1):\n%s", diff)
		}
	})
}

// TestEnd makes one token nearly certain and lets it end responses.
func TestEnd(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		s := newSubject(t, e, 37, 32, 2, 4, 80)
		prompt := []int32{1, 2, 3}
		o := Options{TopP: 1, MaxNewTokens: 30, EOS: -1}
		whole := s.sample(t, o, prompt)[0][0]
		if whole.Finished || len(whole.IDs) != 30 {
			t.Fatalf("without an end: %d tokens, finished %v", len(whole.IDs), whole.Finished)
		}
		for _, at := range []int{0, len(whole.IDs) - 1} {
			o.EOS = whole.IDs[at]
			end := 0
			for whole.IDs[end] != o.EOS {
				end++
			}
			got := s.sample(t, o, prompt)[0][0]
			if !got.Finished || len(got.IDs) != end || !cmp.Equal(append([]int32{}, got.IDs...), append([]int32{}, whole.IDs[:end]...)) {
				t.Errorf("end token %d: got %v, finished %v; want the first %d of %v", o.EOS, got.IDs, got.Finished, end, whole.IDs)
			}
			golden.Close(t, "end's log-probability", float64(got.EndLogProb), float64(whole.LogProbs[end]), 1e-5)
			sum := 0.0
			for _, x := range whole.LogProbs[:end+1] {
				sum += float64(x)
			}
			golden.Close(t, "response's log-probability", got.LogProb(), sum, 1e-5)
		}
	})
}

// TestFollowsTraining changes a variable between two calls of one sampler.
func TestFollowsTraining(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		s := newSubject(t, e, 37, 32, 2, 4, 80)
		sampler := s.sampler(t, Options{TopP: 1, MaxNewTokens: 4, EOS: -1})
		before, err := sampler.Sample(t.Context(), [][]int32{{4, 5}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.setGain(t, 0)
		after, err := sampler.Sample(t.Context(), [][]int32{{4, 5}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		golden.Close(t, "even distribution", float64(after[0][0].LogProbs[0]), -math.Log(37), 1e-5)
		if math.Abs(float64(before[0][0].LogProbs[0]-after[0][0].LogProbs[0])) < 0.1 {
			t.Errorf("log-probability %g before and %g after the change", before[0][0].LogProbs[0], after[0][0].LogProbs[0])
		}
		s.setGain(t, float32(math.NaN()))
		if _, err = sampler.Sample(t.Context(), [][]int32{{4, 5}}, nil); err == nil || !strings.Contains(err.Error(), "prompt 1 of 1") || !strings.Contains(err.Error(), "not finite") {
			t.Errorf("a model of NaN: got %v", err)
		}
	})
}

func TestProgressAndInterruption(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		s := newSubject(t, e, 37, 32, 2, 4, 80)
		sampler := s.sampler(t, Options{N: 2, Temperature: 1, TopP: 1, MaxNewTokens: 20, EOS: 2, BatchRows: 4})
		prompts := randomPrompts(6, 10, 37)
		last := 0
		_, err := sampler.Sample(t.Context(), prompts, func(done, total int) {
			if done <= last || total != 12 {
				t.Errorf("progress %d of %d after %d", done, total, last)
			}
			last = done
		})
		if err != nil || last != 12 {
			t.Errorf("%d done, %v", last, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		drawn, err := sampler.Sample(ctx, prompts, func(int, int) { cancel() })
		if !errors.Is(err, context.Canceled) || drawn != nil {
			t.Errorf("interrupted: got %v, %v", drawn, err)
		}
	})
}

func TestErrors(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		s := newSubject(t, e, 37, 32, 2, 4, 80)
		sampler := s.sampler(t, Options{TopP: 1, MaxNewTokens: 70, EOS: -1})
		for _, test := range []struct {
			name, want string
			prompt     []int32
		}{
			{"empty", "prompt 2 of 2: no tokens", nil},
			{"long", "prompt 2 of 2: 11 tokens and max-new-tokens 70 are more than the model's 80 positions", make([]int32, 11)},
			{"outside", "prompt 2 of 2: token id 37 is outside the model's vocabulary of 37", []int32{1, 37}},
			{"negative", "token id -1 is outside", []int32{-1}},
		} {
			t.Run(test.name, func(t *testing.T) {
				_, err := sampler.Sample(t.Context(), [][]int32{make([]int32, 10), test.prompt}, nil)
				if err == nil || !strings.Contains(err.Error(), test.want) || !usage.Is(err) {
					t.Errorf("got %v, want %q, the user's mistake", err, test.want)
				}
			})
		}
		if drawn, err := sampler.Sample(t.Context(), nil, nil); err != nil || len(drawn) != 0 {
			t.Errorf("no prompts: got %v, %v", drawn, err)
		}
	})
}

func TestOptions(t *testing.T) {
	good := Options{N: 2, Temperature: 0.7, TopK: 5, TopP: 0.9, MaxNewTokens: 8, EOS: -1}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Options){
		"n: found -1": func(o *Options) { o.N = -1 }, "temperature: found -1": func(o *Options) { o.Temperature = -1 },
		"temperature: found NaN": func(o *Options) { o.Temperature = math.NaN() }, "top-k: found -1": func(o *Options) { o.TopK = -1 },
		"top-p: found 0,": func(o *Options) { o.TopP = 0 }, "top-p: found 1.5": func(o *Options) { o.TopP = 1.5 },
		"max-new-tokens: found 0": func(o *Options) { o.MaxNewTokens = 0 }, "batch-rows: found -2": func(o *Options) { o.BatchRows = -2 },
		"eos: found -2": func(o *Options) { o.EOS = -2 },
	} {
		o := good
		change(&o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) || !usage.Is(err) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestMemory repeats a call and watches the memory of the process.
func TestMemory(t *testing.T) {
	if _, err := os.Stat("/proc/self/statm"); err != nil {
		t.Skip("skipped: no /proc/self/statm on this system to read the memory in use from")
	}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		s := newSubject(t, e, 211, 64, 2, 4, 160)
		sampler := s.sampler(t, Options{Temperature: 1, TopP: 1, MaxNewTokens: 48, EOS: 3, BatchRows: 16})
		prompts := randomPrompts(40, 60, 211)
		call := func() {
			if _, err := sampler.Sample(t.Context(), prompts, nil); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			call()
		}
		before := residentMB(t)
		// A call moves about 35 MB of caches through the engine, a third of it when rows are arranged.
		for range 5 {
			call()
		}
		if after := residentMB(t); after > before+30 {
			t.Errorf("%.0f MB after 2 calls, %.0f MB after 7", before, after)
		}
	})
}

func residentMB(t *testing.T) float64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", "self", "statm"))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return float64(pages*os.Getpagesize()) / (1 << 20)
}

// BenchmarkSample draws 64 tokens after each of 32 prompts of 16 tokens.
func BenchmarkSample(b *testing.B) {
	for _, name := range []string{"go", "onnx"} {
		b.Run(name+"/32x80", func(b *testing.B) {
			opened, err := engine.Open(name)
			if err != nil {
				b.Skipf("skipped: engine %s is not here (`make engine` installs ONNX Runtime): %v", name, err)
			}
			s := newSubject(b, golden.Engine{Name: name, Backend: opened.Backend()}, 8192, 256, 6, 4, 128)
			sampler := s.sampler(b, Options{Temperature: 1, TopP: 1, MaxNewTokens: 64, EOS: -1, BatchRows: 32})
			prompts := make([][]int32, 32)
			for i := range prompts {
				for j := range 16 {
					prompts[i] = append(prompts[i], int32(i*31+j*7+1))
				}
			}
			call := func() {
				if _, err := sampler.Sample(b.Context(), prompts, nil); err != nil {
					b.Fatal(err)
				}
			}
			call() // compiles
			for b.Loop() {
				call()
			}
			b.ReportMetric(float64(32*64*b.N)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}
