package evaluation

import "github.com/sparsepo/sparsepo/internal/bootstrap"

// Score is one number of an evaluation, with its interval.
type Score struct {
	Task     string
	Metric   string
	Items    int // of the task; responses or prompts where a metric of texts counts those
	Value    float64
	Interval *bootstrap.Interval // nil where a bootstrap over items has no meaning, see TextScore
}

// Scores are all scores of records, task by task in the order of Summarise, with intervals by a bootstrap over items.
func Scores(records []Record, o bootstrap.Options) []Score {
	byTask, order := groupByTask(records)
	var scores []Score
	for _, task := range order {
		if task == TextTask {
			for _, s := range TextScores(byTask[task], o) {
				score := Score{Task: task, Metric: s.Name, Items: s.Items, Value: s.Value}
				if s.Low != nil {
					score.Interval = &bootstrap.Interval{Low: *s.Low, High: *s.High}
				}
				scores = append(scores, score)
			}
			continue
		}
		list := statistics(byTask[task])
		found := map[string]bootstrap.Interval{}
		for i, interval := range intervals(task, byTask[task], list, o) {
			found[list[i].name] = interval
		}
		summary := scoreTask(task, byTask[task])
		for _, metric := range summary.Order() {
			interval := found[metric]
			scores = append(scores, Score{task, metric, summary.Items, summary.Metrics[metric].Value, &interval})
		}
	}
	return scores
}
