package evaluation

import (
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/sparsepo/sparsepo/internal/bootstrap"
)

// draw calls use with the sums of each sample of items, drawn with replacement: the same ones for all metrics of a task. Every item has as many terms as the others.
func draw(task string, items [][]float64, o bootstrap.Options, use func(sample int, sums []float64)) {
	hash := fnv.New64a()
	hash.Write([]byte(task))
	random := rand.New(rand.NewPCG(o.Seed, hash.Sum64()))
	sums := make([]float64, len(items[0]))
	for s := range o.Resamples {
		clear(sums)
		for range items {
			for j, x := range items[random.IntN(len(items))] {
				sums[j] += x
			}
		}
		use(s, sums)
	}
}

// intervals gives the interval of each statistic of a task's records. Items that take no part in one add nothing to it.
func intervals(task string, records []Record, list []statistic, o bootstrap.Options) []bootstrap.Interval {
	if len(list) == 0 {
		return nil
	}
	items := make([][]float64, len(records))
	ends := make([]int, len(list)) // of each statistic's terms
	for k, s := range list {
		some := s.of(records)
		width := len(s.terms(&some[0]))
		for i := range records {
			terms := make([]float64, width)
			if s.has(&records[i]) {
				terms = s.terms(&records[i])
			}
			items[i] = append(items[i], terms...)
		}
		ends[k] = len(items[0])
	}
	values := make([][]float64, len(list))
	for k := range values {
		values[k] = make([]float64, o.Resamples)
	}
	draw(task, items, o, func(sample int, sums []float64) {
		from := 0
		for k, s := range list {
			values[k][sample] = s.value(sums[from:ends[k]])
			from = ends[k]
		}
	})
	found := make([]bootstrap.Interval, len(list))
	for k := range list {
		found[k] = around(list[k].estimate(list[k].of(records)).Value, values[k], o)
	}
	return found
}

// around is the interval of resampled values: of those in whose samples any item takes part, and the value itself where there
// is no such sample, as can happen with a few samples only.
func around(value float64, resampled []float64, o bootstrap.Options) bootstrap.Interval {
	found := bootstrap.Of(resampled, o.Level)
	if math.IsNaN(found.Low) {
		return bootstrap.Interval{Low: value, High: value}
	}
	return found
}
