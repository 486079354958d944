package evaluation

import (
	"fmt"

	"github.com/sparsepo/sparsepo/internal/ifeval"
	"github.com/sparsepo/sparsepo/internal/leaderboard"
	"github.com/sparsepo/sparsepo/internal/mathanswer"
)

// grade gives the metrics of a response that a model generated, and what they count for where that is not 1.
func grade(f leaderboard.Family, item leaderboard.Item, response string) (metrics, weights map[string]float64, err error) {
	switch f {
	case leaderboard.IFEval:
		return gradeInstructions(item, response)
	case leaderboard.MATH:
		exact, original := mathanswer.Grade(response, item.Target)
		return map[string]float64{string(leaderboard.ExactMatch): one(exact), string(leaderboard.ExactMinerva): one(original)}, nil, nil
	default:
		return nil, nil, fmt.Errorf("%s: answers are not generated", f)
	}
}

// gradeInstructions counts the instructions that were followed. A prompt's metrics are 1 when all were.
func gradeInstructions(item leaderboard.Item, response string) (metrics, weights map[string]float64, err error) {
	strict, loose, err := ifeval.Check(item.Instructions, item.Arguments, item.Question, response)
	if err != nil {
		return nil, nil, err
	}
	metrics, weights = map[string]float64{}, map[string]float64{}
	for _, m := range []struct {
		prompt, inst leaderboard.Metric
		followed     []bool
	}{
		{leaderboard.PromptStrict, leaderboard.InstStrict, strict},
		{leaderboard.PromptLoose, leaderboard.InstLoose, loose},
	} {
		count := 0
		for _, ok := range m.followed {
			if ok {
				count++
			}
		}
		metrics[string(m.inst)] = float64(count) / float64(len(m.followed))
		weights[string(m.inst)] = float64(len(m.followed))
		metrics[string(m.prompt)] = one(count == len(m.followed))
	}
	return metrics, weights, nil
}

// one is 1 for what is true, else 0.
func one(ok bool) float64 {
	if ok {
		return 1
	}
	return 0
}
