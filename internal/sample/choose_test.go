package sample

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/golden"
)

// logs are logits of the given weights.
func logs(weights ...float64) []float32 {
	list := make([]float32, len(weights))
	for i, w := range weights {
		list[i] = float32(math.Log(w))
	}
	return list
}

// drawn counts what a chooser takes in many draws.
func drawn(t *testing.T, c chooser, logits []float32, draws int) []int {
	t.Helper()
	random := stream(1, 2, 3)
	counts := make([]int, len(logits))
	for range draws {
		id, _, ok := c.choose(logits, random)
		if !ok {
			t.Fatal("no distribution")
		}
		counts[id]++
	}
	return counts
}

// TestDistribution compares frequencies with the probabilities that remain after temperature, top-k and top-p.
func TestDistribution(t *testing.T) {
	const draws = 40000
	tests := []struct {
		name        string
		temperature float64
		topK        int
		topP        float64
		weights     []float64
		want        []float64 // in proportion
	}{
		{"as they are", 1, 0, 1, []float64{1, 2, 3, 4}, []float64{1, 2, 3, 4}},
		{"scaled", 1, 0, 1, []float64{1e-20, 2e-20, 1e-20}, []float64{1, 2, 1}},
		{"hot", 2, 0, 1, []float64{1, 4, 9}, []float64{1, 2, 3}},
		{"cold", 0.5, 0, 1, []float64{1, 2, 3}, []float64{1, 4, 9}},
		{"greedy", 0, 0, 1, []float64{3, 1, 4, 2}, []float64{0, 0, 1, 0}},
		{"greedy tie", 0, 0, 1, []float64{1, 4, 4}, []float64{0, 1, 0}},
		{"top 2", 1, 2, 1, []float64{1, 4, 2, 3}, []float64{0, 4, 0, 3}},
		{"top 1", 5, 1, 1, []float64{1, 4, 2, 3}, []float64{0, 1, 0, 0}},
		{"top 2 tied with a third", 1, 2, 1, []float64{3, 1, 5, 3}, []float64{3, 0, 5, 3}},
		{"top of more than all", 1, 9, 1, []float64{1, 2}, []float64{1, 2}},
		{"nucleus", 1, 0, 0.65, []float64{1, 4, 2, 3}, []float64{0, 4, 0, 3}},
		{"nucleus of just more", 1, 0, 0.75, []float64{1, 4, 2, 3}, []float64{0, 4, 2, 3}},
		{"nucleus of one", 1, 0, 1e-9, []float64{1, 4, 2, 3}, []float64{0, 1, 0, 0}},
		{"nucleus ends in a tie", 1, 0, 0.5, []float64{2, 2, 4, 2}, []float64{2, 0, 4, 0}},
		{"nucleus after temperature", 0.5, 0, 0.85, []float64{1, 2, 3}, []float64{0, 4, 9}},
		{"nucleus within top 2", 1, 2, 0.55, []float64{5, 4, 3}, []float64{1, 0, 0}},
		{"impossible token", 1, 0, 1, []float64{0, 1, 0, 1}, []float64{0, 1, 0, 1}},
		{"impossible tokens in the top", 1, 3, 1, []float64{0, 1, 0, 1}, []float64{0, 1, 0, 1}},
		{"one token", 1, 0, 0.5, []float64{2}, []float64{1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			counts := drawn(t, chooser{temperature: test.temperature, topK: test.topK, topP: test.topP}, logs(test.weights...), draws)
			total := 0.0
			for _, w := range test.want {
				total += w
			}
			square, freedom := 0.0, -1
			for i, w := range test.want {
				if w == 0 {
					if counts[i] > 0 {
						t.Errorf("token %d was drawn %d times, want never", i, counts[i])
					}
					continue
				}
				expected := draws * w / total
				square += (float64(counts[i]) - expected) * (float64(counts[i]) - expected) / expected
				freedom++
			}
			// χ² stays below its mean by 5 standard deviations but for one seed in a million.
			if bound := float64(freedom) + 5*math.Sqrt(2*float64(freedom)); square > bound {
				t.Errorf("counts %v, want in proportion %v: χ² %.1f, bound %.1f", counts, test.want, square, bound)
			}
		})
	}
}

