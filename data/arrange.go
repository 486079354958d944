package data

import (
	"cmp"
	"container/heap"
	"slices"
)

// arrangement is how pairs are divided into batches.
type arrangement int

const (
	drawn  arrangement = iota // as they come
	sorted                    // pairs of like lengths together: the rows of a batch fill alike
	dealt                     // batches that cost alike: one shape fits them all
)

// arrangements lists those that leave the result of a step as it is, whatever batches it has. Pairs of one step, and of an
// evaluation, may be divided in any way, since values are summed over them.
func (o PlanOptions) arrangements() []arrangement {
	switch {
	case !o.AnyOrder && o.Accumulation == 1:
		return []arrangement{drawn}
	case o.BatchSize == 1 || o.Layout == Separate:
		return []arrangement{sorted}
	}
	return []arrangement{sorted, dealt}
}

// divide divides pairs into batches, all full but the last.
func (p *Plan) divide(indices []int32, d draw) [][]int32 {
	indices = slices.Clone(indices)
	if p.arrangement != drawn {
		p.sort(indices, d)
	}
	if p.arrangement == dealt {
		return p.deal(indices, d)
	}
	return slices.Collect(slices.Chunk(indices, p.options.BatchSize))
}

// sort orders pairs by the length of their rows, then by response tokens; pairs alike in both stay as they were.
func (p *Plan) sort(indices []int32, d draw) {
	slices.SortStableFunc(indices, func(i, j int32) int {
		a, m := p.set.lengths(int(i), d).room(p.options.Layout)
		b, n := p.set.lengths(int(j), d).room(p.options.Layout)
		return cmp.Or(cmp.Compare(a, b), cmp.Compare(m, n))
	})
}

// deal hands sorted pairs out, the longest first, each to the batch that costs least so far of those that are not full.
func (p *Plan) deal(indices []int32, d draw) [][]int32 {
	open := &hands{}
	batches := make([][]int32, (len(indices)+p.options.BatchSize-1)/p.options.BatchSize)
	for i := range batches {
		*open = append(*open, hand{batch: i}) // alike in cost and in order: a heap
	}
	for _, index := range slices.Backward(indices) {
		h := &(*open)[0]
		batches[h.batch] = append(batches[h.batch], index)
		cells, responses := p.set.lengths(int(index), d).room(p.options.Layout)
		h.cost += float64(float64(cells)*p.options.Work.Position) + float64(float64(responses)*p.options.Work.Response)
		if len(batches[h.batch]) == min(p.options.BatchSize, len(indices)-h.batch*p.options.BatchSize) {
			heap.Pop(open)
		} else {
			heap.Fix(open, 0)
		}
	}
	return batches
}

// hand is a batch that is being dealt to.
type hand struct {
	batch int
	cost  float64 // so far
}

// hands are a heap, the one that costs least on top.
type hands []hand

func (h hands) Len() int      { return len(h) }
func (h hands) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h hands) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h[i].cost, h[j].cost), cmp.Compare(h[i].batch, h[j].batch)) < 0
}

// Push adds a hand; part of heap.Interface.
func (h *hands) Push(x any) { *h = append(*h, x.(hand)) }

// Pop takes the last hand away; part of heap.Interface.
func (h *hands) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
