package answers

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/codebench"
	"github.com/sparsepo/sparsepo/internal/sample"
	"github.com/sparsepo/sparsepo/internal/sandbox"
)

// Reason is why a task gave no record.
type Reason string

// The reasons.
const (
	TooFewPassed Reason = "too few distinct answers passed"
	TooFewFailed Reason = "too few distinct answers failed"
)

// Report counts what became of the tasks and of what was sampled for them.
type Report struct {
	Tasks    int                  `json:"tasks"`
	Kept     int                  `json:"kept"`
	Dropped  map[Reason]int       `json:"dropped,omitempty"` // tasks without a record
	Sampled  int                  `json:"sampled"`
	Cut      int                  `json:"cut"`      // of those, that did not end by themselves
	Empty    int                  `json:"empty"`    // without text: failed, but no answer of a record
	Distinct int                  `json:"distinct"` // texts, each counted once a task
	Verdicts map[sandbox.Kind]int `json:"verdicts"` // of the distinct ones
	PassAtK  map[int]float64      `json:"pass_at_k"`

	sampled, passed []int // of each task, repeated ones included
}

// count collects the distinct texts of a task's responses, but not the empty one.
func (r *Report) count(responses []sample.Completion) drawn {
	d := drawn{times: map[string]int{}}
	for _, c := range responses {
		r.Sampled++
		if !c.Finished && !c.Stopped {
			r.Cut++
		}
		switch {
		case c.Text == "":
			r.Empty++
		case d.times[c.Text] == 0:
			d.texts = append(d.texts, c.Text)
		}
		d.times[c.Text]++
	}
	r.Distinct += len(d.texts)
	return d
}

// ks are the k of pass@k that are reported where enough was sampled.
var ks = []int{1, 10, 100}

// add counts a task and reports whether it is kept. times says how often each answer came.
func (r *Report) add(record Record, times map[string]int, m *Maker) bool {
	distinct, sampled, passed := 0, times[""], 0
	for _, a := range record.Answers {
		r.Verdicts[a.Verdict]++
		sampled += times[a.Text]
		if a.Votes != nil {
			distinct++
			passed += times[a.Text]
		}
	}
	r.sampled, r.passed = append(r.sampled, sampled), append(r.passed, passed)
	r.PassAtK = codebench.MeanPassAtK(r.sampled, r.passed, ks)
	switch {
	case distinct < m.MinPassed:
		r.drop(TooFewPassed)
	case len(record.Answers)-distinct < m.MinFailed:
		r.drop(TooFewFailed)
	default:
		return true
	}
	return false
}

func (r *Report) drop(reason Reason) {
	if r.Dropped == nil {
		r.Dropped = map[Reason]int{}
	}
	r.Dropped[reason]++
}

// String gives the report in a few lines, leaving out what did not happen.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d tasks, %d kept", r.Tasks, r.Kept)
	for _, reason := range slices.Sorted(maps.Keys(r.Dropped)) {
		fmt.Fprintf(&b, "\n  dropped %d: %s", r.Dropped[reason], reason)
	}
	fmt.Fprintf(&b, "\n  %d answers, %d cut at the limit, %d empty, %d distinct", r.Sampled, r.Cut, r.Empty, r.Distinct)
	kinds := slices.SortedFunc(maps.Keys(r.Verdicts), func(x, y sandbox.Kind) int {
		return cmp.Or(cmp.Compare(r.Verdicts[y], r.Verdicts[x]), cmp.Compare(x, y))
	})
	for i, kind := range kinds {
		fmt.Fprintf(&b, "%s%d %s", map[bool]string{true: ": ", false: ", "}[i == 0], r.Verdicts[kind], kind)
	}
	for i, k := range slices.Sorted(maps.Keys(r.PassAtK)) {
		fmt.Fprintf(&b, "%spass@%d %.2f %%", map[bool]string{true: "\n  ", false: ", "}[i == 0], k, 100*r.PassAtK[k])
	}
	return b.String()
}
