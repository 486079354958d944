package bench

import (
	"testing"

	"github.com/sparsepo/sparsepo/data"
)

// TestUsefulWork: two prompt tokens; a chosen response of three and a rejected one of one.
func TestUsefulWork(t *testing.T) {
	pairs := []data.TokenPair{{Prompt: []int32{1, 2}, Chosen: []int32{3, 4, 5}, Rejected: []int32{6}}}
	for _, c := range []struct {
		name string
		work data.Work
		want float64
	}{
		{"positions", data.Work{Position: 10}, 10 * (2 + 3 + 1)},
		{"pairs of positions", data.Work{Pairing: 1}, (1 + 2) + (3 + 4 + 5) + 3}, // what each sees, itself among it
		{"response tokens", data.Work{Response: 100}, 100 * 4},
	} {
		if got := usefulWork(pairs, c.work); got != c.want {
			t.Errorf("%s: %g, want %g", c.name, got, c.want)
		}
	}
	pairs[0].Given = []data.Span{{First: 1, End: 2}}
	if got := usefulWork(pairs, data.Work{Response: 100}); got != 300 {
		t.Errorf("response tokens, one of which is not learned: %g, want 300", got)
	}
}
