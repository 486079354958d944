package evaluation

import (
	"context"
	"fmt"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/leaderboard"
)

// Run asks a model the items of tasks.
type Run struct {
	Model Model
	File  *File
	// Template writes prompts as conversations; nil for prompts as plain text.
	Template data.Template
	// System is the instruction of a conversation's system turn, "" for none; OneTurn puts the examples into one turn of the
	// user instead of a turn for each question and answer.
	System  string
	OneTurn bool
	// Limit is the number of items of each task, the first ones; 0 means all.
	Limit int
	// Responses is the number of responses that are asked for at once and then written to the file; 0 means 64.
	Responses int
	// Progress, which may be nil, is told how many items are done, those of the file included.
	Progress func(done, total int)

	finished, total int
}

// Items asked for at once. What was answered before a run is broken off is kept, so fewer are better; more fill the batches.
// Ours.
const (
	choicesAtOnce   = 128
	responsesAtOnce = 64
)

// responses is the number of responses that are asked for at once.
func (r *Run) responses() int {
	if r.Responses > 0 {
		return r.Responses
	}
	return responsesAtOnce
}

// Leaderboard asks the items of tasks that the file has no record of, and adds their records.
func (r *Run) Leaderboard(ctx context.Context, tasks []*leaderboard.Task) error {
	pending := make([][]leaderboard.Item, len(tasks))
	for i, task := range tasks {
		items := first(task.Items, r.Limit)
		r.total += len(items)
		for _, item := range items {
			done, err := r.File.has(task.Name, item.Index, itemDigest(task, item))
			if err != nil {
				return err
			}
			if !done {
				pending[i] = append(pending[i], item)
			}
		}
		r.finished += len(items) - len(pending[i])
	}
	for i, task := range tasks {
		ask, atOnce := r.choose, choicesAtOnce
		if task.Generation != nil {
			ask, atOnce = r.generate, r.responses()
		}
		for items := pending[i]; len(items) > 0; {
			n := min(atOnce, len(items))
			records, err := ask(ctx, task, items[:n])
			if err != nil {
				return fmt.Errorf("%s: %w", task.Name, err)
			}
			if err := r.add(records); err != nil {
				return err
			}
			items = items[n:]
		}
	}
	return nil
}

// first are the first of a list; limit 0 means all.
func first[T any](list []T, limit int) []T {
	if limit > 0 && limit < len(list) {
		return list[:limit]
	}
	return list
}

func (r *Run) add(records []Record) error {
	if err := r.File.append(records); err != nil {
		return err
	}
	r.finished += len(records)
	if r.Progress != nil {
		r.Progress(r.finished, r.total)
	}
	return nil
}

// itemDigest is of all that is asked, in plain text, so that results with and without a chat template can be compared.
func itemDigest(task *leaderboard.Task, item leaderboard.Item) string {
	return digest(append([]string{task.Prompt(item), item.Target}, item.Choices...)...)
}

// prompt is what the model reads.
func (r *Run) prompt(task *leaderboard.Task, item leaderboard.Item) (string, error) {
	if r.Template == nil {
		return task.Prompt(item), nil
	}
	var messages []data.Message
	for _, m := range task.Messages(item, r.System, !r.OneTurn) {
		messages = append(messages, data.Message(m))
	}
	text, err := r.Template(messages, true)
	if err != nil {
		return "", fmt.Errorf("document %d: %w", item.Index, err)
	}
	return text, nil
}

// choose answers items of multiple choice.
func (r *Run) choose(ctx context.Context, task *leaderboard.Task, items []leaderboard.Item) ([]Record, error) {
	questions := make([]Question, len(items))
	for i, item := range items {
		prompt, err := r.prompt(task, item)
		if err != nil {
			return nil, err
		}
		questions[i] = Question{prompt, task.Continuations(item, r.Template != nil)}
	}
	answers, err := r.Model.LogProbs(ctx, questions)
	if err != nil {
		return nil, err
	}
	metric := task.Family.Metrics()[0]
	records := make([]Record, len(items))
	for i, item := range items {
		logProbs := answers[i].LogProbs
		choice, gold := leaderboard.Best(item.Choices, logProbs, metric == leaderboard.AccNorm), item.Gold
		records[i] = Record{
			Task: task.Name, Index: item.Index, Item: itemDigest(task, item), LogProbs: logProbs, Choice: &choice, Gold: &gold, Cut: answers[i].Cut,
			Metrics: map[string]float64{string(metric): leaderboard.Score(metric, item.Choices, logProbs, gold)},
		}
	}
	return records, nil
}

// generate answers items in the model's own words.
func (r *Run) generate(ctx context.Context, task *leaderboard.Task, items []leaderboard.Item) ([]Record, error) {
	texts := make([]string, len(items))
	for i, item := range items {
		var err error
		if texts[i], err = r.prompt(task, item); err != nil {
			return nil, err
		}
	}
	greedy := Sampling{N: 1, TopP: 1, MaxTokens: task.Generation.MaxTokens, Stop: task.Generation.Stop}
	answers, err := r.Model.Generate(ctx, texts, greedy)
	if err != nil {
		return nil, err
	}
	records := make([]Record, len(items))
	for i, item := range items {
		records[i] = Record{Task: task.Name, Index: item.Index, Item: itemDigest(task, item), Responses: answers[i].Texts, Cut: answers[i].Cut}
		if records[i].Metrics, records[i].Weights, err = grade(task.Family, item, answers[i].Texts[0]); err != nil {
			return nil, fmt.Errorf("document %d: %w", item.Index, err)
		}
	}
	return records, nil
}