// TestLogProb wants the log-probability at temperature 1 over all tokens, whatever was excluded.
func TestLogProb(t *testing.T) {
	c := chooser{temperature: 0.3, topK: 2, topP: 0.9}
	random := stream(1, 1, 1)
	weights := []float64{1, 4, 2, 3}
	for range 20 {
		id, logProb, ok := c.choose(logs(weights...), random)
		if !ok {
			t.Fatal("no distribution")
		}
		golden.Close(t, "log-probability", float64(logProb), math.Log(weights[id]/10), 1e-6)
	}
}

func TestNoDistribution(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, logits := range [][]float32{{nan, 1}, {1, nan}, {1, inf}, {inf, inf}, {-inf, -inf}, {nan}} {
		for _, temperature := range []float64{0, 1, 0.5} {
			c := chooser{temperature: temperature, topP: 1}
			if id, _, ok := c.choose(logits, stream(0, 0, 0)); ok {
				t.Errorf("%v at temperature %g: chose %d", logits, temperature, id)
			}
		}
	}
	c := chooser{temperature: 5e-324, topP: 1}
	if id, _, ok := c.choose([]float32{1, 2, -inf}, stream(0, 0, 0)); !ok || id != 1 {
		t.Errorf("at the lowest temperature: chose %d, %v", id, ok)
	}
}

// TestBoundary compares the selection with a sorted list.
func TestBoundary(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		list := make([]ranked, 1+random.IntN(30))
		total := 0.0
		for i := range list {
			weight := float64(1 + random.IntN(8)) // whole numbers: sums are exact, and ties frequent
			list[i] = ranked{weight: weight, mass: weight, id: int32(i)}
			total += weight
		}
		need := math.Ceil(random.Float64() * total)
		sorted := slices.SortedFunc(slices.Values(list), func(a, b ranked) int {
			if a.before(b) {
				return -1
			}
			return 1
		})
		var want ranked
		for sum, i := 0.0, 0; sum < max(need, 1); i++ {
			want = sorted[i]
			sum += want.mass
		}
		if got := boundary(slices.Clone(list), need); got != want {
			t.Fatalf("%v of %v: got %v, want %v", need, sorted, got, want)
		}
	}
	list := []ranked{{1, 1, 0}, {3, 3, 1}}
	if got := boundary(list, 5); got.id != 0 {
		t.Errorf("more than there is: got %v, want the last", got)
	}
}

// TestExponentials compares both ways to compute them with math.Exp.
func TestExponentials(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	from := []float32{2, 2, 1.5, -705, -1e9, float32(math.Inf(-1)), 2 - 0x1p-20}
	for range 1000 {
		from = append(from, float32(2-40*random.Float64()))
	}
	for name, exponentials := range map[string]func([]float64, []float32, float32, float64) float64{"plain": exponentialsPlain, "fastest": exponentials} {
		for _, scale := range []float64{1, 0.1, 1 / 0.7, 3} {
			to, sum := make([]float64, len(from)), 0.0
			total := exponentials(to, from, 2, scale)
			for i, x := range from {
				want := math.Exp(float64(x-2) * scale)
				if want < 0x1p-1022 {
					want = 0
				}
				golden.Close(t, name, to[i], want, 1e-9*want)
				sum += to[i]
			}
			if to[0] != 1 || to[1] != 1 || to[4] != 0 || to[5] != 0 || math.Abs(total-sum) > 1e-12*sum {
				t.Errorf("%s, scale %g: exp(0) is %v, exp(-1e9) is %v, the sum %v, want %v", name, scale, to[0], to[4], total, sum)
			}
		}
		for place := range 9 {
			list := make([]float32, 9)
			list[place] = float32(math.NaN())
			if total := exponentials(make([]float64, 9), list, 0, 1); !math.IsNaN(total) {
				t.Errorf("%s, NaN at %d: %v", name, place, total)
			}
		}
	}
}

