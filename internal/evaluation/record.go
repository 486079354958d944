package evaluation

import (
	"fmt"
	"hash/fnv"
)

// Record is what came out at one item.
type Record struct {
	Task  string `json:"task"`
	Index int    `json:"index"` // of the item in its task
	ID    string `json:"id,omitempty"`
	// Item is a digest of what is asked, so that results of different questions are not taken for each other.
	Item    string             `json:"item"`
	Metrics map[string]float64 `json:"metrics"`
	// Weights are what metrics count for where that is not 1: the number of an IFEval prompt's instructions.
	Weights map[string]float64 `json:"weights,omitempty"`
	// Counts are what scores of all items as one text are made of, by the score's name: those of corpus BLEU.
	Counts map[string][]float64 `json:"counts,omitempty"`

	LogProbs []float64 `json:"logprobs,omitempty"` // of the choices, nats
	Choice   *int      `json:"choice,omitempty"`   // the model's
	Gold     *int      `json:"gold,omitempty"`     // the right one

	Prompt    string   `json:"prompt,omitempty"` // of samples that are measured as texts
	Responses []string `json:"responses,omitempty"`
	// ResponseMetrics are the metrics of each response by itself; Metrics has their means.
	ResponseMetrics []map[string]float64 `json:"response_metrics,omitempty"`
	Verdicts        []string             `json:"verdicts,omitempty"` // on programs, see package sandbox
	Cut             bool                 `json:"cut,omitempty"`      // the model had no room for the whole prompt or response
}

// weight is what a metric counts for.
func (r *Record) weight(metric string) float64 {
	if w, ok := r.Weights[metric]; ok {
		return w
	}
	return 1
}

// key tells items apart.
type key struct {
	task  string
	index int
	item  string
}

func (r *Record) key() key { return keyOf(r.Task, r.Index, r.Item) }

// place is where an item stands.
type place struct {
	task  string
	index int
}

// keyOf leaves the index of a prompt with its samples out: no prompt stands twice in such a task, and two models' samples need
// not be in the same order.
func keyOf(task string, index int, item string) key {
	if task == TextTask {
		index = 0
	}
	return key{task, index, item}
}

// digest is a short digest of texts.
func digest(texts ...string) string {
	hash := fnv.New64a()
	for _, text := range texts {
		fmt.Fprintf(hash, "%d:%s", len(text), text)
	}
	return fmt.Sprintf("%016x", hash.Sum64())
}
