package data

import (
	"fmt"
	"iter"
	"slices"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// PlanOptions says how a set is divided into steps and batches.
type PlanOptions struct {
	Layout       Layout
	BatchSize    int    // pairs in a batch (per_device_train_batch_size)
	Accumulation int    // batches in a step (gradient_accumulation_steps); 0 counts as 1
	Seed         uint64 // of the order; unused with AnyOrder
	AnyOrder     bool   // the order does not matter, as in evaluation: take one that saves padding, the same in every epoch
	Shapes       int    // shapes besides the one that holds any batch; 0 counts as DefaultShapes
	Work         Work   // what padding costs; the zero value stands for the proportions of GPT-2 Small
}

// DefaultShapes is the number of shapes chosen besides the one that holds any batch. Ours: on public preference data the third
// saves 3 to 9 % of the work and a fourth 1 to 7 %, while every shape costs the engine a graph.
const DefaultShapes = 3

// Plan is the deterministic course of a run over a set: which pairs are in which batch of which step. Every step is a pure
// function of its number, so that a run resumes at any step. A Plan is safe for concurrent use.
type Plan struct {
	set         *Set
	options     PlanOptions
	arrangement arrangement
	fixed       []int32 // with AnyOrder, the order of every epoch
	shapes      []Shape // cheapest first; the last holds any batch
}

// Step is what one optimiser step sees.
type Step struct {
	Number  int // from 0
	Epoch   int // from 0
	Pairs   int // real pairs in all batches; each weighs 1/Pairs
	Batches []Batch
}

// NewPlan plans a run over a set. The shapes are chosen from the lengths in the set, see [Plan.Shapes].
func NewPlan(set *Set, options PlanOptions) (*Plan, error) {
	options.Accumulation = max(1, options.Accumulation)
	if options.Shapes == 0 {
		options.Shapes = DefaultShapes
	}
	switch {
	case set.Len() == 0:
		return nil, usage.Errorf("%s: no pairs", set.Path)
	case options.BatchSize <= 0:
		return nil, usage.Errorf("per_device_train_batch_size: %d; give at least 1", options.BatchSize)
	case options.Shapes < 0:
		return nil, fmt.Errorf("plan batches: %d shapes; give at least 1", options.Shapes)
	case min(options.Work.Position, options.Work.Pairing, options.Work.Response) < 0:
		return nil, fmt.Errorf("plan batches: work %+v; give no negative numbers", options.Work)
	}
	if options.Work == (Work{}) {
		options.Work = defaultWork
	}
	return cheapestPlan(set, options), nil
}

// Shapes returns the shapes that batches can have, the cheapest first, at most PlanOptions.Shapes + 1. The last one holds any
// batch that the plan can draw, however unlikely it is; the others make the batches of the first epochs cheap. A batch has
// the first shape that holds it.
func (p *Plan) Shapes() []Shape { return slices.Clone(p.shapes) }

// StepsPerEpoch returns the number of steps in an epoch. The last step of an epoch may have fewer pairs than the others.
func (p *Plan) StepsPerEpoch() int {
	return (p.epochLen() + p.pairsPerStep() - 1) / p.pairsPerStep()
}

// epochLen is the number of records in an epoch. Evaluations take all, whatever their weights.
func (p *Plan) epochLen() int {
	if p.options.AnyOrder {
		return p.set.Len()
	}
	return p.set.EpochLen()
}

func (p *Plan) pairsPerStep() int { return p.options.BatchSize * p.options.Accumulation }

// Epoch returns the share of the data that has been seen once so many steps are done, in epochs.
func (p *Plan) Epoch(stepsDone int) float64 {
	perEpoch := p.StepsPerEpoch()
	rest := min(stepsDone%perEpoch*p.pairsPerStep(), p.epochLen())
	return float64(stepsDone/perEpoch) + float64(rest)/float64(p.epochLen())
}

// Steps yields the steps from the given number on, over as many epochs as the loop takes. A run that did n steps goes on
// with Steps(n).
func (p *Plan) Steps(from int) iter.Seq2[Step, error] {
	return ahead(func(yield func(Step, error) bool) {
		var order []int32
		for number, epoch := from, -1; ; number++ {
			if e := number / p.StepsPerEpoch(); e != epoch {
				order, epoch = p.order(e), e
			}
			if !yield(p.step(number, order)) {
				return
			}
		}
	})
}

// ahead runs a sequence of steps on its own goroutine, so that the next ones are read and laid out while one is computed.
func ahead(steps iter.Seq2[Step, error]) iter.Seq2[Step, error] {
	const most = 2
	type result struct {
		step Step
		err  error
	}
	return func(yield func(Step, error) bool) {
		results, stop := make(chan result, most), make(chan struct{})
		defer close(stop)
		go steps(func(step Step, err error) bool {
			select {
			case results <- result{step, err}:
				return true
			case <-stop:
				return false
			}
		})
		for r := range results {
			if !yield(r.step, r.err) {
				return
			}
		}
	}
}

// EpochSteps yields the steps of one epoch.
func (p *Plan) EpochSteps(epoch int) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		perEpoch := p.StepsPerEpoch()
		for step, err := range p.Steps(epoch * perEpoch) {
			if !yield(step, err) || (step.Number+1)%perEpoch == 0 {
				return
			}
		}
	}
}

