package data_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/data"
)

var layouts = []data.Layout{data.SharedPrompt, data.Separate}

func TestCollateSharedPrompt(t *testing.T) {
	pairs := []data.TokenPair{{Prompt: []int32{1, 2}, Chosen: []int32{3, 4}, Rejected: []int32{5}}}
	shape := data.Shape{Layout: data.SharedPrompt, Slots: 2, Rows: 2, Seq: 6, Responses: 4}
	got, err := data.Collate(pairs, shape)
	if err != nil {
		t.Fatal(err)
	}
	want := data.Batch{
		Rows: 2, Seq: 6, Pairs: 2, Responses: 4,
		Tokens:     []int64{1, 2, 3, 4, 5, 0, 0, 0, 0, 0, 0, 0},
		Positions:  []int64{0, 1, 2, 3, 2, 0, 0, 0, 0, 0, 0, 0},
		Pair:       []int64{1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0},
		Side:       []int64{0, 0, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0},
		Predict:    []int64{1, 2, 1, 0},
		Target:     []int64{3, 4, 5, 0},
		Owner:      []int64{0, 0, 2, 4},
		Weight:     []float32{1, 0},
		Index:      []int{0},
		RealTokens: 2 + 2 + 2 + 1,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("batch (-want +got):\n%s", d)
	}
}

func TestCollatePacked(t *testing.T) {
	pairs := []data.TokenPair{
		{Prompt: []int32{1}, Chosen: []int32{2}, Rejected: []int32{3}},
		{Prompt: []int32{4, 5}, Chosen: []int32{6, 7}, Rejected: []int32{8}},
		{Prompt: []int32{9}, Chosen: []int32{1}, Rejected: []int32{2}},
	}
	shape := data.Shape{Layout: data.SharedPrompt, Slots: 4, Rows: 2, Seq: 8, Responses: 8}
	got, err := data.Collate(pairs, shape)
	if err != nil {
		t.Fatal(err)
	}
	// The second pair is the longest and comes first, the first has room after it, the third opens a row.
	want := data.Batch{
		Rows: 2, Seq: 8, Pairs: 4, Responses: 8,
		Tokens:     []int64{4, 5, 6, 7, 8, 1, 2, 3 /**/, 9, 1, 2, 0, 0, 0, 0, 0},
		Positions:  []int64{0, 1, 2, 3, 2, 0, 1, 1 /**/, 0, 1, 1, 0, 0, 0, 0, 0},
		Pair:       []int64{2, 2, 2, 2, 2, 1, 1, 1 /**/, 3, 3, 3, 0, 0, 0, 0, 0},
		Side:       []int64{0, 0, 1, 1, 2, 0, 1, 2 /**/, 0, 1, 2, 0, 0, 0, 0, 0},
		Predict:    []int64{5, 5, 1, 2, 1, 8, 8, 0},
		Target:     []int64{2, 3, 6, 7, 8, 1, 2, 0},
		Owner:      []int64{0, 4, 1, 1, 5, 2, 6, 8},
		Weight:     []float32{1. / 3, 1. / 3, 1. / 3, 0},
		Index:      []int{0, 1, 2},
		RealTokens: 4 + 7 + 4,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("batch (-want +got):\n%s", d)
	}
	if d := cmp.Diff(pairs, got.Unpack()); d != "" {
		t.Errorf("unpacked (-want +got):\n%s", d)
	}
}

func TestCollateSeparate(t *testing.T) {
	pairs := []data.TokenPair{{Prompt: []int32{1, 2}, Chosen: []int32{3, 4}, Rejected: []int32{5}}}
	shape := data.Shape{Layout: data.Separate, Slots: 2, Rows: 4, Seq: 4, Responses: 4}
	got, err := data.Collate(pairs, shape)
	if err != nil {
		t.Fatal(err)
	}
	want := data.Batch{
		Rows: 4, Seq: 4, Pairs: 2, Responses: 4,
		Tokens:     []int64{1, 2, 3, 4, 0, 0, 0, 0, 1, 2, 5, 0, 0, 0, 0, 0},
		Positions:  []int64{0, 1, 2, 3, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0},
		Pair:       []int64{1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0},
		Side:       []int64{0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0},
		Predict:    []int64{1, 2, 9, 0},
		Target:     []int64{3, 4, 5, 0},
		Owner:      []int64{0, 0, 2, 4},
		Weight:     []float32{1, 0},
		Index:      []int{0},
		RealTokens: 7,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("batch (-want +got):\n%s", d)
	}
}

