package leaderboard

import "unicode/utf8"

// letters gives n choices: the first capital letters between before and after.
func letters(n int, before, after string) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = before + string(rune('A'+i)) + after
	}
	return list
}

// Best is the choice with the greatest log-probability; norm divides each by the choice's length in characters first. Of
// equal ones it is the first.
func Best(choices []string, logProbs []float64, norm bool) int {
	best, value := -1, 0.0
	for i, p := range logProbs {
		if norm {
			p /= float64(utf8.RuneCountInString(choices[i]))
		}
		if best < 0 || p > value {
			best, value = i, p
		}
	}
	return best
}

// Score gives a multiple-choice item's metric, 0 or 1, from the log-probabilities of its choices, in nats.
func Score(metric Metric, choices []string, logProbs []float64, gold int) float64 {
	if Best(choices, logProbs, metric == AccNorm) == gold {
		return 1
	}
	return 0
}