// Step returns one step.
func (p *Plan) Step(number int) (Step, error) {
	return p.step(number, p.order(number/p.StepsPerEpoch()))
}

// order lists the pairs of an epoch.
func (p *Plan) order(epoch int) []int32 {
	if p.options.AnyOrder {
		return p.fixed
	}
	return p.set.order(epoch, p.options.Seed)
}

// draw says which responses an epoch takes of records with several. Evaluations always take the same.
func (p *Plan) draw(epoch int) draw {
	if p.options.AnyOrder {
		return draw{}
	}
	return draw{p.options.Seed, epoch}
}

// batches lists the pairs of a step's batches, given the order of its epoch.
func (p *Plan) batches(number int, order []int32) [][]int32 {
	first := number % p.StepsPerEpoch() * p.pairsPerStep()
	indices := order[first:min(first+p.pairsPerStep(), len(order))]
	if p.options.AnyOrder {
		return slices.Collect(slices.Chunk(indices, p.options.BatchSize))
	}
	return p.divide(indices, p.draw(number/p.StepsPerEpoch()))
}

func (p *Plan) step(number int, order []int32) (Step, error) {
	step := Step{Number: number, Epoch: number / p.StepsPerEpoch()}
	for _, indices := range p.batches(number, order) {
		batch, err := p.batch(indices, p.draw(step.Epoch))
		if err != nil {
			return Step{}, fmt.Errorf("step %d: %w", number, err)
		}
		step.Pairs += len(indices)
		step.Batches = append(step.Batches, batch)
	}
	for i := range step.Batches {
		step.Batches[i].Weigh(step.Pairs)
	}
	return step, nil
}

// shapeFor returns the cheapest shape that holds a batch.
func (p *Plan) shapeFor(d demand) Shape {
	for _, s := range p.shapes {
		if s.holds(d) {
			return s
		}
	}
	return p.shapes[len(p.shapes)-1]
}

func (p *Plan) demand(indices []int32, d draw) demand {
	list := make([]lengths, len(indices))
	for i, index := range indices {
		list[i] = p.set.lengths(int(index), d)
	}
	return demandOf(list, p.options.Layout)
}

func (p *Plan) batch(indices []int32, d draw) (Batch, error) {
	pairs := make([]TokenPair, len(indices))
	for i, index := range indices {
		var err error
		if pairs[i], err = p.set.pair(int(index), d); err != nil {
			return Batch{}, err
		}
	}
	batch, err := Collate(pairs, p.shapeFor(p.demand(indices, d)))
	if err != nil {
		return Batch{}, err
	}
	for i, index := range indices {
		batch.Index[i] = int(index)
	}
	return batch, nil
}

// Pairs yields the pairs that the first steps see. A pair that epochs have in common may come once or several times.
func (p *Plan) Pairs(steps int) iter.Seq2[TokenPair, error] {
	return func(yield func(TokenPair, error) bool) {
		perEpoch := p.StepsPerEpoch()
		if p.epochsAlike() {
			steps = min(steps, perEpoch)
		}
		for epoch := 0; steps > 0; epoch++ {
			order := p.order(epoch)
			if steps < perEpoch {
				order = order[:steps*p.pairsPerStep()]
			}
			for _, index := range order {
				if pair, err := p.set.pair(int(index), p.draw(epoch)); !yield(pair, err) {
					return
				}
			}
			steps -= perEpoch
		}
	}
}

// epochsAlike reports whether every epoch sees the same pairs.
func (p *Plan) epochsAlike() bool {
	return p.epochLen() == p.set.Len() && (p.options.AnyOrder || len(p.set.index.candidates) == 0)
}