func TestCollateWithoutPrompt(t *testing.T) {
	pairs := []data.TokenPair{{Chosen: []int32{7, 8, 9}}}
	for _, layout := range layouts {
		b, err := data.Collate(pairs, data.Fit(pairs, 1, layout))
		if err != nil {
			t.Fatal(err)
		}
		if want := []int64{8, 9}; !slices.Equal(b.Target, want) {
			t.Errorf("%v: targets %v, want %v: nothing predicts the first token", layout, b.Target, want)
		}
		if want := []int64{0, 1}; !slices.Equal(b.Predict, want) {
			t.Errorf("%v: predicted at %v, want %v", layout, b.Predict, want)
		}
	}
}

func TestCollateRefuses(t *testing.T) {
	pair := data.TokenPair{Source: "x:1", Prompt: []int32{1}, Chosen: []int32{2, 3}, Rejected: []int32{4}}
	fit := data.Fit([]data.TokenPair{pair}, 1, data.SharedPrompt)
	change := func(f func(*data.Shape)) data.Shape { s := fit; f(&s); return s }
	for _, c := range []struct {
		name  string
		pairs []data.TokenPair
		shape data.Shape
	}{
		{"more pairs than slots", []data.TokenPair{pair, pair}, fit},
		{"row too short", []data.TokenPair{pair}, change(func(s *data.Shape) { s.Seq-- })},
		{"too few responses", []data.TokenPair{pair}, change(func(s *data.Shape) { s.Responses-- })},
		{"too few rows", []data.TokenPair{pair}, change(func(s *data.Shape) { s.Layout = data.Separate })},
		{"no room for both in a row", []data.TokenPair{pair, pair}, change(func(s *data.Shape) { s.Slots, s.Seq, s.Responses = 2, 7, 6 })},
		{"empty response", []data.TokenPair{{Prompt: []int32{1}}}, fit},
		{"nothing predicted", []data.TokenPair{{Chosen: []int32{1}}}, fit},
	} {
		if b, err := data.Collate(c.pairs, c.shape); err == nil {
			t.Errorf("%s: no error", c.name)
		} else if d := cmp.Diff(data.Batch{}, b); d != "" {
			t.Errorf("%s: a batch beside the error", c.name)
		}
	}
}

// TestBatchInvariants checks on random pairs what the fields of a batch promise each other.
func TestBatchInvariants(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 400 {
		supervised := round%4 == 0
		pairs := randomPairs(random, 1+random.IntN(6), supervised)
		for _, layout := range layouts {
			shape := data.Fit(pairs, len(pairs)+random.IntN(3), layout)
			shape.Seq += random.IntN(5)
			shape.Responses += random.IntN(5)
			if layout == data.SharedPrompt && round%2 == 0 {
				pack(random, &shape, pairs)
			}
			b, err := data.Collate(pairs, shape)
			if err != nil {
				t.Fatal(err)
			}
			checkBatch(t, b, pairs, shape)
			if t.Failed() {
				t.Fatalf("round %d, %v, pairs %v", round, layout, pairs)
			}
		}
	}
}

// pack takes rows away, and makes those left longer until they hold the pairs.
func pack(random *rand.Rand, shape *data.Shape, pairs []data.TokenPair) {
	for shape.Rows = 1 + random.IntN(len(pairs)); !shape.Holds(pairs); shape.Seq++ {
	}
}

func randomIDs(random *rand.Rand, least int) []int32 {
	ids := make([]int32, least+random.IntN(7))
	for i := range ids {
		ids[i] = random.Int32N(50)
	}
	return ids
}

func randomPairs(random *rand.Rand, n int, supervised bool) []data.TokenPair {
	pairs := make([]data.TokenPair, n)
	for i := range pairs {
		pairs[i] = data.TokenPair{Prompt: randomIDs(random, 1), Chosen: randomIDs(random, 1)}
		if !supervised {
			pairs[i].Rejected = randomIDs(random, 1)
		}
	}
	return pairs
}

