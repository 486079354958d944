package evaluation

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
)

// Bootstrap says how intervals are made: items are drawn with replacement, the same ones for both models and for all metrics
// of a task, and the interval holds the middle Level of the values.
type Bootstrap struct {
	Resamples int     // at least 1
	Level     float64 // 0.95
	Seed      uint64
}

// draw calls use with the sums of each sample of items. Every item has as many terms as the others.
func (o Bootstrap) draw(task string, items [][]float64, use func(sample int, sums []float64)) {
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
func (o Bootstrap) intervals(task string, records []Record, list []statistic) (low, high []float64) {
	if len(list) == 0 {
		return nil, nil
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
	o.draw(task, items, func(sample int, sums []float64) {
		from := 0
		for k, s := range list {
			values[k][sample] = s.value(sums[from:ends[k]])
			from = ends[k]
		}
	})
	for k := range list {
		l, h := interval(values[k], o.Level)
		low, high = append(low, l), append(high, h)
	}
	return low, high
}

// interval is the middle share of values, by linear interpolation between the nearest ranks.
func interval(values []float64, level float64) (low, high float64) {
	sorted := slices.Sorted(slices.Values(values))
	at := func(q float64) float64 {
		place := q * float64(len(sorted)-1)
		i := int(math.Floor(place))
		if i+1 >= len(sorted) {
			return sorted[len(sorted)-1]
		}
		return sorted[i] + (place-float64(i))*(sorted[i+1]-sorted[i])
	}
	return at((1 - level) / 2), at((1 + level) / 2)
}
