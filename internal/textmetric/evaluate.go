package textmetric

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Suite says what is measured.
type Suite struct {
	Metrics []string // of Metrics
	Stem    bool     // ROUGE compares stems
	BERT    *BERTScore
	SummaC  *SummaC
}

// Score is one number of an evaluation.
type Score struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Over  string  `json:"over"`  // what it is the mean over, "responses" or "prompts"; "corpus" for all responses taken as one text
	Items int     `json:"items"` // how many of these
}

// Item is what was measured of one response, or of all responses to a prompt.
type Item struct {
	Index      int                `json:"index"` // of the prompt
	Sample     *int               `json:"sample,omitempty"`
	Prompt     string             `json:"prompt"`
	Completion *string            `json:"completion,omitempty"` // with sample
	Metrics    map[string]float64 `json:"metrics"`
}

// Evaluation is what a Suite finds.
type Evaluation struct {
	Scores    []Score `json:"scores"`
	Responses []Item  `json:"responses"`
	Prompts   []Item  `json:"prompts"`
	NumCut    int     `json:"texts_cut"` // texts that the encoder of BERTScore could not read whole
}

// metric computes one metric of all groups.
type metric struct {
	name       string
	references bool // it compares with references
	compute    func(ctx context.Context, s *Suite, groups []Group, e *Evaluation) error
}

var metrics = []metric{
	{"rouge", true, addRouge},
	{"bleu", true, addBLEU},
	{"self-bleu", false, addSelfBLEU},
	{"distinct", false, addDistinct},
	{"bertscore", true, addBERTScore},
	{"summac", false, addSummaC},
	{"edna", false, addEDNA},
}

// Metrics are the names of the metrics.
func Metrics() []string {
	var names []string
	for _, m := range metrics {
		names = append(names, m.name)
	}
	return names
}

// Needs reports whether one of the metrics compares with references. An unknown name is a usage error.
func Needs(names []string) (references bool, err error) {
	if len(names) == 0 {
		return false, usage.Errorf("no metrics; known: %s", strings.Join(Metrics(), ", "))
	}
	for _, name := range names {
		i := slices.IndexFunc(metrics, func(m metric) bool { return m.name == name })
		if i < 0 {
			err := usage.Errorf("unknown metric %q; known: %s", name, strings.Join(Metrics(), ", "))
			if nearest := usage.Nearest(name, Metrics()); nearest != "" {
				err = usage.Hint(err, fmt.Sprintf("did you mean %q?", nearest))
			}
			return false, err
		}
		references = references || metrics[i].references
	}
	return references, nil
}

// Evaluate measures groups, in the order of Metrics.
func (s *Suite) Evaluate(ctx context.Context, groups []Group) (*Evaluation, error) {
	if _, err := Needs(s.Metrics); err != nil {
		return nil, err
	}
	e := &Evaluation{}
	for i, group := range groups {
		e.Prompts = append(e.Prompts, Item{Index: i, Prompt: group.Prompt, Metrics: map[string]float64{}})
		for sample, completion := range group.Samples {
			e.Responses = append(e.Responses, Item{Index: i, Sample: &sample, Prompt: group.Prompt, Completion: &completion, Metrics: map[string]float64{}})
		}
	}
	for _, m := range metrics {
		if !slices.Contains(s.Metrics, m.name) {
			continue
		}
		if err := m.compute(ctx, s, groups, e); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// summarise adds the means of metrics over the items that have them.
func (e *Evaluation) summarise(over string, items []Item, names ...string) {
	for _, name := range names {
		var values []float64
		for _, item := range items {
			if x, ok := item.Metrics[name]; ok {
				values = append(values, x)
			}
		}
		if len(values) > 0 {
			e.Scores = append(e.Scores, Score{Name: name, Value: mean(values), Over: over, Items: len(values)})
		}
	}
}

func (e *Evaluation) overResponses(names ...string) { e.summarise("responses", e.Responses, names...) }
func (e *Evaluation) overPrompts(names ...string)   { e.summarise("prompts", e.Prompts, names...) }

// addOverlap records precision, recall and F1 of a response under a metric's name, F1 under the bare one.
func (item *Item) addOverlap(name string, o Overlap) {
	item.Metrics[name], item.Metrics[name+"_precision"], item.Metrics[name+"_recall"] = o.F1, o.Precision, o.Recall
}

// several is an error unless some group has two samples.
func several(groups []Group, what string) error {
	if !slices.ContainsFunc(groups, func(g Group) bool { return len(g.Samples) > 1 }) {
		return usage.Errorf("%s compares samples of the same prompt, and no prompt has two; draw more with sample --n", what)
	}
	return nil
}
