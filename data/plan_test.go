package data_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/data"
)

func TestOrder(t *testing.T) {
	// Pinned: a change would alter every resumed run.
	if got, want := data.Order(8, 1, 42), []int{7, 2, 0, 6, 5, 3, 4, 1}; !slices.Equal(got, want) {
		t.Errorf("Order(8, 1, 42) = %v, want %v", got, want)
	}
	a, b, c := data.Order(100, 0, 7), data.Order(100, 1, 7), data.Order(100, 0, 8)
	if slices.Equal(a, b) || slices.Equal(a, c) {
		t.Error("epochs or seeds share an order")
	}
	slices.Sort(a)
	for i, v := range a {
		if v != i {
			t.Fatalf("not a permutation: %v", a)
		}
	}
	if got := data.Order(0, 0, 0); len(got) != 0 {
		t.Errorf("Order(0) = %v", got)
	}
}

// TestOrderIsUniform counts how often each value comes first.
func TestOrderIsUniform(t *testing.T) {
	const n, epochs = 5, 20000
	counts := make([]float64, n)
	for epoch := range epochs {
		counts[data.Order(n, epoch, 3)[0]]++
	}
	const mean = epochs / n
	tolerance := 5 * math.Sqrt(mean*(1-1.0/n)) // five standard deviations of a binomial count
	for value, count := range counts {
		if math.Abs(count-mean) > tolerance {
			t.Errorf("%d comes first %v times, want %d ± %.0f", value, count, mean, tolerance)
		}
	}
}

// logNormalSet draws prompts and responses of log-normal lengths, cut like a real set's at maxLength.
func logNormalSet(t testing.TB, n int, supervised bool, median, sigma float64, maxLength int) *data.Set {
	random := rand.New(rand.NewPCG(uint64(n), 5))
	length := func(median float64, most int) int {
		return max(1, min(most, int(median*math.Exp(sigma*random.NormFloat64()))))
	}
	var pairs []data.TokenPair
	for i := range n {
		prompt := make([]int32, length(median/2, maxLength/2))
		p := data.TokenPair{Prompt: prompt, Chosen: make([]int32, length(median, maxLength-len(prompt)))}
		if !supervised {
			p.Rejected = make([]int32, length(median, maxLength-len(prompt)))
		}
		p.Prompt[0] = int32(i) // tells the pairs apart
		pairs = append(pairs, p)
	}
	return setOf(t, pairs...)
}

func TestPlanShapesAndPadding(t *testing.T) {
	const epochs = 3
	for _, layout := range layouts {
		for _, supervised := range []bool{false, true} {
			for _, batchSize := range []int{1, 4, 16, 64} {
				for _, accumulation := range []int{1, 8} {
					name := fmt.Sprintf("%v/supervised=%v/%dx%d", layout, supervised, batchSize, accumulation)
					set := logNormalSet(t, 300, supervised, 60, 0.7, 512)
					plan, err := data.NewPlan(set, data.PlanOptions{Layout: layout, BatchSize: batchSize, Accumulation: accumulation, Seed: 9})
					if err != nil {
						t.Fatal(err)
					}
					u := useOf(t, plan, epochs)
					t.Logf("%s: %d shapes; used %.0f %% of the cells and %.0f %% of the response places, %.0f %% and %.0f %% with one shape",
						name, len(u.shapes), 100*u.cells, 100*u.responses, 100*u.cellsOne, 100*u.responsesOne)
					if len(u.shapes) > 4 {
						t.Errorf("%s: %d shapes in %d epochs, want at most 4", name, len(u.shapes), epochs)
					}
					if u.cells < u.cellsOne || u.responses < u.responsesOne {
						t.Errorf("%s: more padding than with one shape", name)
					}
					// Batches of one pair, and those cut from a sorted step, have much to gain.
					if (batchSize == 1 || accumulation == 8) && u.cells < 1.8*u.cellsOne {
						t.Errorf("%s: %.2f of the cells are used, want at least 1.8 times the %.2f of one shape", name, u.cells, u.cellsOne)
					}
				}
			}
		}
	}
}

// use tells how full the arrays of a plan's batches are.
type use struct {
	shapes                 map[[3]int]bool
	cells, responses       float64 // share that is not padding
	cellsOne, responsesOne float64 // the same had all batches the largest shape
}

func useOf(t *testing.T, plan *data.Plan, epochs int) use {
	t.Helper()
	u := use{shapes: map[[3]int]bool{}}
	var cells, filled, responses, predicted, batches int
	for step, err := range plan.Steps(0) {
		if err != nil {
			t.Fatal(err)
		}
		if step.Epoch == epochs {
			break
		}
		for _, b := range step.Batches {
			batches++
			u.shapes[[3]int{b.Rows, b.Seq, b.Responses}] = true
			cells, responses = cells+b.Rows*b.Seq, responses+b.Responses
			filled += len(b.Pair) - count(b.Pair, 0)
			predicted += b.Responses - count(b.Owner, int64(2*b.Pairs))
		}
	}
	largest := plan.Shapes()[len(plan.Shapes())-1]
	u.cells, u.responses = float64(filled)/float64(cells), float64(predicted)/float64(responses)
	u.cellsOne = float64(filled) / float64(batches*largest.Rows*largest.Seq)
	u.responsesOne = float64(predicted) / float64(batches*largest.Responses)
	return u
}

