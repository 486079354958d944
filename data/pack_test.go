package data

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestPack(t *testing.T) {
	for _, test := range []struct {
		name    string
		lengths []int
		seq     int
		want    []place
	}{
		{"the longest first", []int{2, 6, 3}, 8, []place{{0, 6}, {0, 0}, {1, 0}}},
		{"the first row with room", []int{5, 4, 4, 3}, 8, []place{{0, 0}, {1, 0}, {1, 4}, {0, 5}}},
		{"ties in their order", []int{4, 4, 4}, 8, []place{{0, 0}, {0, 4}, {1, 0}}},
		{"one row", []int{1, 2, 3}, 6, []place{{0, 5}, {0, 3}, {0, 0}}},
		{"none", nil, 6, []place{}},
	} {
		if got := pack(test.lengths, test.seq); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// FuzzPack: rows are not overfull, pieces do not overlap, and packs foretells the rows that pack needs.
func FuzzPack(f *testing.F) {
	f.Add([]byte{2, 6, 3}, uint8(8))
	f.Add([]byte{5, 4, 4, 3, 1, 1, 9}, uint8(10))
	f.Add([]byte{}, uint8(1))
	f.Fuzz(func(t *testing.T, pieces []byte, room uint8) {
		seq := int(room)
		d := demand{}
		for _, n := range pieces[:min(len(pieces), 70)] {
			n := 1 + int(n)
			seq = max(seq, n)
			d.lengths = append(d.lengths, n)
			d.cells += n
		}
		places := pack(d.lengths, seq)
		taken, rows := map[place]bool{}, 0
		for i, at := range places {
			rows = max(rows, at.row+1)
			if at.column < 0 || at.column+d.lengths[i] > seq {
				t.Fatalf("%v in rows of %d: %d at %v", d.lengths, seq, d.lengths[i], at)
			}
			for c := range d.lengths[i] {
				if cell := (place{at.row, at.column + c}); taken[cell] {
					t.Fatalf("%v in rows of %d: cell %v is taken twice", d.lengths, seq, cell)
				} else {
					taken[cell] = true
				}
			}
		}
		slices.SortFunc(d.lengths, func(a, b int) int { return b - a })
		if !d.packs(rows, seq) || rows > 0 && d.packs(rows-1, seq) {
			t.Fatalf("%v in rows of %d: packed in %d, foretold otherwise", d.lengths, seq, rows)
		}
		for r := 1; r <= len(d.lengths); r++ {
			if short := d.shortest(r); !d.packs(r, short) || short%shapeStep != 0 {
				t.Fatalf("%v: %d rows of %d do not hold them", d.lengths, r, short)
			}
		}
	})
}

// randomSet draws lengths from one of several distributions.
func randomSet(t testing.TB, random *rand.Rand, n int) *Set {
	most := 8 + random.IntN(500)
	sigma := random.Float64()
	kind := random.IntN(3)
	length := func() int {
		switch kind {
		case 0:
			return 1 + random.IntN(most)
		case 1:
			return 1 + min(most, int(float64(most)/4*math.Exp(sigma*random.NormFloat64())))
		}
		return 1 + most/10 + random.IntN(2)*most*9/10 // short or long
	}
	var pairs []TokenPair
	for range n {
		pairs = append(pairs, TokenPair{Prompt: make([]int32, length()), Chosen: make([]int32, length()), Rejected: make([]int32, length())})
	}
	return setOf(t, pairs)
}

func setOf(t testing.TB, pairs []TokenPair) *Set {
	t.Helper()
	set, err := NewSet("pairs", pairs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = set.Close() })
	return set
}

// TestPackedShapesCostNoMore: with rows of several pairs the batches never cost more than with a row for every pair, and on
// lengths that differ they cost much less.
func TestPackedShapesCostNoMore(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 1))
	sum := 0.0
	const rounds = 40
	for round := range rounds {
		set := randomSet(t, random, 20+random.IntN(200))
		options := PlanOptions{BatchSize: 1 + random.IntN(16), Accumulation: 1 + random.IntN(2)*3, AnyOrder: round%4 == 0, Work: Work{
			Position: 1, Pairing: 0.01 * random.Float64() * random.Float64(), Response: random.Float64() * random.Float64() * 4,
		}}
		plan, err := NewPlan(set, options)
		if err != nil {
			t.Fatal(err)
		}
		plan.arrangement = options.arrangements()[0] // compare the shapes alone
		if options.AnyOrder {
			plan.fixed = slices.Concat(plan.divide(permutation[int32](set.Len(), 0, 0), draw{})...)
		}
		packed := plan.chooseShapes()
		s := search{work: options.Work, rows: plan.numbersOfRows()[:1], packed: map[[2]int][]bool{}}
		if s.batches = plan.batchesOf(8, options.sampleSize()); options.AnyOrder {
			s.batches = some(plan.batchesOf(1, set.Len()), options.sampleSize())
		}
		s.largest = s.candidate(plan.largestShape())
		_, apart := s.choose(DefaultShapes)
		if packed > apart*(1+1e-9) {
			t.Errorf("round %d, %+v: packed %.0f a batch, a row for every pair %.0f", round, options, packed, apart)
		}
		sum += packed / apart
	}
	t.Logf("packed batches cost %.2f of the others, in the mean", sum/rounds)
	if sum/rounds > 0.92 {
		t.Errorf("packed batches cost %.2f of the others, in the mean; want less than 0.92", sum/rounds)
	}
}

// TestDeal: batches of a deal are full, but for the last, and cost alike.
func TestDeal(t *testing.T) {
	var pairs []TokenPair
	for i := range 11 {
		pairs = append(pairs, TokenPair{Prompt: make([]int32, 10*(i+1)), Chosen: make([]int32, 1), Rejected: make([]int32, 1)})
	}
	p := &Plan{set: setOf(t, pairs), arrangement: dealt, options: PlanOptions{BatchSize: 4, Work: Work{Position: 1}}}
	// A pair of number i has 10·i + 12 cells. 112, 102 and 92 open the batches, 82, 72 and 62 bring each to 174; 52, 42 and 32
	// go to them in their order, the last, which has three pairs, is full, and of 226 and 216 the second gets 22.
	want := [][]int32{{10, 5, 4, 0}, {9, 6, 3, 1}, {8, 7, 2}}
	got := p.divide([]int32{3, 1, 2, 0, 5, 4, 10, 9, 8, 7, 6}, draw{})
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("dealt %v, want %v", got, want)
	}
}

func TestCost(t *testing.T) {
	w := Work{Position: 3, Pairing: 0.5, Response: 7}
	// 2 rows of 8 cells: 16 positions, 2·8·8 pairings.
	if got, want := w.Cost(Shape{Rows: 2, Seq: 8, Responses: 5}), 16*3+128*0.5+5*7.0; got != want {
		t.Errorf("cost %v, want %v", got, want)
	}
}
