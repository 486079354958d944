package chart

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Ticks returns about n round values (1, 2 or 5 times a power of ten apart) that lie in [low, high]. With integers set, no
// two are less than 1 apart. It returns nil for a range that is empty or not finite.
func Ticks(low, high float64, n int, integers bool) []float64 {
	step := tickStep(low, high, n, integers)
	if step == 0 {
		return nil
	}
	return multiples(low, high, step, 4*n)
}

// multiples returns the multiples of step in [low, high], at most limit of them.
func multiples(low, high, step float64, limit int) []float64 {
	first, last := math.Ceil(low/step-1e-9), math.Floor(high/step+1e-9)
	var ticks []float64
	for i := first; i <= last && len(ticks) < limit; i++ {
		ticks = append(ticks, roundTo(i*step, step))
	}
	return ticks
}

// tickStep is the distance of about n ticks in a range, 0 when there is none.
func tickStep(low, high float64, n int, integers bool) float64 {
	span := high - low
	if !(span > 0) || math.IsInf(span, 0) || n < 1 {
		return 0
	}
	raw := span / float64(n)
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * power
	for _, factor := range []float64{1, 2, 5} {
		if raw <= factor*power*1.0001 {
			step = factor * power
			break
		}
	}
	if integers && step < 1 {
		step = 1
	}
	if step == 0 || math.IsInf(step, 0) {
		return 0
	}
	return step
}

// roundTo removes the rounding error of a multiple of step, so that 3·0.1 is 0.3.
func roundTo(x, step float64) float64 {
	digits := int(math.Ceil(-math.Log10(step))) + 1
	if digits < 0 || digits > 15 {
		return x
	}
	scale := math.Pow(10, float64(digits))
	return math.Round(x*scale)/scale + 0 // + 0 turns -0 into 0
}

// LogTicks returns at most about n values for a logarithmic axis over [low, high], low > 0: 1, 2 and 5 times powers of
// ten where they fit, else powers of ten alone, else every second (third, …) power. A range too narrow for two of them
// gets linear ticks.
func LogTicks(low, high float64, n int) []float64 {
	if !(low > 0) || !(high > low) || math.IsInf(high, 0) || n < 1 {
		return nil
	}
	decades := math.Log10(high / low)
	factors, stride := []float64{1, 2, 5}, 1
	if 3*decades > float64(n) {
		factors = []float64{1}
		stride = max(1, int(math.Ceil(decades/float64(n))))
	}
	var ticks []float64
	from := int(math.Floor(math.Log10(low)))
	to := int(math.Ceil(math.Log10(high)))
	for exponent := from; exponent <= to; exponent++ {
		if exponent%stride != 0 {
			continue
		}
		for _, factor := range factors {
			tick := factor * math.Pow(10, float64(exponent))
			if tick >= low*(1-1e-9) && tick <= high*(1+1e-9) {
				ticks = append(ticks, tick)
			}
		}
	}
	if len(ticks) < 2 {
		return Ticks(low, high, n, false)
	}
	return ticks
}

// PrefersLog reports whether values are better read on a logarithmic axis: all are above 0 and the largest is more than
// 30 times the median, so that most of them would lie crowded at the bottom of a linear one.
func PrefersLog(values []float64) bool {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) < 3 || !(sorted[0] > 0) {
		return false
	}
	return sorted[len(sorted)-1] > 30*sorted[len(sorted)/2]
}

// Format writes a value for people: four significant digits, a true minus sign, powers of ten for the very large and the
// very small, and "not measured" for NaN.
func Format(x float64) string {
	switch {
	case math.IsNaN(x):
		return "NaN"
	case math.IsInf(x, 1):
		return "∞"
	case math.IsInf(x, -1):
		return "−∞"
	case x == 0:
		return "0"
	}
	text := strconv.FormatFloat(x, 'g', 4, 64)
	if magnitude := math.Abs(x); magnitude >= 1e4 && magnitude < 1e7 {
		text = strconv.FormatFloat(x, 'f', 0, 64)
	}
	return minus(exponent(text))
}

// exponent writes 1e-05 as 1·10⁻⁵.
func exponent(text string) string {
	mantissa, power, found := strings.Cut(text, "e")
	if !found {
		return text
	}
	value, err := strconv.Atoi(power)
	if err != nil {
		return text
	}
	superscripts := strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶",
		"7", "⁷", "8", "⁸", "9", "⁹")
	return mantissa + "·10" + superscripts.Replace(strconv.Itoa(value))
}

func minus(text string) string { return strings.ReplaceAll(text, "-", "−") }

// tickLabels writes the ticks of one axis with one number of decimals, thousands as k and millions as M.
func tickLabels(ticks []float64, log bool) []string {
	labels := make([]string, len(ticks))
	if log {
		for i, tick := range ticks {
			labels[i] = shortLabel(tick)
		}
		return labels
	}
	largest, step := 0.0, math.Inf(1)
	for i, tick := range ticks {
		largest = max(largest, math.Abs(tick))
		if i > 0 {
			step = min(step, tick-ticks[i-1])
		}
	}
	unit, suffix := 1.0, ""
	switch {
	case largest >= 1e15 || step < 1e-6:
		for i, tick := range ticks {
			labels[i] = Format(tick)
		}
		return labels
	case largest >= 1e6:
		unit, suffix = 1e6, "M"
	case largest >= 1e4:
		unit, suffix = 1e3, "k"
	}
	decimals := 0
	for decimals < 6 && !math.IsInf(step, 0) && math.Abs(math.Remainder(step/unit, math.Pow(10, -float64(decimals)))) > 1e-9*step/unit {
		decimals++
	}
	for i, tick := range ticks {
		labels[i] = minus(strconv.FormatFloat(tick/unit, 'f', decimals, 64)) + suffix
		if tick == 0 {
			labels[i] = "0"
		}
	}
	return labels
}

func shortLabel(x float64) string {
	switch {
	case x >= 1e9 || x < 1e-3:
		return Format(x)
	case x >= 1e6:
		return strconv.FormatFloat(x/1e6, 'g', 3, 64) + "M"
	case x >= 1e4:
		return strconv.FormatFloat(x/1e3, 'g', 3, 64) + "k"
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}
