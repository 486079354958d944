package frontier

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/sparsepo/sparsepo/internal/bootstrap"
)

// law is a made-up method: the expected reward at a KL.
type law struct {
	name string
	gain float64
}

func (l law) reward(kl float64) float64 { return 0.5 + l.gain*(1-math.Exp(-kl/3)) }

// run samples a checkpoint at each KL. What a prompt adds to the reward is shared by all points, the rest is each response's.
func (l law) run(random *rand.Rand, kls, prompts []float64) Run {
	r := Run{Name: l.name, Method: l.name}
	for step, kl := range kls {
		rewards, spent := make([]float64, len(prompts)), make([]float64, len(prompts))
		for i, easy := range prompts {
			rewards[i] = l.reward(kl) + easy + 0.2*random.NormFloat64()
			spent[i] = kl * (1 + 0.3*random.NormFloat64())
		}
		r.Checkpoints = append(r.Checkpoints, sampled(step, rewards, spent))
	}
	return r
}

func (l law) area(kls []float64, limit float64) float64 {
	var points []Point
	for _, kl := range kls {
		points = append(points, Point{kl, l.reward(kl)})
	}
	return Area(points, limit)
}

// In repeated experiments whose truth is known, about 95 % of the intervals must hold it: of the area, although a hull of
// noisy points is too high, and of the difference of two methods.
func TestIntervalsHoldTheTruth(t *testing.T) {
	const experiments, numPrompts, limit = 200, 128, 8.0
	kls := []float64{0, 1, 2, 3, 4, 5, 6, 8}
	a, b := law{"dpo", 0.25}, law{"mapo", 0.22}
	trueArea := a.area(kls, limit)
	trueDifference := b.area(kls, limit) - trueArea
	o := Options{MaxKL: limit, Bootstrap: bootstrap.Options{Resamples: 300, Level: 0.95, Seed: 3}}
	random := rand.New(rand.NewPCG(5, 5))
	var areas, differences int
	for range experiments {
		prompts := make([]float64, numPrompts)
		for i := range prompts {
			prompts[i] = 0.2 * random.NormFloat64()
		}
		f := by(measure(t, o, a.run(random, kls, prompts), b.run(random, kls, prompts)), Exact)
		if i := f.Find("dpo").AreaInterval; i.Low <= trueArea && trueArea <= i.High {
			areas++
		}
		if i := f.Find("mapo").DifferenceInterval; i.Low <= trueDifference && trueDifference <= i.High {
			differences++
		}
	}
	for what, held := range map[string]int{"areas": areas, "differences": differences} {
		if share := float64(held) / experiments; share < 0.9 || share > 0.99 {
			t.Errorf("%.3f of the intervals of %s hold the truth, want about 0.95", share, what)
		}
	}
}
