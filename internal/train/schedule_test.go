package train

import (
	"fmt"
	"math"
	"testing"

	"github.com/sparsepo/sparsepo/internal/config"
	"github.com/sparsepo/sparsepo/internal/golden"
)

// The factors are those of Hugging Face's get_constant_schedule_with_warmup, get_linear_schedule_with_warmup and
// get_cosine_schedule_with_warmup (half a cosine wave) for the same step number.
func TestScheduleFactor(t *testing.T) {
	tests := []struct {
		kind          string
		warmup, total int
		done          int
		want          float64
	}{
		{"constant", 0, 10, 0, 1},
		{"constant", 0, 10, 9, 1},
		{"constant", 4, 10, 0, 0},
		{"constant", 4, 10, 3, 3.0 / 4},
		{"constant", 4, 10, 4, 1},
		{"linear", 0, 10, 0, 1},
		{"linear", 0, 10, 1, 9.0 / 10},
		{"linear", 0, 10, 9, 1.0 / 10},
		{"linear", 0, 10, 10, 0},
		{"linear", 2, 10, 0, 0},
		{"linear", 2, 10, 1, 1.0 / 2},
		{"linear", 2, 10, 2, 1},
		{"linear", 2, 10, 6, (10.0 - 6) / (10 - 2)},
		{"linear", 5, 5, 4, 4.0 / 5},
		{"linear", 5, 5, 5, 1},
		{"cosine", 0, 10, 0, 1},
		{"cosine", 0, 10, 5, 0.5},
		{"cosine", 0, 8, 2, 0.5 * (1 + math.Cos(math.Pi/4))},
		{"cosine", 0, 10, 10, 0},
		{"cosine", 2, 10, 1, 1.0 / 2},
		{"cosine", 2, 10, 2, 1},
		{"cosine", 2, 10, 6, 0.5},
		{"cosine", 2, 10, 9, 0.5 * (1 + math.Cos(math.Pi*7/8))},
	}
	for _, test := range tests {
		got := schedule{kind: test.kind, warmup: test.warmup, total: test.total}.factor(test.done)
		golden.Close(t, fmt.Sprintf("%s, warm-up %d of %d, after %d steps", test.kind, test.warmup, test.total, test.done), got, test.want, 1e-12)
	}
}

// A warm-up ratio is a share of all steps, rounded up as Hugging Face's trainer does.
func TestNewSchedule(t *testing.T) {
	for _, test := range []struct {
		ratio       float64
		steps       int
		total, want int
	}{{0.1, 0, 100, 10}, {0.1, 0, 101, 11}, {0.1, 0, 5, 1}, {0, 7, 100, 7}, {0, 0, 100, 0}} {
		got := newSchedule(&config.Run{WarmupRatio: test.ratio, WarmupSteps: test.steps, LRSchedulerType: "linear"}, test.total)
		if want := (schedule{kind: "linear", warmup: test.want, total: test.total}); got != want {
			t.Errorf("ratio %g, steps %d: %+v, want %+v", test.ratio, test.steps, got, want)
		}
	}
}

// The learning rates of a run are the schedule's.
func TestLearningRates(t *testing.T) {
	b := onGo(t)
	b.run("run", map[string]string{"max_steps": "6", "warmup_steps": "2", "lr_scheduler_type": "linear", "learning_rate": "0.008"})
	want := []float64{0, 0.004, 0.008, 0.006, 0.004, 0.002}
	golden.CloseAll(t, "learning rate", column(b.records("run"), "learning_rate"), want, 1e-12)
}
