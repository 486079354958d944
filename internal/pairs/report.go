package pairs

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/data"
)

// Reason is why a prompt gave no pair.
type Reason string

// The reasons.
const (
	TooFew      Reason = "fewer than two completions with text"
	Tie         Reason = "equal rewards"
	SmallMargin Reason = "margin too small"
)

// Report counts what became of the prompts. Means are over completions with text, or over pairs; 0 where there are none.
type Report struct {
	Prompts        int            `json:"prompts"`
	Kept           int            `json:"kept"`
	Dropped        map[Reason]int `json:"dropped,omitempty"` // prompts without a pair
	Completions    int            `json:"completions"`
	Empty          int            `json:"empty_completions"` // without text: no pair is made of them
	Cut            int            `json:"cut_completions"`   // that did not end by themselves
	MeanReward     float64        `json:"mean_reward"`
	MeanChosen     float64        `json:"mean_chosen_reward"`
	MeanRejected   float64        `json:"mean_rejected_reward"`
	ResponseTokens float64        `json:"mean_response_tokens"` // of the pairs, both sides
}

func (r *Report) drop(reason Reason) {
	if r.Dropped == nil {
		r.Dropped = map[Reason]int{}
	}
	r.Dropped[reason]++
}

func (r *Report) measureAll(list []completion) {
	for _, c := range list {
		r.MeanReward += c.score / float64(len(list))
	}
}

func (r *Report) measurePairs(records []data.SampledRecord) {
	r.Kept = len(records)
	n := float64(len(records))
	for _, rec := range records {
		r.MeanChosen += rec.ChosenScore / n
		r.MeanRejected += rec.RejectedScore / n
		r.ResponseTokens += float64(len(rec.Chosen.IDs)+len(rec.Rejected.IDs)) / (2 * n)
	}
}

// String gives the report in a few lines, leaving out what did not happen.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d prompts, %d pairs", r.Prompts, r.Kept)
	for _, reason := range slices.SortedFunc(maps.Keys(r.Dropped), func(a, b Reason) int {
		return cmp.Or(cmp.Compare(r.Dropped[b], r.Dropped[a]), cmp.Compare(a, b))
	}) {
		fmt.Fprintf(&b, "\n  dropped %d: %s", r.Dropped[reason], reason)
	}
	fmt.Fprintf(&b, "\n  %d completions, %d cut at the limit, %d without text; mean reward %.4f", r.Completions, r.Cut, r.Empty, r.MeanReward)
	if r.Kept > 0 {
		fmt.Fprintf(&b, "\n  mean reward of chosen %.4f, of rejected %.4f; %.1f tokens a response", r.MeanChosen, r.MeanRejected, r.ResponseTokens)
	}
	return b.String()
}
