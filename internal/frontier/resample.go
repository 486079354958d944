package frontier

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"github.com/sparsepo/sparsepo/internal/bootstrap"
)

// draws are a point's means in each resample.
type draws struct{ reward, kl, klSampled []float64 }

func (d draws) by(e Estimator) []float64 {
	if e == Sampled {
		return d.klSampled
	}
	return d.kl
}

// promptKey tells prompts apart; a text may stand several times among the prompts.
type promptKey struct {
	text  string
	place int
}

// places numbers the prompts of all points, and gives for each point the number of each of its samples.
func places(points []point) (places [][]int, numPrompts int) {
	known := map[promptKey]int{}
	places = make([][]int, len(points))
	for i, p := range points {
		seen := map[string]int{}
		places[i] = make([]int, len(p.Samples))
		for k, s := range p.Samples {
			key := promptKey{s.Prompt, seen[s.Prompt]}
			seen[s.Prompt]++
			if _, ok := known[key]; !ok {
				known[key] = len(known)
			}
			places[i][k] = known[key]
		}
	}
	return places, len(known)
}

// drawPoints resamples the prompts, and gives every point with samples its means and their intervals.
func (m *measurement) drawPoints() {
	at, numPrompts := places(m.points)
	m.result.Bootstrap.Prompts = numPrompts
	m.draws = make([]draws, len(m.points))
	fewest := numPrompts
	for i := range m.points {
		if n := len(at[i]); n > 0 {
			fewest = min(fewest, n)
		}
	}
	if fewest < numPrompts {
		m.note("the points were not all measured on the same prompts: %d in all, a point has at least %d of them", numPrompts, fewest)
	}
	counts := m.countPrompts(numPrompts)
	each(len(m.points), func(i int) {
		if len(at[i]) > 0 {
			m.draws[i] = m.points[i].resample(at[i], counts)
			m.addPointIntervals(i)
		}
	})
}

// countPrompts gives, for each resample, how often each prompt was drawn.
func (m *measurement) countPrompts(numPrompts int) [][]uint16 {
	counts := make([][]uint16, m.Bootstrap.Resamples)
	for s := range counts {
		random := rand.New(rand.NewPCG(m.Bootstrap.Seed, uint64(s)))
		counts[s] = make([]uint16, numPrompts)
		for range numPrompts {
			counts[s][random.IntN(numPrompts)]++
		}
	}
	return counts
}

// resample gives the means of a checkpoint's samples in each resample; NaN where none of its prompts was drawn.
func (c *Checkpoint) resample(at []int, counts [][]uint16) draws {
	n := len(counts)
	d := draws{make([]float64, n), make([]float64, n), make([]float64, n)}
	for s, drawn := range counts {
		var total, reward, kl, klSampled float64
		for k := range c.Samples {
			if times := float64(drawn[at[k]]); times > 0 {
				total += times
				reward += times * c.Samples[k].Reward
				kl += times * c.Samples[k].KL
				klSampled += times * c.Samples[k].KLSampled
			}
		}
		d.reward[s], d.kl[s], d.klSampled[s] = reward/total, kl/total, klSampled/total
	}
	return d
}

func (m *measurement) addPointIntervals(i int) {
	p := &m.result.Points[i]
	level := m.Bootstrap.Level
	p.RewardInterval, p.KLInterval = known(bootstrap.Of(m.draws[i].reward, level)), known(bootstrap.Of(m.draws[i].kl, level))
	if p.KLSampled != nil {
		p.KLSampledInterval = known(bootstrap.Of(m.draws[i].klSampled, level))
	}
}

// basic is the interval of an area or a difference of areas. A hull takes the best of noisy points, and that of a resample
// does so once more; the basic interval takes off what that adds.
func (m *measurement) basic(value float64, resampled []float64) *bootstrap.Interval {
	return known(bootstrap.Basic(value, resampled, m.Bootstrap.Level))
}

// known is nil for an interval that no resample has a value for.
func known(i bootstrap.Interval) *bootstrap.Interval {
	if math.IsNaN(i.Low) {
		return nil
	}
	return &i
}

// addIntervals gives areas and their differences from the first method intervals.
func (m *measurement) addIntervals(f *Frontier) {
	areas := make([][]float64, len(f.Methods))
	for i, method := range f.Methods {
		areas[i] = m.areas(m.by(method.Method, f.Estimator), f)
	}
	base := slices.IndexFunc(f.Methods, func(x Method) bool { return x.Method == f.Against })
	for i := range f.Methods {
		x := &f.Methods[i]
		if areas[i] != nil {
			x.AreaInterval = m.basic(x.Area, areas[i])
		}
		if base < 0 || i == base {
			continue
		}
		difference := x.Area - f.Methods[base].Area
		x.Difference = &difference
		if areas[i] == nil || areas[base] == nil {
			continue
		}
		differences := make([]float64, len(areas[i]))
		for s := range differences {
			differences[s] = areas[i][s] - areas[base][s]
		}
		x.DifferenceInterval = m.basic(difference, differences)
	}
}

// areas are the areas of some points in each resample, nil where a point has no samples.
func (m *measurement) areas(points []point, f *Frontier) []float64 {
	for _, p := range points {
		if m.draws[p.index].reward == nil {
			return nil
		}
	}
	areas := make([]float64, m.Bootstrap.Resamples)
	each(len(areas), func(s int) {
		drawn := make([]Point, len(points))
		for i, p := range points {
			d := m.draws[p.index]
			drawn[i] = Point{KL: d.by(f.Estimator)[s], Reward: d.reward[s]}
		}
		areas[s] = Area(drawn, f.MaxKL)
	})
	return areas
}

// each calls do for 0 to n-1, several at once.
func each(n int, do func(i int)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for i := w; i < n; i += workers {
				do(i)
			}
		})
	}
	wait.Wait()
}
