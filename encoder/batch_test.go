package encoder

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSeqSize(t *testing.T) {
	tests := []struct{ length, want int }{{1, 16}, {16, 16}, {17, 32}, {33, 64}, {64, 64}, {65, 128}, {129, 192}, {449, 500}, {500, 500}}
	for _, test := range tests {
		if got := seqSize(test.length, 500); got != test.want {
			t.Errorf("seqSize(%d, 500): got %d, want %d", test.length, got, test.want)
		}
	}
}

// Batches hold every sequence once, the longest first, and have few shapes.
func TestBatches(t *testing.T) {
	c := &Config{Vocab: 1000, MaxPositions: 514, Pad: 1, family: &roberta}
	var sequences [][]int32
	for length := range 500 {
		sequences = append(sequences, slices.Repeat([]int32{7}, 1+length*37%500))
	}
	list, err := c.batches(Plain(sequences))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	shapes := map[[2]int]bool{}
	for i, b := range list {
		shapes[[2]int{b.Rows, b.Seq}] = true
		if b.Rows*b.Seq > batchTokens && b.Rows > 1 {
			t.Errorf("batch %d: %d rows of %d tokens, more than %d", i, b.Rows, b.Seq, batchTokens)
		}
		if len(b.Members) > b.Rows || i < len(list)-1 && len(b.Members) < b.Rows {
			t.Errorf("batch %d of %d: %d sequences in %d rows", i, len(list), len(b.Members), b.Rows)
		}
		for _, m := range b.Members {
			if seen[m] || len(sequences[m]) > b.Seq {
				t.Errorf("batch %d: sequence %d, of length %d, is there twice or longer than %d", i, m, len(sequences[m]), b.Seq)
			}
			seen[m] = true
		}
	}
	if len(seen) != len(sequences) {
		t.Errorf("%d sequences in batches, want %d", len(seen), len(sequences))
	}
	if len(shapes) > 11 {
		t.Errorf("%d shapes, want one a length and one for the last batch, 11 at most", len(shapes))
	}
}

// Positions begin after the padding token's id; that token has its own id for a position wherever it stands.
func TestPad(t *testing.T) {
	c := &Config{Vocab: 1000, MaxPositions: 20, Pad: 1, family: &roberta}
	list, err := c.batches(Plain([][]int32{{0, 9, 1, 8, 2}, {5}, {6, 7}}))
	if err != nil || len(list) != 1 {
		t.Fatalf("%d batches, %v; want one", len(list), err)
	}
	b := list[0]
	filled := func(values ...int64) []int64 { return append(values, slices.Repeat([]int64{1}, 16-len(values))...) }
	tokens := slices.Concat(filled(0, 9, 1, 8, 2), filled(6, 7), filled(5), filled())
	positions := slices.Concat(filled(2, 3, 1, 4, 5), filled(2, 3), filled(2), filled())
	for _, d := range []string{
		cmp.Diff([]int{0, 2, 1}, b.Members), cmp.Diff(tokens, b.tokens), cmp.Diff(positions, b.positions),
		cmp.Diff([]int64{5, 2, 1, 1}, b.lengths),
	} {
		if d != "" {
			t.Errorf("batch (-want +got):\n%s", d)
		}
	}
}

func TestBatchesRefuse(t *testing.T) {
	c := &Config{Vocab: 10, MaxPositions: 6, Pad: 1, family: &roberta}
	tests := []struct {
		ids  []int32
		want string
	}{
		{nil, "sequence 2 of 2: 0 tokens; the model reads 1 to 4"},
		{[]int32{2, 3, 4, 5, 6}, "sequence 2 of 2: 5 tokens; the model reads 1 to 4"},
		{[]int32{2, 10}, "token id 10 is outside the model's vocabulary of 10"},
		{[]int32{-1}, "token id -1 is outside"},
	}
	for _, test := range tests {
		if _, err := c.batches(Plain([][]int32{{2, 3, 4, 5}, test.ids})); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: got error %v, want %q", test.ids, err, test.want)
		}
	}
}
