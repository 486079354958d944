package data

import "slices"

// cheapestPlan tries every arrangement that the options allow and returns the plan whose batches cost least.
func cheapestPlan(set *Set, options PlanOptions) *Plan {
	var best *Plan
	least := 0.0
	for _, a := range options.arrangements() {
		p := &Plan{set: set, options: options, arrangement: a}
		if options.AnyOrder {
			p.fixed = slices.Concat(p.divide(set.all(), p.draw(0))...)
		}
		if cost := p.chooseShapes(); best == nil || cost < least {
			best, least = p, cost
		}
	}
	return best
}

// chooseShapes finds the few shapes for all batches of a run and the mean cost of a batch: one shape that holds any batch
// that could be drawn, and those that make the batches of the first epochs cheapest.
func (p *Plan) chooseShapes() (cost float64) {
	s := search{work: p.options.Work, rows: p.numbersOfRows(), packed: map[[2]int][]bool{}}
	largest := p.largestShape()
	if p.options.AnyOrder {
		all := p.batchesOf(1, p.set.Len())
		largest = s.enclosing(all, largest)
		s.batches = some(all, p.options.sampleSize())
	} else {
		const maxEpochs = 8
		s.batches = p.batchesOf(maxEpochs, p.options.sampleSize())
	}
	s.largest = s.candidate(largest)
	p.shapes, cost = s.choose(p.options.Shapes)
	return cost
}

// sampleSize is the number of batches that shapes are chosen for: fewer of large ones, which differ less and take longer.
func (o PlanOptions) sampleSize() int { return max(64, min(1000, 8000/o.BatchSize)) }

// numbersOfRows lists what Shape.Rows can be, the largest first.
func (p *Plan) numbersOfRows() []int {
	if p.options.Layout == Separate {
		return []int{p.largestShape().Rows}
	}
	most := min(p.options.BatchSize, p.epochLen())
	counts := make([]int, most)
	for i := range counts {
		counts[i] = i + 1
	}
	counts = levels(counts)
	slices.Reverse(counts)
	return counts
}

// largestShape holds the longest pair in each row, and the response tokens of the pairs that have the most.
func (p *Plan) largestShape() Shape {
	s := Shape{Layout: p.options.Layout, Slots: p.options.BatchSize, Rows: p.options.BatchSize}
	sides, most := 1, top{limit: p.options.BatchSize}
	for i := range p.set.Len() {
		l := p.set.index.longest(i)
		cells, responses := l.room(s.Layout)
		s.Seq = max(s.Seq, cells)
		sides = max(sides, len(l.responses()))
		most.add(responses)
	}
	if s.Layout == Separate {
		s.Rows *= sides
	} else {
		s.Rows = min(s.Rows, p.epochLen())
	}
	s.Seq, s.Responses = roundUp(s.Seq), roundUp(most.sum())
	return s
}

// top sums the greatest of many numbers.
type top struct {
	limit  int
	values []int // the greatest so far, and some others
}

func (t *top) add(n int) {
	if t.values = append(t.values, n); len(t.values) >= 2*t.limit+64 {
		t.cut()
	}
}

func (t *top) cut() {
	slices.SortFunc(t.values, func(a, b int) int { return b - a })
	t.values = t.values[:min(t.limit, len(t.values))]
}

func (t *top) sum() int {
	t.cut()
	total := 0
	for _, n := range t.values {
		total += n
	}
	return total
}

// batchesOf returns what the batches of the first epochs ask for, at most so many.
func (p *Plan) batchesOf(epochs, most int) []demand {
	var batches []demand
	for epoch := range epochs {
		order := p.order(epoch)
		for step := range p.StepsPerEpoch() {
			for _, indices := range p.batches(step, order) {
				if len(batches) == most {
					return batches
				}
				batches = append(batches, p.demand(indices, p.draw(epoch)))
			}
		}
	}
	return batches
}

// some takes batches from everywhere in a list, at most so many.
func some(batches []demand, most int) []demand {
	stride := (len(batches) + most - 1) / most
	var list []demand
	for i := 0; i < len(batches); i += stride {
		list = append(list, batches[i])
	}
	return list
}

// enclosing returns the cheapest shape that holds all of the batches, like one that does in layout and slots.
func (s *search) enclosing(batches []demand, largest Shape) Shape {
	best := largest
	for _, rows := range s.rows {
		shape := largest
		shape.Rows, shape.Seq, shape.Responses = rows, shapeStep, shapeStep
		for _, d := range batches {
			shape.Seq, shape.Responses = max(shape.Seq, d.shortest(rows)), max(shape.Responses, roundUp(d.responses))
		}
		// First fit may need more rows where they are longer, rarely.
		for slices.ContainsFunc(batches, func(d demand) bool { return !shape.holds(d) }) {
			shape.Seq += shapeStep
		}
		if s.work.Cost(shape) < s.work.Cost(best) {
			best = shape
		}
	}
	return best
}
