package likelihood

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGroups(t *testing.T) {
	a, b := []int32{1, 2, 3}, []int32{1, 2}
	requests := []Request{
		{b, []int32{7}}, {a, []int32{4, 5}}, {[]int32{1, 2}, []int32{8}}, {a, []int32{4, 5, 6}}, {a, make([]int32, 5)},
	}
	got := groups(requests, 8)
	want := []group{
		{a, []int{4}, 7},    // 3 and 4; with the other two it would have 10
		{a, []int{1, 3}, 6}, // 3, 1 and 2
		{b, []int{0, 2}, 2}, // answers of one token are not read
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(group{})); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	long := []Request{{make([]int32, 20), []int32{1}}, {make([]int32, 20), []int32{2, 3}}}
	if got := groups(long, 8); len(got) != 1 {
		t.Errorf("a text longer than the limit is read %d times", len(got))
	}
}

// TestFill: every group is in exactly one row, and no row has more than its length.
func TestFill(t *testing.T) {
	left := groups(questions(200), 128)
	want := map[int]int{}
	for _, g := range left {
		for _, m := range g.members {
			want[m]++
		}
	}
	got, batches, read, cells := map[int]int{}, 0, 0, 0
	for len(left) > 0 {
		var rows [][]group
		var seq int
		rows, seq, left = fill(left, 256)
		batches++
		cells += seq * rowCount(len(rows), 256/seq)
		for _, row := range rows {
			n := 0
			for _, g := range row {
				n += g.cells
				for _, m := range g.members {
					got[m]++
				}
			}
			read += n
			if n > seq {
				t.Errorf("%d tokens in a row of %d", n, seq)
			}
		}
		if len(rows)*seq > 256 {
			t.Errorf("%d rows of %d tokens, more than 256 in all", len(rows), seq)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests in the rows (-want +got):\n%s", diff)
	}
	if float64(read) < 0.8*float64(cells) {
		t.Errorf("%d tokens in %d cells of %d batches", read, cells, batches)
	}
}

func TestSizes(t *testing.T) {
	for _, test := range [][3]int{{5, 8, 8}, {4, 8, 4}, {1, 8, 1}, {1, 32, 4}, {3, 5, 5}, {1, 0, 1}} {
		if got := rowCount(test[0], test[1]); got != test[2] {
			t.Errorf("%d rows of at most %d: got %d, want %d", test[0], test[1], got, test[2])
		}
	}
	for _, test := range [][2]int{{1, 16}, {17, 64}, {300, 1024}} {
		if got := targetCount(test[0]); got != test[1] {
			t.Errorf("%d targets: got %d, want %d", test[0], got, test[1])
		}
	}
}

// TestBatch lays two texts out.
func TestBatch(t *testing.T) {
	requests := []Request{{[]int32{1, 2}, []int32{3, 4}}, {[]int32{1, 2}, []int32{5, 6, 7}}, {[]int32{8}, []int32{9}}}
	got := newBatch(requests, [][]group{groups(requests, 100)}, 1, 8, 0)
	want := &batch{
		rows: 1, seq: 8,
		tokens:    []int64{1, 2, 3, 5, 6, 8, 0, 0},
		positions: []int64{0, 1, 2, 2, 3, 0, 0, 0},
		text:      []int64{1, 1, 1, 1, 1, 2, 0, 0},
		branch:    []int64{0, 0, 1, 2, 2, 0, 0, 0},
		predict:   []int64{1, 2, 1, 3, 4, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		target:    []int64{3, 4, 5, 6, 7, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		owner:     []int{0, 0, 1, 1, 1, 2},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(batch{})); diff != "" {
		t.Errorf("batch (-want +got):\n%s", diff)
	}
}