func checkBatch(t *testing.T, b data.Batch, pairs []data.TokenPair, shape data.Shape) {
	t.Helper()
	if d := cmp.Diff(pairs, b.Unpack()); d != "" {
		t.Errorf("unpacked (-want +got):\n%s", d)
	}
	real := 0
	for _, p := range pairs {
		real += len(p.Prompt) + len(p.Chosen)
		if len(p.Rejected) > 0 {
			real += len(p.Prompt) + len(p.Rejected)
		}
	}
	if b.RealTokens != real {
		t.Errorf("RealTokens = %d, want %d", b.RealTokens, real)
	}
	for name, n := range map[string]int{"Tokens": len(b.Tokens), "Positions": len(b.Positions), "Pair": len(b.Pair), "Side": len(b.Side)} {
		if n != shape.Rows*shape.Seq {
			t.Errorf("%s has %d cells, want %d", name, n, shape.Rows*shape.Seq)
		}
	}
	checkResponses(t, b, pairs)
	checkRows(t, b, pairs)
	for slot, w := range b.Weight {
		want := float32(0)
		if slot < len(pairs) {
			want = 1 / float32(len(pairs))
		}
		if w != want {
			t.Errorf("weight of slot %d = %v, want %v", slot, w, want)
		}
	}
}

// checkResponses checks the flat list against the rows: the place that predicts comes right before the token it predicts,
// in the token's own segment or at the end of the pair's prompt.
func checkResponses(t *testing.T, b data.Batch, pairs []data.TokenPair) {
	t.Helper()
	sides := make([][]int32, 2*b.Pairs)
	for i := range b.Predict {
		owner := int(b.Owner[i])
		if owner == 2*b.Pairs {
			if b.Target[i] != 0 || b.Predict[i] != 0 {
				t.Errorf("padding response %d is not zero", i)
			}
			continue
		}
		at := int(b.Predict[i])
		slot, side := owner, data.SideChosen
		if owner >= b.Pairs {
			slot, side = owner-b.Pairs, data.SideRejected
		}
		if b.Pair[at] != int64(slot+1) {
			t.Errorf("response %d of slot %d is predicted in slot %d", i, slot, b.Pair[at]-1)
		}
		place := len(sides[owner]) // of the token in its response
		wantPosition := int64(len(pairs[slot].Prompt) + place - 1)
		if b.Positions[at] != wantPosition {
			t.Errorf("response %d is predicted at position %d, want %d", i, b.Positions[at], wantPosition)
		}
		if place == 0 && b.Side[at] != data.SidePrompt || place > 0 && b.Side[at] != side {
			t.Errorf("response %d, token %d of side %d, is predicted on side %d", i, place, side, b.Side[at])
		}
		if place > 0 && (b.Side[at+1] == side && place < len(pairs[slot].Chosen) && side == data.SideChosen) && b.Tokens[at+1] != b.Target[i] {
			t.Errorf("response %d: the cell after its predictor holds %d, want %d", i, b.Tokens[at+1], b.Target[i])
		}
		sides[owner] = append(sides[owner], int32(b.Target[i]))
	}
	for slot, p := range pairs {
		if !slices.Equal(sides[slot], p.Chosen) || !slices.Equal(sides[b.Pairs+slot], p.Rejected) {
			t.Errorf("slot %d: targets %v and %v, want %v and %v", slot, sides[slot], sides[b.Pairs+slot], p.Chosen, p.Rejected)
		}
	}
}

// checkRows checks that every pair stands in one row without a gap, or in the layout Separate in one of each half.
func checkRows(t *testing.T, b data.Batch, pairs []data.TokenPair) {
	t.Helper()
	for slot, p := range pairs {
		var cells []int
		for at, owner := range b.Pair {
			if owner == int64(slot+1) {
				cells = append(cells, at)
			}
		}
		shared := len(p.Prompt) + len(p.Chosen) + len(p.Rejected)
		switch first, last := cells[0], cells[len(cells)-1]; {
		case len(cells) == shared && (first/b.Seq != last/b.Seq || last-first != shared-1):
			t.Errorf("slot %d stands at %v in rows of %d, want one place in one row", slot, cells, b.Seq)
		case len(cells) != shared && (len(cells) != shared+len(p.Prompt) || first != slot*b.Seq || last/b.Seq != b.Pairs+slot):
			t.Errorf("slot %d stands at %v in rows of %d", slot, cells, b.Seq)
		}
	}
}
