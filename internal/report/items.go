package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/evaluation"
)

// How much of the items is shown; the rest is in the files.
const (
	itemsPerTask = 3   // or family of tasks
	maxItemRunes = 600 // of a response
)

// item is an item of a task with what the models answered.
type item struct {
	Title, Prompt string
	Answers       []itemAnswer
}

type itemAnswer struct{ Model, Facts, Text string }

// itemKey tells items apart.
type itemKey struct{ task, item string }

// chooseItems picks of each task, or family of tasks, those at which the models' scores differ most, or of one model those with the lowest.
func chooseItems(models []*evaluated) []item {
	answers := map[itemKey][]*evaluation.Record{} // by model
	var groups []string
	members := map[string][]itemKey{}
	for i, m := range models {
		for k := range m.Records {
			r := &m.Records[k]
			key := itemKey{r.Task, r.Item}
			if r.Task != evaluation.TextTask { // texts are matched by their digest alone
				key.item = fmt.Sprint(r.Index, r.Item)
			}
			if answers[key] == nil {
				answers[key] = make([]*evaluation.Record, len(models))
				group := cmp.Or(familyOf(r.Task), r.Task)
				if members[group] == nil {
					groups = append(groups, group)
				}
				members[group] = append(members[group], key)
			}
			answers[key][i] = r
		}
	}
	var chosen []item
	for _, group := range groups {
		keys := members[group]
		slices.SortStableFunc(keys, func(a, b itemKey) int { return -cmp.Compare(interest(answers[a]), interest(answers[b])) })
		for _, key := range keys[:min(itemsPerTask, len(keys))] {
			chosen = append(chosen, newItem(models, answers[key]))
		}
	}
	return chosen
}

// interest is how far the models' scores of an item lie apart, and for a single model how low its score is.
func interest(answers []*evaluation.Record) float64 {
	if len(answers) == 1 {
		return -mainScore(answers[0])
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, r := range answers {
		if r == nil {
			continue
		}
		low, high = min(low, mainScore(r)), max(high, mainScore(r))
	}
	return high - low
}

// mainScore is a record's first metric, in the order of the scores; 0 of one without any.
func mainScore(r *evaluation.Record) float64 {
	if order := metricsOf(r); len(order) > 0 {
		return r.Metrics[order[0]]
	}
	return 0
}

// metricsOf are the names of a record's metrics, the one that counts first.
func metricsOf(r *evaluation.Record) []string {
	score := evaluation.TaskScore{Task: r.Task, Metrics: map[string]evaluation.Estimate{}}
	for metric := range r.Metrics {
		score.Metrics[metric] = evaluation.Estimate{}
	}
	return score.Order()
}

func newItem(models []*evaluated, answers []*evaluation.Record) item {
	var i item
	for k, r := range answers {
		if r == nil {
			continue
		}
		if i.Title == "" {
			i.Title = fmt.Sprintf("%s, item %d", taskTitle(r.Task), r.Index)
			if r.ID != "" {
				i.Title += " (" + r.ID + ")"
			}
			i.Prompt = shorten(r.Prompt, maxItemRunes)
		}
		i.Answers = append(i.Answers, itemAnswer{Model: models[k].Name, Facts: facts(r), Text: answerText(r)})
	}
	return i
}

// facts are the item's metrics, the choice, and the verdict.
func facts(r *evaluation.Record) string {
	var parts []string
	for _, metric := range metricsOf(r) {
		parts = append(parts, metric+" "+fixed(r.Metrics[metric], scoreDecimals(r.Metrics[metric]), false))
	}
	if r.Choice != nil && r.Gold != nil {
		parts = append(parts, fmt.Sprintf("choice %d, right is %d", *r.Choice+1, *r.Gold+1))
	}
	if len(r.Verdicts) > 0 {
		parts = append(parts, r.Verdicts[0])
	}
	if r.Cut {
		parts = append(parts, "cut")
	}
	return strings.Join(parts, " · ")
}

// answerText is the first response.
func answerText(r *evaluation.Record) string {
	if len(r.Responses) == 0 {
		return ""
	}
	text := shorten(r.Responses[0], maxItemRunes)
	if more := len(r.Responses) - 1; more > 0 {
		text += fmt.Sprintf("\n\n(and %s)", count(more, "response more", "responses more"))
	}
	return text
}

// shorten cuts a text to so many runes.
func shorten(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return string(runes[:limit]) + "…"
}
