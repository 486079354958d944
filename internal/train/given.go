package train

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/hub"
	"github.com/sparsepo/sparsepo/internal/metrics"
	"github.com/sparsepo/sparsepo/internal/reference"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/internal/step"
	"github.com/sparsepo/sparsepo/model"
)

// passVersion tells values of a reference's pass apart from those of an older program that computed something else. It changes
// with whatever changes them by more than rounding.
const passVersion = 1

// given is what a run reads in place of its reference's passes (precompute_ref_log_probs).
type given struct {
	cache  *reference.Cache
	fields []reference.Field
	pairs  reference.Pairs // all that the run will ask for
}

// close may be called on nil.
func (g *given) close() {
	if g != nil {
		_ = g.cache.Close() // it was only read, or written and checked
	}
}

// openGiven opens the cache of the reference's values where the settings ask for it. Where it cannot hold what the run needs,
// the reference runs in every step, and the log says so.
func (s *session) openGiven(models *source.Pair, settings step.Settings, folder string, log func(string, ...any)) (err error) {
	c := s.config
	if !c.PrecomputeRefLogProbs || !s.objective.Reference {
		return nil
	}
	if folder == "" {
		if folder, err = reference.Folder(); err != nil {
			return err
		}
	}
	key := reference.Key{
		Numerics: fmt.Sprintf("pass %d, engine %s, %s, four bits %v", passVersion, s.backend.Name(), computeType(c), c.LoadIn4bit),
		Settings: settings.FieldSettings(), Fields: settings.Fields(models.Reference()),
	}
	if key.Model, err = reference.Digest(folder, models.ReferenceFolders()...); err != nil {
		return err
	}
	g := &given{fields: key.Fields, pairs: s.comparedPairs()}
	if g.cache, err = reference.Open(reference.Options{Folder: folder, Key: key, Limit: int64(c.ReferenceCacheGB * 1e9), Log: log}); err != nil {
		return err
	}
	survey, err := g.cache.Survey(g.pairs)
	if err != nil {
		g.close()
		return err
	}
	what := fmt.Sprintf("%s of %d pairs", fieldsText(key.Fields), survey.Pairs)
	switch free, known := hub.FreeBytes(folder); {
	case float64(survey.Size) > c.ReferenceCacheGB*1e9:
		log("warning: reference: %s take %.1f GB, reference_cache_gb is %g: it runs in every step", what, float64(survey.Size)/1e9, c.ReferenceCacheGB)
	case known && survey.ToCome > free:
		log("warning: reference: %s take %.1f GB more in %s, and %.1f GB are free: it runs in every step", what, float64(survey.ToCome)/1e9, folder, float64(free)/1e9)
	default:
		log("reference: %s from %s, %d of them to compute (%.1f MB)", what, folder, survey.Missing, float64(survey.ToCome)/1e6)
		s.given = g
		return nil
	}
	g.close()
	return nil
}

// fieldsText says in words what is kept.
func fieldsText(fields []reference.Field) string {
	hidden, parts := 0, []string(nil)
	for _, f := range fields {
		if strings.HasPrefix(f.Name, "hidden.") {
			hidden++
		}
	}
	switch hidden {
	case 0:
		parts = append(parts, "log-probabilities")
	case 1:
		parts = append(parts, "last hidden states")
	default:
		parts = append(parts, fmt.Sprintf("hidden states of %d layers", hidden))
	}
	if len(fields) > max(1, hidden) {
		parts = append(parts, "masks")
	}
	return strings.Join(parts, " and ")
}

// comparedPairs are the pairs that the run compares with the reference: those of its steps, of its evaluations, and those
// whose values it writes at the end.
func (s *session) comparedPairs() reference.Pairs {
	return func(yield func(data.TokenPair, error) bool) {
		going := true
		take := func(p data.TokenPair, err error) bool {
			going = yield(p, err)
			return going
		}
		s.plan.Pairs(s.total)(take)
		set := s.train
		if s.eval != nil {
			set = s.eval
			if going {
				s.evalPlan.Pairs(s.evalPlan.StepsPerEpoch())(take)
			}
		}
		for i := range min(inspectedPairs, set.Len()) {
			if !going {
				return
			}
			take(set.Pair(i))
		}
	}
}

// fillGiven computes what is missing. The reference is in memory for so long, and alone there.
func (s *session) fillGiven(ctx context.Context, models *source.Pair, settings step.Settings, console io.Writer, log func(string, ...any)) error {
	if s.given == nil {
		return nil
	}
	start := time.Now()
	store := gomodel.NewStore()
	defer store.Finalize()
	var display *metrics.Progress
	err := step.Fill(ctx, s.given.cache, s.given.pairs, s.config.PerDeviceEvalBatchSize, func() (*step.ReferencePass, data.Work, error) {
		network, err := models.BindReference(s.backend, store, s.binding())
		if err != nil {
			return nil, data.Work{}, err
		}
		pass, err := step.NewReferencePass(s.backend, store, network, settings)
		return pass, step.Work(network.Config), err
	}, func(done, total int) {
		if display == nil {
			display = metrics.NewProgress(console, "reference", 0, total)
		}
		display.Update(done, nil)
	})
	if display != nil {
		display.Finish()
		log("reference: computed in %.1f s", time.Since(start).Seconds())
	}
	if err != nil {
		return fmt.Errorf("precompute_ref_log_probs: %w", err)
	}
	return nil
}

// keepsReference reports whether the whole reference is in memory during training.
func (s *session) keepsReference() bool { return s.given == nil || s.config.Frontier.Every > 0 }

// bind reads the weights that the run needs in memory.
func (s *session) bind(models *source.Pair) (policy, reference *model.Network, err error) {
	seed := uint64(s.config.Seed)
	switch {
	case s.keepsReference():
		return models.Bind(s.backend, s.store, s.binding(), seed)
	case step.HeadNeeded(s.given.fields):
		return models.BindWithHead(s.backend, s.store, s.binding(), seed)
	}
	policy, err = models.BindPolicy(s.backend, s.store, s.binding(), seed)
	return policy, nil, err
}
