package data

import "slices"

// place is where a pair begins in the rows of a batch.
type place struct{ row, column int }

// packer fills rows of so many cells, first fit: a piece goes to the first row that has room for it.
type packer struct {
	seq    int
	filled []int // cells in use, a row
}

func (p *packer) add(length int) place {
	for row, n := range p.filled {
		if n+length <= p.seq {
			p.filled[row] += length
			return place{row, n}
		}
	}
	p.filled = append(p.filled, length)
	return place{len(p.filled) - 1, 0}
}

// pack places pieces of the given lengths, none longer than a row, the longest first (first fit decreasing) and those of one
// length in their order.
func pack(lengths []int, seq int) []place {
	order := make([]int, len(lengths))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return lengths[j] - lengths[i] })
	p := packer{seq: seq}
	places := make([]place, len(lengths))
	for _, i := range order {
		places[i] = p.add(lengths[i])
	}
	return places
}

// demand is the room that the pairs of a batch ask for.
type demand struct {
	lengths   []int // cells that each pair takes in a row, the longest first
	cells     int   // their sum
	sides     int   // 2 where a pair has a rejected response
	responses int   // tokens that are predicted, in all
}

func demandOf(pairs []lengths, layout Layout) demand {
	d := demand{lengths: make([]int, 0, len(pairs)), sides: 1}
	for _, p := range pairs {
		cells, responses := p.room(layout)
		d.lengths = append(d.lengths, cells)
		d.cells += cells
		d.responses += responses
		d.sides = max(d.sides, len(p.responses()))
	}
	slices.SortFunc(d.lengths, func(a, b int) int { return b - a })
	return d
}

// room is what one pair takes: cells of a row, and predicted tokens.
func (l lengths) room(layout Layout) (cells, responses int) {
	cells = l.longest()
	if layout == SharedPrompt {
		cells = l.prompt + l.chosen + l.rejected
	}
	for _, n := range l.responses() {
		responses += n - l.firstPredicted()
	}
	return cells, responses - l.given
}

// longest is the length of the longest pair.
func (d demand) longest() int {
	if len(d.lengths) == 0 {
		return 0
	}
	return d.lengths[0]
}

// packs reports whether so many rows of seq cells hold the pairs, placed as pack does.
func (d demand) packs(rows, seq int) bool {
	if d.longest() > seq || d.cells > rows*seq {
		return false
	}
	if len(d.lengths) <= rows {
		return true
	}
	var few [64]int // on the stack
	filled := few[:]
	if rows > len(few) {
		filled = make([]int, rows)
	}
	for _, n := range d.lengths {
		row := 0
		for row < rows && filled[row]+n > seq {
			row++
		}
		if row == rows {
			return false
		}
		filled[row] += n
	}
	return true
}

// shortest is the least row length, a multiple of shapeStep, at which so many rows hold the pairs.
func (d demand) shortest(rows int) int {
	seq := roundUp(max(d.longest(), (d.cells+rows-1)/rows))
	for !d.packs(rows, seq) {
		seq += shapeStep
	}
	return seq
}
