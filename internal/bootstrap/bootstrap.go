// Package bootstrap holds what every bootstrap of this program shares: how many resamples, which share of them makes an
// interval, and the interval itself.
package bootstrap

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Options say how intervals are made.
type Options struct {
	Resamples int     // at least 1
	Level     float64 // share of the resamples inside the interval, such as 0.95
	Seed      uint64
}

// Default is what commands use where they are not told otherwise.
func Default() Options { return Options{Resamples: 10000, Level: 0.95, Seed: 42} }

// Validate refuses options that make no interval, in the words of the flags.
func (o Options) Validate() error {
	switch {
	case o.Resamples < 1:
		return usage.Errorf("--resamples: found %d, expected a positive number", o.Resamples)
	case !(o.Level > 0 && o.Level < 1):
		return usage.Errorf("--level: found %g, expected a share between 0 and 1", o.Level)
	}
	return nil
}

// Percent writes the level, as in "95 %".
func (o Options) Percent() string { return fmt.Sprintf("%.4g %%", 100*o.Level) }

// Interval is where the middle share of resampled values lies.
type Interval struct{ Low, High float64 }

// Of returns the middle share level of values, by linear interpolation between the nearest ranks (type 7 of Hyndman and Fan
// 1996). Values that are NaN are left out; without any other the ends are NaN.
func Of(values []float64, level float64) Interval {
	sorted := slices.DeleteFunc(slices.Sorted(slices.Values(values)), math.IsNaN)
	if len(sorted) == 0 {
		return Interval{math.NaN(), math.NaN()}
	}
	at := func(q float64) float64 {
		place := q * float64(len(sorted)-1)
		i := int(math.Floor(place))
		if i+1 >= len(sorted) {
			return sorted[len(sorted)-1]
		}
		return sorted[i] + (place-float64(i))*(sorted[i+1]-sorted[i])
	}
	return Interval{at((1 - level) / 2), at((1 + level) / 2)}
}

// Basic is the interval of an estimate by the errors of its resampled values, as if they were those of the estimate itself:
// [2·estimate − high, 2·estimate − low] of the percentiles that Of gives (the basic bootstrap of Davison and Hinkley 1997,
// §5.2). Where resampling shifts a value, as it raises a maximum, it takes that shift off, which percentiles have twice.
func Basic(estimate float64, values []float64, level float64) Interval {
	i := Of(values, level)
	return Interval{2*estimate - i.High, 2*estimate - i.Low}
}

// MarshalJSON writes [low, high].
func (i Interval) MarshalJSON() ([]byte, error) { return json.Marshal([2]float64{i.Low, i.High}) }

// UnmarshalJSON reads [low, high].
func (i *Interval) UnmarshalJSON(text []byte) error {
	var ends [2]float64
	if err := json.Unmarshal(text, &ends); err != nil {
		return err
	}
	i.Low, i.High = ends[0], ends[1]
	return nil
}
