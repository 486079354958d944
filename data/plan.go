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
	fixed       []int   // with AnyOrder, the order of every epoch
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
	case len(set.Pairs) == 0:
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
	return (len(p.set.Pairs) + p.pairsPerStep() - 1) / p.pairsPerStep()
}

func (p *Plan) pairsPerStep() int { return p.options.BatchSize * p.options.Accumulation }

// Epoch returns the share of the data that has been seen once so many steps are done, in epochs.
func (p *Plan) Epoch(stepsDone int) float64 {
	perEpoch := p.StepsPerEpoch()
	rest := min(stepsDone%perEpoch*p.pairsPerStep(), len(p.set.Pairs))
	return float64(stepsDone/perEpoch) + float64(rest)/float64(len(p.set.Pairs))
}

// Steps yields the steps from the given number on, over as many epochs as the loop takes. A run that did n steps goes on
// with Steps(n).
func (p *Plan) Steps(from int) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		var order []int
		for number, epoch := from, -1; ; number++ {
			if e := number / p.StepsPerEpoch(); e != epoch {
				order, epoch = p.order(e), e
			}
			if !yield(p.step(number, order)) {
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
func (p *Plan) order(epoch int) []int {
	if p.options.AnyOrder {
		return p.fixed
	}
	return Order(len(p.set.Pairs), epoch, p.options.Seed)
}

// batches lists the pairs of a step's batches, given the order of its epoch.
func (p *Plan) batches(number int, order []int) [][]int {
	first := number % p.StepsPerEpoch() * p.pairsPerStep()
	indices := order[first:min(first+p.pairsPerStep(), len(order))]
	if p.options.AnyOrder {
		return slices.Collect(slices.Chunk(indices, p.options.BatchSize))
	}
	return p.divide(indices)
}

func (p *Plan) step(number int, order []int) (Step, error) {
	step := Step{Number: number, Epoch: number / p.StepsPerEpoch()}
	for _, indices := range p.batches(number, order) {
		pairs := p.pairs(indices)
		batch, err := Collate(pairs, p.shapeFor(demandOf(pairs, p.options.Layout)))
		if err != nil {
			return Step{}, fmt.Errorf("step %d: %w", number, err)
		}
		copy(batch.Index, indices)
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

func (p *Plan) pairs(indices []int) []TokenPair {
	pairs := make([]TokenPair, len(indices))
	for i, index := range indices {
		pairs[i] = p.set.Pairs[index]
	}
	return pairs
}
