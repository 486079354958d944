package onnxgraph

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestThrough: where the elements of a kernel's space lie in the input of a broadcast or transposition.
func TestThrough(t *testing.T) {
	heads := space{[]int{4, 8, 5}, 6} // batch, heads, positions, width
	rows := space{[]int{20}, 48}
	for name, c := range map[string]struct {
		space         space
		from          layout
		dims, strides []int
		want          layout
		ok            bool
	}{
		"a bias of every row":       {rows, rows.identity(), []int{20, 48}, []int{0, 1}, layout{[]int{0}, 1}, true},
		"a number of every row":     {rows, rows.identity(), []int{4, 5, 48}, []int{5, 1, 0}, layout{[]int{1}, 0}, true},
		"a mask of all heads":       {heads, heads.identity(), []int{4, 8, 5, 6}, []int{30, 0, 6, 1}, layout{[]int{30, 0, 6}, 1}, true},
		"heads out of one matrix":   {heads, heads.identity(), []int{4, 8, 5, 6}, []int{240, 6, 48, 1}, layout{[]int{240, 6, 48}, 1}, true},
		"a bias behind that":        {heads, layout{[]int{240, 6, 48}, 1}, []int{20, 48}, []int{0, 1}, layout{[]int{0, 6, 0}, 1}, true},
		"columns become rows":       {rows, rows.identity(), []int{20, 48}, []int{1, 20}, layout{}, false},
		"rows that are not of one":  {rows, rows.identity(), []int{4, 5, 48}, []int{0, 48, 1}, layout{}, false},
		"axes of length one":        {space{[]int{3, 1}, 2}, space{[]int{3, 1}, 2}.identity(), []int{3, 1, 2}, []int{2, 0, 1}, layout{[]int{2, 0}, 1}, true},
		"one number for everything": {rows, rows.identity(), []int{20, 48}, []int{0, 0}, layout{[]int{0}, 0}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := c.space.through(c.from, c.dims, c.strides)
			if ok != c.ok || ok && (got.last != c.want.last || !slices.Equal(got.leading, c.want.leading)) {
				t.Errorf("%v %v, want %v %v", got, ok, c.want, c.ok)
			}
			if !ok {
				return
			}
			for i, at := range places(c.space, c.from) { // element by element
				want := 0
				for axis, stride := range contiguous(c.dims) {
					want += at / stride % c.dims[axis] * c.strides[axis]
				}
				if have := places(c.space, got)[i]; have != want {
					t.Fatalf("element %d of the space is the input's %d, want %d", i, have, want)
				}
			}
		})
	}
}

// places lists the elements that a layout points to, in the space's order.
func places(s space, l layout) []int {
	var list []int
	for row := range s.rows() {
		at, rest := 0, row
		for axis := len(s.leading) - 1; axis >= 0; axis-- {
			at += rest % s.leading[axis] * l.leading[axis]
			rest /= s.leading[axis]
		}
		for column := range s.columns {
			list = append(list, at+column*l.last)
		}
	}
	return list
}

// TestOneRow wants the layouts of a value and of the same value repeated along axes of length one to be the same: one kernel
// then reduces rows and goes on with them.
func TestOneRow(t *testing.T) {
	s := space{leading: []int{32, 1}, columns: 256}
	if diff := cmp.Diff([]int{256, 0}, s.identity().leading); diff != "" {
		t.Errorf("distances of rows (-want +got):\n%s", diff)
	}
	rows := s.perRow()
	repeated, ok := s.through(s.identity(), []int{32, 1, 256}, []int{1, 1, 0})
	if !ok || repeated.last != rows.last || !cmp.Equal(repeated.leading, rows.leading) {
		t.Errorf("numbers of rows: %v, repeated over columns: %v", rows, repeated)
	}
}
