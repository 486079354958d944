package evaluation

import (
	"maps"
	"slices"

	"github.com/sparsepo/sparsepo/internal/leaderboard"
)

// Estimate is a metric's mean over the items that have it, or a score of all of them as one text.
type Estimate struct {
	Value  float64 `json:"value"`
	StdErr float64 `json:"stderr"` // of the value, from the spread of the items; 0 for a single one
}

// TaskScore is what came out at a task.
type TaskScore struct {
	Task    string              `json:"task"`
	Items   int                 `json:"items"`
	Cut     int                 `json:"cut,omitempty"` // items that the model had no room for
	Metrics map[string]Estimate `json:"metrics"`
	// Normalised is the first metric between 0 (guessing) and 100; only of the leaderboard's tasks.
	Normalised *float64 `json:"normalised,omitempty"`
}

// Order gives the names of the metrics, the one that counts first.
func (s TaskScore) Order() []string {
	f, _, _ := leaderboard.Find(s.Task)
	rank := map[string]int{}
	for i, metric := range f.Metrics() {
		rank[string(metric)] = i
	}
	names := slices.Sorted(maps.Keys(s.Metrics))
	slices.SortStableFunc(names, func(a, b string) int { return rank[a] - rank[b] })
	return names
}

// ColumnNames are the keys of Summary.Columns, in the order of the paper's tables.
var ColumnNames = []string{"bbh", "math", "gpqa", "musr", "mmlu_pro", "ifeval_inst", "ifeval_prompt"}

// Summary is what a file of results comes to.
type Summary struct {
	Tasks []TaskScore `json:"tasks"`
	// Columns are the leaderboard's normalised scores of families all of whose tasks are there.
	Columns map[string]float64 `json:"columns,omitempty"`
	// Average is the mean of the paper's seven columns, LeaderboardAverage that of the leaderboard's six; where all are there.
	Average            *float64 `json:"average,omitempty"`
	LeaderboardAverage *float64 `json:"leaderboard_average,omitempty"`
}

// Summarise makes scores of records; tasks come in the order of their first records.
func Summarise(records []Record) Summary {
	var s Summary
	byTask, order := groupByTask(records)
	families := map[leaderboard.Family]map[string]TaskScore{}
	for _, name := range order {
		score := scoreTask(name, byTask[name])
		if f, short, ok := leaderboard.Find(name); ok {
			main := score.Metrics[string(f.Metrics()[0])].Value
			normalised := leaderboard.Normalise(main, f.Chance(short), 1)
			score.Normalised = &normalised
			if families[f] == nil {
				families[f] = map[string]TaskScore{}
			}
			families[f][short] = score
		}
		s.Tasks = append(s.Tasks, score)
	}
	s.columns(families)
	return s
}

func groupByTask(records []Record) (byTask map[string][]Record, order []string) {
	byTask = map[string][]Record{}
	for _, r := range records {
		if byTask[r.Task] == nil {
			order = append(order, r.Task)
		}
		byTask[r.Task] = append(byTask[r.Task], r)
	}
	return byTask, order
}

func scoreTask(name string, records []Record) TaskScore {
	score := TaskScore{Task: name, Items: len(records), Metrics: map[string]Estimate{}}
	for _, r := range records {
		if r.Cut {
			score.Cut++
		}
	}
	for _, s := range statistics(records) {
		score.Metrics[s.name] = s.estimate(s.of(records))
	}
	return score
}

// columns fills in the scores of whole families.
func (s *Summary) columns(families map[leaderboard.Family]map[string]TaskScore) {
	s.Columns = map[string]float64{}
	for f, scores := range families {
		if len(scores) < len(f.Tasks()) {
			continue
		}
		if f == leaderboard.IFEval {
			s.Columns["ifeval_inst"] = normalised(f, scores, leaderboard.InstStrict)
			s.Columns["ifeval_prompt"] = normalised(f, scores, leaderboard.PromptStrict)
			continue
		}
		s.Columns[string(f)] = normalised(f, scores, f.Metrics()[0])
	}
	if len(s.Columns) < len(leaderboard.Families)+1 {
		return
	}
	c := leaderboard.Columns{
		BBH: s.Columns["bbh"], MATH: s.Columns["math"], GPQA: s.Columns["gpqa"], MuSR: s.Columns["musr"], MMLUPro: s.Columns["mmlu_pro"],
		IFEvalInst: s.Columns["ifeval_inst"], IFEvalPrompt: s.Columns["ifeval_prompt"],
	}
	average, six := c.Average(), c.LeaderboardAverage()
	s.Average, s.LeaderboardAverage = &average, &six
}

func normalised(f leaderboard.Family, scores map[string]TaskScore, metric leaderboard.Metric) float64 {
	results := map[string]leaderboard.Result{}
	for short, score := range scores {
		results[short] = leaderboard.Result{Score: score.Metrics[string(metric)].Value, Items: score.Items}
	}
	return f.Normalised(results)
}
