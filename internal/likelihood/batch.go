package likelihood

import (
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/sparsepo/sparsepo/internal/beginning"
)

// minRow is the length of the shortest rows.
const minRow = 32

// group is a text with continuations that stand behind it in one row.
type group struct {
	prefix  []int32
	members []int // requests
	cells   int   // tokens that are read: the prefix, and all but the last one of each continuation
}

// groups gathers the requests of the same text, the largest groups first. One is divided where it would have more cells than
// the limit and than twice its text.
func groups(requests []Request, limit int) []group {
	var list []group
	open := map[string]int{} // the group that a text's next continuation joins
	for i, r := range requests {
		text, more := beginning.Key(r.Prefix), len(r.Continuation)-1
		at, ok := open[text]
		if !ok || list[at].cells+more > max(limit, 2*len(r.Prefix)) {
			at = len(list)
			open[text] = at
			list = append(list, group{prefix: r.Prefix, cells: len(r.Prefix)})
		}
		list[at].members = append(list[at].members, i)
		list[at].cells += more
	}
	slices.SortStableFunc(list, func(a, b group) int { return b.cells - a.cells })
	return list
}

// patience is the number of groups that may find no room in a batch before it counts as full. Ours.
const patience = 64

// fill puts groups into the rows of one batch: each into the first row with room for it. The row length holds the first
// group, the largest; there are as many rows as the limit on their tokens allows.
func fill(list []group, limit int) (rows [][]group, seq int, left []group) {
	seq = beginning.Length(list[0].cells, minRow)
	most := max(1, limit/seq)
	var free []int
	for i, g := range list {
		at := slices.IndexFunc(free, func(n int) bool { return n >= g.cells })
		switch {
		case at >= 0:
		case len(rows) < most:
			at = len(rows)
			rows, free = append(rows, nil), append(free, seq)
		default:
			left = append(left, g)
			if len(left) == patience {
				return rows, seq, append(left, list[i+1:]...)
			}
			continue
		}
		rows[at] = append(rows[at], g)
		free[at] -= g.cells
	}
	return rows, seq, left
}

// rowCount is the smallest number of rows that graphs are compiled for and that holds n: the most, or a half, a quarter or
// an eighth of it.
func rowCount(n, most int) int {
	count := max(1, most)
	for range 3 {
		if count%2 == 0 && count/2 >= n {
			count /= 2
		}
	}
	return count
}

// targetCount is the smallest number of targets that graphs are compiled for and that holds n.
func targetCount(n int) int {
	count := 16
	for count < n {
		count *= 4
	}
	return count
}

// batch is what the graph reads at once.
type batch struct {
	rows, seq int
	position  int // of the texts' first tokens

	tokens    []int64 // [rows*seq]; 0 at padding
	positions []int64 // [rows*seq] place in the text and its continuation; 0 at padding
	text      []int64 // [rows*seq] 1 and up, by row; 0 at padding
	branch    []int64 // [rows*seq] 0 in texts; 1 and up in their continuations

	predict []int64 // [targets] cell whose logits predict the target
	target  []int64 // [targets]
	owner   []int   // request of each target that is no padding
}

// newBatch lays groups out in rows. Their texts begin at the given position.
func newBatch(requests []Request, rows [][]group, count, seq, position int) *batch {
	n := count * seq
	b := &batch{
		rows: count, seq: seq, position: position,
		tokens: make([]int64, n), positions: make([]int64, n), text: make([]int64, n), branch: make([]int64, n),
	}
	for i, row := range rows {
		at := i * seq
		for j, g := range row {
			b.add(requests, g, at, int64(j+1))
			at += g.cells
		}
	}
	padded := targetCount(len(b.owner))
	b.predict = append(b.predict, make([]int64, padded-len(b.owner))...)
	b.target = append(b.target, make([]int64, padded-len(b.owner))...)
	return b
}

// add puts a group into the cells from the given one on.
func (b *batch) add(requests []Request, g group, first int, text int64) {
	at := first
	put := func(ids []int32, position, branch int) {
		for i, id := range ids {
			b.tokens[at], b.positions[at], b.text[at], b.branch[at] = int64(id), int64(position+i), text, int64(branch)
			at++
		}
	}
	put(g.prefix, b.position, 0)
	last := at - 1
	for i, member := range g.members {
		continuation, from := requests[member].Continuation, at
		put(continuation[:len(continuation)-1], b.position+len(g.prefix), i+1)
		for k, id := range continuation {
			cell := last
			if k > 0 {
				cell = from + k - 1
			}
			b.predict, b.target, b.owner = append(b.predict, int64(cell)), append(b.target, int64(id)), append(b.owner, member)
		}
	}
}

// inputs are the graph's arguments.
func (b *batch) inputs() []*tensors.Tensor {
	var list []*tensors.Tensor
	for _, cells := range [][]int64{b.tokens, b.positions, b.text, b.branch} {
		list = append(list, tensors.FromFlatDataAndDimensions(cells, b.rows, b.seq))
	}
	for _, targets := range [][]int64{b.predict, b.target} {
		list = append(list, tensors.FromFlatDataAndDimensions(targets, len(targets)))
	}
	return list
}
