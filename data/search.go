package data

import (
	"cmp"
	"slices"
)

// search looks for the shapes at which a sample of batches costs least.
type search struct {
	work    Work
	batches []demand
	rows    []int     // numbers of rows to try; the first has a row for every pair
	largest candidate // holds any batch

	packed map[[2]int][]bool // which batches so many rows of such a length hold
}

// candidate is a shape, what a batch of it costs, and which batches of the sample it holds.
type candidate struct {
	Shape
	cost float64
	held []bool
}

func (s *search) candidate(shape Shape) candidate {
	key := [2]int{shape.Rows, shape.Seq}
	if s.packed[key] == nil {
		fits := make([]bool, len(s.batches))
		for i, d := range s.batches {
			fits[i] = shape.packs(d)
		}
		s.packed[key] = fits
	}
	c := candidate{Shape: shape, cost: s.work.Cost(shape), held: make([]bool, len(s.batches))}
	for i, d := range s.batches {
		c.held[i] = s.packed[key][i] && d.responses <= shape.Responses
	}
	return c
}

// choose returns at most n shapes besides the largest, the cheapest first, and the mean cost of a batch with them. It begins
// in two ways, with the best shapes that have a row for every pair and with those of any number of rows, and takes the
// better result, so that rows of several pairs never cost more than rows of one.
func (s *search) choose(n int) (shapes []Shape, cost float64) {
	all, single := s.candidates(), search{s.work, s.batches, s.rows[:1], s.largest, s.packed}
	apart := single.candidates()
	best := s.improve(single.improve(s.fill(apart, n), apart), all)
	if other := s.improve(s.fill(all, n), all); s.total(other) < s.total(best) {
		best = other
	}
	shapes = []Shape{s.largest.Shape}
	for _, c := range best {
		shapes = append(shapes, c.Shape)
	}
	slices.SortFunc(shapes, func(a, b Shape) int {
		return cmp.Or(cmp.Compare(s.work.Cost(a), s.work.Cost(b)), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Responses, b.Responses))
	})
	return shapes, s.total(best) / float64(len(s.batches))
}

// candidates crosses numbers of rows with row lengths at which some of the batches need no more rows, and with numbers of
// response tokens that they have. None costs as much as the largest shape.
func (s *search) candidates() []candidate {
	seqs, responses := make([]int, len(s.batches)), make([]int, len(s.batches))
	for i, d := range s.batches {
		responses[i] = min(roundUp(d.responses), s.largest.Responses)
	}
	var list []candidate
	for _, r := range s.rows {
		for i, d := range s.batches {
			seqs[i] = d.shortest(r)
		}
		for _, seq := range levels(seqs) {
			for _, n := range levels(responses) {
				list = s.with(list, r, seq, n)
			}
		}
	}
	return list
}

// with adds a shape of these sizes to the list if it costs less than the largest.
func (s *search) with(list []candidate, rows, seq, responses int) []candidate {
	shape := s.largest.Shape
	shape.Rows, shape.Seq, shape.Responses = rows, seq, responses
	if rows < 1 || seq < 1 || responses < 1 || s.work.Cost(shape) >= s.largest.cost {
		return list
	}
	return append(list, s.candidate(shape))
}

// levels returns at most 9 of the values, each once, that divide them evenly: the least and the greatest among them.
func levels(values []int) []int {
	const parts = 8
	sorted := slices.Sorted(slices.Values(values))
	var out []int
	for i := range parts + 1 {
		out = append(out, sorted[(len(sorted)-1)*i/parts])
	}
	return slices.Compact(out)
}

// least is what each batch costs when it takes the cheapest shape that holds it.
func (s *search) least(chosen []candidate) []float64 {
	costs := make([]float64, len(s.batches))
	for i := range costs {
		costs[i] = s.largest.cost
		for _, c := range chosen {
			if c.cost < costs[i] && c.held[i] {
				costs[i] = c.cost
			}
		}
	}
	return costs
}

// total is what all batches cost.
func (s *search) total(chosen []candidate) float64 {
	sum := 0.0
	for _, cost := range s.least(chosen) {
		sum += cost
	}
	return sum
}

// addition finds the candidate that saves most beside the chosen ones, and how much; ok is false when none saves anything.
func (s *search) addition(chosen, list []candidate) (best candidate, most float64, ok bool) {
	least := s.least(chosen)
	for _, c := range list {
		saved := 0.0
		for i, held := range c.held {
			if held && c.cost < least[i] {
				saved += least[i] - c.cost
			}
		}
		if saved > most {
			best, most, ok = c, saved, true
		}
	}
	return best, most, ok
}

// fill takes the best of the candidates one after the other, at most n, until one is not worth its graph.
func (s *search) fill(list []candidate, n int) []candidate {
	// Ours: an engine needs the time of about five steps to build a graph, which 500 steps earn back.
	const worth = 0.01
	var chosen []candidate
	for len(chosen) < n {
		best, saved, ok := s.addition(chosen, list)
		if !ok || saved < worth*s.total(chosen) {
			break
		}
		chosen = append(chosen, best)
	}
	return chosen
}

// improve exchanges chosen shapes for others of the list, then for others like them.
func (s *search) improve(chosen, list []candidate) []candidate {
	const maxRounds = 20
	chosen = s.exchange(chosen, 4, func(Shape) []candidate { return list })
	return s.exchange(chosen, maxRounds, s.near)
}

// exchange puts the best candidate in the place of each chosen one, until none is better.
func (s *search) exchange(chosen []candidate, rounds int, candidates func(Shape) []candidate) []candidate {
	for range rounds {
		changed := false
		for i, c := range chosen {
			others := slices.Delete(slices.Clone(chosen), i, i+1)
			best, _, ok := s.addition(others, append([]candidate{c}, candidates(c.Shape)...))
			if ok && best.Shape != c.Shape {
				chosen[i], changed = best, true
			}
		}
		if !changed {
			break
		}
	}
	return chosen
}

// near lists shapes that differ from one a little in one size.
func (s *search) near(shape Shape) []candidate {
	var list []candidate
	for _, steps := range []int{-15, -5, -2, -1, 1, 2, 5, 15} {
		list = s.with(list, shape.Rows, shape.Seq+steps*shapeStep, shape.Responses)
		list = s.with(list, shape.Rows, shape.Seq, min(shape.Responses+steps*shapeStep, s.largest.Responses))
	}
	for _, rows := range []int{shape.Rows - 1, shape.Rows + 1} {
		if rows <= s.rows[0] && len(s.rows) > 1 {
			list = s.with(list, rows, shape.Seq, shape.Responses)
		}
	}
	return list
}
