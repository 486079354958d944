package evaluation

import (
	"maps"
	"math"
	"slices"

	"github.com/sparsepo/sparsepo/internal/textmetric"
)

// statistic is a score of a task as a function of sums over its items: the weighted mean of a metric, or BLEU of counts, which
// no item has alone.
type statistic struct {
	name   string
	corpus bool // made of Record.Counts
}

// statistics are all that the records have something for, by name.
func statistics(records []Record) []statistic {
	found := map[statistic]bool{}
	for i := range records {
		for name := range records[i].Metrics {
			found[statistic{name: name}] = true
		}
		for name := range records[i].Counts {
			found[statistic{name, true}] = true
		}
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b statistic) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
}

// has reports whether an item takes part.
func (s statistic) has(r *Record) bool {
	if s.corpus {
		return r.Counts[s.name] != nil
	}
	_, ok := r.Metrics[s.name]
	return ok
}

// of are the records that take part.
func (s statistic) of(records []Record) []Record {
	return slices.DeleteFunc(slices.Clone(records), func(r Record) bool { return !s.has(&r) })
}

// terms are what an item adds to the sums.
func (s statistic) terms(r *Record) []float64 {
	if s.corpus {
		return r.Counts[s.name]
	}
	w := r.weight(s.name)
	return []float64{w * r.Metrics[s.name], w}
}

// value is the score of sums; NaN where no item with any weight is in them.
func (s statistic) value(sums []float64) float64 {
	switch {
	case s.corpus:
		b, err := textmetric.BLEUOfCounts(sums)
		if err != nil { // parseLine lets no such counts in
			return math.NaN()
		}
		return b.Score
	case sums[1] == 0:
		return math.NaN()
	}
	return sums[0] / sums[1]
}

// sum adds up the terms of records, at least one.
func (s statistic) sum(records []Record) []float64 {
	sums := slices.Clone(s.terms(&records[0]))
	for i := range records[1:] {
		for j, x := range s.terms(&records[1+i]) {
			sums[j] += x
		}
	}
	return sums
}

// estimate is the score of records, all of which take part, with its standard error: of a mean to first order where weights
// differ, of other scores by the jackknife (Quenouille 1956, Tukey 1958).
func (s statistic) estimate(records []Record) Estimate {
	if len(records) == 0 {
		return Estimate{}
	}
	sums := s.sum(records)
	if !s.corpus && sums[1] == 0 {
		return Estimate{}
	}
	e := Estimate{Value: s.value(sums)}
	n := float64(len(records))
	if n < 2 {
		return e
	}
	if s.corpus {
		e.StdErr = s.jackknife(records, sums)
		return e
	}
	squares := 0.0
	for i := range records {
		d := records[i].weight(s.name) * (records[i].Metrics[s.name] - e.Value)
		squares += d * d
	}
	e.StdErr = math.Sqrt(squares*n/(n-1)) / sums[1]
	return e
}

// jackknife is the standard error from the scores that leave one item out.
func (s statistic) jackknife(records []Record, sums []float64) float64 {
	without, left := make([]float64, len(records)), make([]float64, len(sums))
	mean, n := 0.0, float64(len(records))
	for i := range records {
		for j, x := range s.terms(&records[i]) {
			left[j] = sums[j] - x
		}
		without[i] = s.value(left)
		mean += without[i] / n
	}
	squares := 0.0
	for _, x := range without {
		squares += (x - mean) * (x - mean)
	}
	return math.Sqrt(squares * (n - 1) / n)
}
