package train

import (
	"math"

	"github.com/sparsepo/sparsepo/internal/config"
)

// schedule gives the share of the peak learning rate at each optimiser step: a linear warm-up, then constant, linear or
// cosine decay to 0 at the last step, as Hugging Face's schedulers of the same names do.
type schedule struct {
	kind          string
	warmup, total int
}

func newSchedule(c *config.Run, total int) schedule {
	warmup := c.WarmupSteps
	if c.WarmupRatio > 0 {
		warmup = int(math.Ceil(c.WarmupRatio * float64(total)))
	}
	return schedule{kind: c.LRSchedulerType, warmup: warmup, total: total}
}

// factor is the share for the step after so many done ones; in a warm-up the first step's is 0.
func (s schedule) factor(done int) float64 {
	if done < s.warmup {
		return float64(done) / float64(s.warmup)
	}
	progress := float64(done-s.warmup) / math.Max(1, float64(s.total-s.warmup))
	switch s.kind {
	case "linear":
		return math.Max(0, 1-progress)
	case "cosine":
		return math.Max(0, 0.5*(1+math.Cos(math.Pi*progress)))
	}
	return 1
}
