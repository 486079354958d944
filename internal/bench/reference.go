package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gomlx/compute"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/reference"
	"github.com/sparsepo/sparsepo/internal/step"
	"github.com/sparsepo/sparsepo/model"
)

// scratch is a cache of reference values that a measurement fills and throws away.
type scratch struct {
	*reference.Cache
	folder string
}

func (s *scratch) remove() { _ = errors.Join(s.Close(), os.RemoveAll(s.folder)) }

// scratchLimit bounds a measurement's cache, bytes.
const scratchLimit = 100e9

// precompute computes what the objective needs of the reference for all pairs of the batches.
func (o TrainOptions) precompute(ctx context.Context, backend compute.Backend, checkpoint *model.Checkpoint, s step.Settings, batches []data.Batch, r *TrainResult) (_ *scratch, err error) {
	start := time.Now()
	folder, err := os.MkdirTemp("", "sparsepo-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the reference's values: %w", err)
	}
	kept := &scratch{folder: folder}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(folder)
		}
	}()
	key := reference.Key{Model: "the measured one", Fields: s.Fields(checkpoint.Config)}
	if kept.Cache, err = reference.Open(reference.Options{Folder: folder, Key: key, Limit: scratchLimit, Log: func(string, ...any) {}}); err != nil {
		return nil, err
	}
	pairs := func(yield func(data.TokenPair, error) bool) {
		for i := range batches {
			for _, p := range batches[i].Unpack() {
				if !yield(p, nil) {
					return
				}
			}
		}
	}
	survey, err := kept.Survey(pairs)
	if err != nil {
		return nil, errors.Join(err, kept.Close())
	}
	r.ReferencePairs, r.ReferenceBytes = survey.Missing, survey.ToCome
	store := gomodel.NewStore()
	defer store.Finalize()
	err = step.Fill(ctx, kept.Cache, pairs, o.Batch, func() (*step.ReferencePass, data.Work, error) {
		network, err := checkpoint.Bind(backend, store, "/reference", o.binding(false))
		if err != nil {
			return nil, data.Work{}, err
		}
		pass, err := step.NewReferencePass(backend, store, network, s)
		return pass, step.Work(checkpoint.Config), err
	}, func(int, int) {})
	if err != nil {
		return nil, errors.Join(err, kept.Close())
	}
	r.ReferenceTime = time.Since(start).Seconds()
	return kept, nil
}
