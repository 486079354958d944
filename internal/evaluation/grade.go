package evaluation

import (
	"fmt"

	"github.com/sparsepo/sparsepo/internal/leaderboard"
)

// grade gives the metrics of a response that a model generated, and what they count for where that is not 1.
func grade(f leaderboard.Family, item leaderboard.Item, response string) (metrics, weights map[string]float64, err error) {
	switch f {
	default:
		return nil, nil, fmt.Errorf("%s: answers are not generated", f)
	}
}