func count(values []int64, value int64) int {
	n := 0
	for _, v := range values {
		if v == value {
			n++
		}
	}
	return n
}

func TestPlanEpoch(t *testing.T) {
	set := logNormalSet(t, 103, false, 10, 0.5, 64)
	for _, sorted := range []bool{false, true} {
		plan, err := data.NewPlan(set, data.PlanOptions{BatchSize: 4, Accumulation: 3, Seed: 1, AnyOrder: sorted})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := plan.StepsPerEpoch(), 9; got != want { // 103 / 12 = 8.6
			t.Errorf("steps an epoch = %d, want %d", got, want)
		}
		var seen []int
		for step, err := range plan.EpochSteps(2) {
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, checkStep(t, set, step)...)
		}
		slices.Sort(seen)
		if want := data.Order(103, 0, 0); len(seen) != len(want) {
			t.Fatalf("an epoch has %d pairs, want %d", len(seen), len(want))
		}
		for i, v := range seen {
			if i != v {
				t.Fatalf("pair %d is missing or seen twice", i)
			}
		}
	}
}

// checkStep checks weights and indices of a step and returns the indices.
func checkStep(t *testing.T, set *data.Set, step data.Step) []int {
	t.Helper()
	var indices []int
	total := float32(0)
	for _, b := range step.Batches {
		for slot, p := range b.Unpack() {
			want, err := set.Pair(b.Index[slot])
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(p.Prompt, want.Prompt) || !slices.Equal(p.Chosen, want.Chosen) || !slices.Equal(p.Given, want.Given) {
				t.Errorf("step %d: slot %d does not hold pair %d", step.Number, slot, b.Index[slot])
			}
		}
		for _, w := range b.Weight {
			total += w
		}
		indices = append(indices, b.Index...)
	}
	if math.Abs(float64(total-1)) > 1e-6 {
		t.Errorf("step %d: weights sum to %v, want 1", step.Number, total)
	}
	if step.Pairs != len(indices) {
		t.Errorf("step %d: %d pairs, want %d", step.Number, step.Pairs, len(indices))
	}
	return indices
}

// TestPlanResumes: a run that stops anywhere and goes on sees what an unbroken run sees.
func TestPlanResumes(t *testing.T) {
	set := logNormalSet(t, 50, false, 10, 0.5, 64)
	options := data.PlanOptions{BatchSize: 4, Accumulation: 2, Seed: 11}
	whole := takeSteps(t, set, options, 0, 20) // nearly three epochs
	for from := 0; from < 20; from += 3 {
		if d := cmp.Diff(whole[from:], takeSteps(t, set, options, from, 20-from)); d != "" {
			t.Fatalf("resumed at step %d (-whole +resumed):\n%s", from, d)
		}
	}
	plan, err := data.NewPlan(set, options)
	if err != nil {
		t.Fatal(err)
	}
	one, err := plan.Step(13)
	if d := cmp.Diff(whole[13], one); err != nil || d != "" {
		t.Errorf("Step(13): %v (-want +got):\n%s", err, d)
	}
}

func takeSteps(t *testing.T, set *data.Set, options data.PlanOptions, from, n int) []data.Step {
	t.Helper()
	plan, err := data.NewPlan(set, options)
	if err != nil {
		t.Fatal(err)
	}
	var steps []data.Step
	for step, err := range plan.Steps(from) {
		if err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
		if len(steps) == n {
			break
		}
	}
	return steps
}

func TestPlanProgress(t *testing.T) {
	set := logNormalSet(t, 10, false, 10, 0.5, 64)
	plan, err := data.NewPlan(set, data.PlanOptions{BatchSize: 4})
	if err != nil {
		t.Fatal(err)
	}
	for done, want := range []float64{0, 0.4, 0.8, 1, 1.4} {
		if got := plan.Epoch(done); math.Abs(got-want) > 1e-12 {
			t.Errorf("after %d steps: epoch %v, want %v", done, got, want)
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	set := logNormalSet(t, 10, false, 10, 0.5, 64)
	for _, c := range []struct {
		name    string
		set     *data.Set
		options data.PlanOptions
	}{
		{"no pairs", &data.Set{}, data.PlanOptions{BatchSize: 1}},
		{"no batch size", set, data.PlanOptions{}},
		{"negative shapes", set, data.PlanOptions{BatchSize: 1, Shapes: -1}},
		{"negative work", set, data.PlanOptions{BatchSize: 1, Work: data.Work{Position: 1, Response: -1}}},
	} {
		if _, err := data.NewPlan(c.set, c.options); err == nil {
			t.Errorf("%s: no error", c.name)
		}
	}
}

func BenchmarkNewPlan(b *testing.B) {
	set := logNormalSet(b, 20000, false, 60, 0.7, 512)
	for _, size := range []int{4, 32, 512} {
		b.Run(fmt.Sprintf("%d pairs", size), func(b *testing.B) {
			for b.Loop() {
				if _, err := data.NewPlan(set, data.PlanOptions{BatchSize: size, Accumulation: 8}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
