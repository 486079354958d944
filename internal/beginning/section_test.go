package beginning

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func draw(random *rand.Rand, n int) []int32 {
	list := make([]int32, n)
	for i := range list {
		list[i] = int32(random.IntN(37))
	}
	return list
}

// TestDivide: what is shared is what every text begins with, but for its last token, where that saves enough.
func TestDivide(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 1))
	start, other := draw(random, 70), draw(random, 90)
	text := func(parts ...[]int32) []int32 { return slices.Concat(parts...) }
	texts := [][]int32{
		text(start, []int32{1, 2}), text(other, []int32{1}), text([]int32{1, 2}), text(start, []int32{1, 3}), text(other, []int32{2, 2}), text(start[:60]),
	}
	tests := []struct {
		most, saved int
		want        []Section
	}{
		{1000, 64, []Section{{slices.Concat(start, []int32{1}), []int{0, 3}}, {other, []int{1, 4}}, {nil, []int{2, 5}}}},
		{1000, 80, []Section{{other, []int{1, 4}}, {nil, []int{0, 2, 3, 5}}}},
		{66, 64, []Section{{start[:66], []int{0, 3}}, {other[:66], []int{1, 4}}, {nil, []int{2, 5}}}},
		{10, 1, []Section{{nil, []int{0, 1, 2, 3, 4, 5}}}},
		{1000, 200, []Section{{nil, []int{0, 1, 2, 3, 4, 5}}}},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("at most %d, saving %d", test.most, test.saved), func(t *testing.T) {
			if diff := cmp.Diff(test.want, Divide(texts, test.most, test.saved)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	same := [][]int32{text(other), text(other), text(other, []int32{1})}
	want := []Section{{other[:89], []int{0, 1, 2}}} // a text of its own has a token left
	if diff := cmp.Diff(want, Divide(same, 1000, 64)); diff != "" {
		t.Errorf("a text that begins another (-want +got):\n%s", diff)
	}
}

func TestLength(t *testing.T) {
	for _, test := range [][2]int{{1, 32}, {33, 64}, {65, 96}, {97, 128}, {129, 192}, {1000, 1024}, {1025, 1536}} {
		if got := Length(test[0], 32); got != test[1] {
			t.Errorf("rows of %d tokens: got %d, want %d", test[0], got, test[1])
		}
	}
	if got := Length(9, 8); got != 16 {
		t.Errorf("9 tokens from 8 on: got %d, want 16", got)
	}
}
