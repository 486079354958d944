package data

import (
	"cmp"
	"slices"
)

// chooseShapes finds the few shapes for all batches of a run: one that holds any batch that could be drawn, and those that
// make the batches of the first epochs cheapest, found by adding the best candidate at a time and then trying to exchange
// each.
func (p *Plan) chooseShapes() []Shape {
	largest := p.largestShape()
	extents := p.sampleExtents()
	candidates := candidateShapes(largest, extents)
	shapes := []Shape{largest}
	for len(shapes) <= p.options.Shapes {
		best, ok := bestAddition(shapes, candidates, extents)
		if !ok {
			break
		}
		shapes = append(shapes, best)
	}
	exchange(shapes, candidates, extents)
	slices.SortFunc(shapes, func(a, b Shape) int {
		return cmp.Or(cmp.Compare(a.cost(), b.cost()), cmp.Compare(a.Seq, b.Seq))
	})
	return shapes
}

// shapeStep is what lengths are rounded up to a multiple of. Ours: the width of a vector of float32 in AVX2.
const shapeStep = 8

func roundUp(n int) int { return (n + shapeStep - 1) / shapeStep * shapeStep }

// largestShape holds the longest row, and the response tokens of the pairs that have the most.
func (p *Plan) largestShape() Shape {
	counts := make([]int, len(p.set.Pairs))
	longest := 0
	for i, pair := range p.set.Pairs {
		e := extentOfPair(pair, p.options.Layout)
		counts[i], longest = e.responses, max(longest, e.seq)
	}
	slices.Sort(counts)
	responses := 0
	for _, n := range counts[max(0, len(counts)-p.options.BatchSize):] {
		responses += n
	}
	return Shape{
		Layout: p.options.Layout, Slots: p.options.BatchSize, Rows: rowsOf(p.set.Pairs, p.options.BatchSize, p.options.Layout),
		Seq: roundUp(longest), Responses: roundUp(responses),
	}
}

// sampleExtents returns the extents of batches at the start of the run, several epochs of a small set.
func (p *Plan) sampleExtents() []extent {
	const enough, maxEpochs = 2000, 8
	var extents []extent
	perEpoch := p.StepsPerEpoch()
	for epoch := 0; epoch < maxEpochs && len(extents) < enough; epoch++ {
		order := p.order(epoch)
		for step := 0; step < perEpoch && len(extents) < enough; step++ {
			for _, indices := range p.batches(step, order) {
				var e extent
				for _, i := range indices {
					e = e.with(extentOfPair(p.set.Pairs[i], p.options.Layout))
				}
				extents = append(extents, e)
			}
		}
	}
	return extents
}

// candidateShapes crosses quantiles of the row lengths with quantiles of the response counts, none as large as the largest.
func candidateShapes(largest Shape, extents []extent) []Shape {
	seqs, responses := make([]int, len(extents)), make([]int, len(extents))
	for i, e := range extents {
		seqs[i], responses[i] = roundUp(e.seq), roundUp(e.responses)
	}
	var candidates []Shape
	for _, seq := range levels(seqs) {
		for _, n := range levels(responses) {
			s := largest
			s.Seq, s.Responses = min(seq, largest.Seq), min(n, largest.Responses)
			if s != largest {
				candidates = append(candidates, s)
			}
		}
	}
	return candidates
}

// levels returns at most 21 values that divide the sorted values evenly, the largest among them.
func levels(values []int) []int {
	const parts = 20
	slices.Sort(values)
	var out []int
	for i := 0; i <= parts; i++ {
		out = append(out, values[(len(values)-1)*i/parts])
	}
	return slices.Compact(out)
}

// totalCost is the cost of all batches when each takes the cheapest of the shapes that hold it.
func totalCost(shapes []Shape, extents []extent) float64 {
	costs := make([]float64, len(shapes))
	for i, s := range shapes {
		costs[i] = s.cost()
	}
	total := 0.0
	for _, e := range extents {
		least := costs[0]
		for i, s := range shapes {
			if costs[i] < least && s.holds(e) {
				least = costs[i]
			}
		}
		total += least
	}
	return total
}

// bestAddition finds the candidate that saves most; ok is false when none saves anything.
func bestAddition(shapes, candidates []Shape, extents []extent) (best Shape, ok bool) {
	least := totalCost(shapes, extents)
	trial := append(slices.Clone(shapes), Shape{})
	for _, c := range candidates {
		trial[len(trial)-1] = c
		if cost := totalCost(trial, extents); cost < least {
			best, least, ok = c, cost, true
		}
	}
	return best, ok
}

// exchange tries a better candidate in the place of each shape but the first, until none is better.
func exchange(shapes, candidates []Shape, extents []extent) {
	const maxRounds = 4
	for range maxRounds {
		changed := false
		for i := 1; i < len(shapes); i++ {
			others := slices.Delete(slices.Clone(shapes), i, i+1)
			if best, ok := bestAddition(others, candidates, extents); ok && best != shapes[i] {
				shapes[i], changed = best, true
			}
		}
		if !changed {
			return
		}
	}
}
