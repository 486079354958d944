package step

import (
	"context"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/reference"
)

// Fill computes the values of the pairs that a cache lacks, batchSize of them at a time. open prepares the pass, and is called
// only where something is missing; the pass is closed at the end. progress is told how many of how many batches are done.
func Fill(ctx context.Context, cache *reference.Cache, pairs reference.Pairs, batchSize int, open func() (pass *ReferencePass, work data.Work, err error), progress func(done, total int)) error {
	return cache.Fill(ctx, pairs, func(missing reference.Pairs, add func(p data.TokenPair, fields [][]float32) error) error {
		set, err := data.CollectSet("the reference's pairs", missing)
		if err != nil {
			return err
		}
		defer set.Close()
		pass, work, err := open()
		if err != nil {
			return err
		}
		defer pass.Close()
		plan, err := data.NewPlan(set, data.PlanOptions{BatchSize: batchSize, AnyOrder: true, Work: work})
		if err != nil {
			return err
		}
		for s, err := range plan.EpochSteps(0) {
			if err == nil {
				err = ctx.Err()
			}
			if err == nil {
				err = pass.add(s, add)
			}
			if err != nil {
				return err
			}
			progress(s.Number+1, plan.StepsPerEpoch())
		}
		return nil
	})
}

// add computes a step's pairs.
func (r *ReferencePass) add(s data.Step, add func(p data.TokenPair, fields [][]float32) error) error {
	for i := range s.Batches {
		b := &s.Batches[i]
		values, err := r.Values(b)
		if err != nil {
			return err
		}
		for slot, pair := range b.Unpack() {
			if err := add(pair, values[slot]); err != nil {
				return err
			}
		}
	}
	return nil
}