func TestLargest(t *testing.T) {
	for length := 1; length < 40; length++ {
		for place := range length {
			list := make([]float32, length)
			for i := range list {
				list[i] = -3 - float32(i%5)
			}
			list[place] = -2
			if got := largest(list); got != -2 {
				t.Errorf("%v: got %v", list, got)
			}
		}
	}
}

// TestDraw wants every token drawn from its own part of the random numbers, also where long lists are added up in parts.
func TestDraw(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for _, length := range []int{1, 63, 64, 65, 1000} {
		c := chooser{weights: make([]float64, length)}
		total := 0.0
		for i := range c.weights {
			if random.IntN(3) > 0 || i == length/2 {
				c.weights[i] = float64(1 + random.IntN(8)) // whole numbers: sums are exact
			}
			total += c.weights[i]
		}
		for seed := range uint64(200) {
			left := float64(rand.NewPCG(seed, 1).Uint64()>>11) / (1 << 53) * total
			want := slices.IndexFunc(c.weights, func(w float64) bool {
				left -= w
				return left < 0
			})
			if got := c.draw(total, rand.NewPCG(seed, 1)); got != want {
				t.Fatalf("%d tokens, seed %d: got %d, want %d", length, seed, got, want)
			}
		}
		last := length - 1
		for c.weights[last] == 0 {
			last--
		}
		if got := c.draw(1e9, rand.NewPCG(1, 1)); got != last {
			t.Errorf("%d tokens, past the end: got %d, want the last of any weight, %d", length, got, last)
		}
	}
}

// TestStream wants streams that differ from each other and never change.
func TestStream(t *testing.T) {
	seen := map[uint64]bool{}
	for seed := range uint64(5) {
		for prompt := range 20 {
			for sample := range 20 {
				x := stream(seed, prompt, sample).Uint64()
				if seen[x] {
					t.Fatalf("stream %d, %d, %d begins as another", seed, prompt, sample)
				}
				seen[x] = true
			}
		}
	}
	// Of no meaning; responses drawn with a seed should be the same after an upgrade.
	if diff := cmp.Diff([]uint64{2005425208605080986}, []uint64{stream(1, 2, 3).Uint64()}); diff != "" {
		t.Errorf("first number of stream 1, 2, 3 (-want +got):\n%s", diff)
	}
}

func TestSizes(t *testing.T) {
	for _, test := range [][3]int{{32, 32, 32}, {32, 17, 32}, {32, 16, 16}, {32, 5, 8}, {32, 4, 4}, {32, 1, 4}, {12, 1, 3}, {5, 1, 5}, {1, 1, 1}} {
		s := &Sampler{options: Options{BatchRows: test[0]}}
		if got := s.rowSize(test[1]); got != test[2] {
			t.Errorf("batch of %d, %d rows: got %d, want %d", test[0], test[1], got, test[2])
		}
	}
}

func BenchmarkChoose(b *testing.B) {
	random := rand.New(rand.NewPCG(3, 4))
	logits := make([]float32, 50257)
	for i := range logits {
		logits[i] = float32(random.NormFloat64() * 3)
	}
	for _, bench := range []struct {
		name string
		c    chooser
	}{
		{"all", chooser{temperature: 1, topP: 1}},
		{"temperature", chooser{temperature: 0.7, topP: 1}},
		{"top-k", chooser{temperature: 1, topK: 50, topP: 1}},
		{"top-p", chooser{temperature: 1, topP: 0.95}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			source := stream(0, 0, 0)
			for b.Loop() {
				bench.c.choose(logits, source)
			}
		})
	}
}
