package data

import (
	"cmp"
	"slices"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// RatedPairs says which pairs are made of a prompt's rated responses (setting rated_pairs).
type RatedPairs string

// The rules. The empty rule is BestWorst.
const (
	BestWorst RatedPairs = "best_worst" // one pair, the highest rating against the lowest
	AllPairs  RatedPairs = "all"        // every two responses of different ratings
	FirstTwo  RatedPairs = "first"      // one pair of the first two, whatever their difference; of equals the second is chosen
)

// Validate refuses an unknown rule.
func (p RatedPairs) Validate() error {
	switch p {
	case "", BestWorst, AllPairs, FirstTwo:
		return nil
	}
	return usage.Errorf("rated_pairs: unknown rule %q; known: %s, %s, %s", p, BestWorst, AllPairs, FirstTwo)
}

// of returns pairs of responses as their numbers, chosen and rejected.
func (p RatedPairs) of(ratings []float64) [][2]int {
	switch {
	case len(ratings) < 2:
		return nil
	case p == FirstTwo && ratings[0] > ratings[1]:
		return [][2]int{{0, 1}}
	case p == FirstTwo:
		return [][2]int{{1, 0}}
	case p == AllPairs:
		return allPairs(ratings)
	}
	best, worst := slices.Index(ratings, slices.Max(ratings)), slices.Index(ratings, slices.Min(ratings))
	if best == worst {
		return nil
	}
	return [][2]int{{best, worst}}
}

func allPairs(ratings []float64) [][2]int {
	var pairs [][2]int
	for i, a := range ratings {
		for j, b := range ratings[:i] {
			switch cmp.Compare(a, b) {
			case 1:
				pairs = append(pairs, [2]int{i, j})
			case -1:
				pairs = append(pairs, [2]int{j, i})
			}
		}
	}
	return pairs
}

// gather adds rated responses to those of the same prompt before them, or begins with another prompt.
func (l *loading) gather(made tokenised) {
	if l.rated.ratings != nil && slices.Equal(l.rated.prompt, made.prompt) {
		l.rated.chosen = append(l.rated.chosen, made.chosen...)
		l.rated.ratings = append(l.rated.ratings, made.ratings...)
		return
	}
	l.pairRated()
	l.rated = made
	l.report.RatedPrompts++
}

// pairRated takes pairs of the responses gathered into the set.
func (l *loading) pairRated() {
	if l.rated.ratings == nil {
		return
	}
	made, kept := l.rated, 0
	l.rated = tokenised{}
	for _, pair := range l.RatedPairs.of(made.ratings) {
		chosen, rejected := made.chosen[pair[0]], made.chosen[pair[1]]
		if !slices.Equal(chosen, rejected) {
			l.keep(example{source: made.source, prompt: made.prompt, chosen: [][]int32{chosen}, rejected: [][]int32{rejected}})
			kept++
		}
	}
	if kept == 0 {
		l.report.drop(DropNoPair, made.source+": "+string(DropNoPair))
	}
}
