package step

import (
	"context"
	"fmt"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/reference"
)

// Fill computes the values of the pairs that a cache lacks, batchSize of them at a time. open prepares the pass, and is called
// only where something is missing; the pass is closed at the end. progress is told how many of how many batches are done.
func Fill(ctx context.Context, cache *reference.Cache, pairs []data.TokenPair, batchSize int, open func() (pass *ReferencePass, work data.Work, err error), progress func(done, total int)) error {
	return cache.Fill(ctx, pairs, func(missing []int, add func(p data.TokenPair, fields [][]float32) error) error {
		pass, work, err := open()
		if err != nil {
			return err
		}
		defer pass.Close()
		set := &data.Set{Path: "the reference's pairs", Pairs: make([]data.TokenPair, len(missing))}
		for i, at := range missing {
			set.Pairs[i] = pairs[at]
		}
		plan, err := data.NewPlan(set, data.PlanOptions{BatchSize: batchSize, AnyOrder: true, Work: work})
		if err != nil {
			return err
		}
		for s, err := range plan.EpochSteps(0) {
			if err == nil {
				err = ctx.Err()
			}
			if err == nil {
				err = pass.add(s, set, add)
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
func (r *ReferencePass) add(s data.Step, set *data.Set, add func(p data.TokenPair, fields [][]float32) error) error {
	for i := range s.Batches {
		b := &s.Batches[i]
		values, err := r.Values(b)
		if err != nil {
			return err
		}
		for slot, index := range b.Index {
			if err := add(set.Pairs[index], values[slot]); err != nil {
				return fmt.Errorf("%s: %w", set.Pairs[index].Source, err)
			}
		}
	}
	return nil
}
