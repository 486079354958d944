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

// Measurement is what was measured of the samples of one prompt.
type Measurement struct {
	// Scores are those of the samples taken together, and the means of their own ones.
	Scores map[string]float64
	// Samples are each sample's own scores.
	Samples []map[string]float64
	// Counts are what scores of all responses as one text are made of, by the score's name: BLEU.Counts. They add up.
	Counts map[string][]float64
	NumCut int // texts that the encoder of BERTScore could not read whole
}

// metric computes one metric of groups, and adds it to what was measured of each.
type metric struct {
	name       string
	references bool     // it compares with references
	several    bool     // it compares samples of a prompt with each other; prompts with one sample have none
	scores     []string // names of those that tables show
	compute    func(ctx context.Context, s *Suite, groups []Group, into []Measurement) error
}

var metrics = []metric{
	{"rouge", true, false, RougeKinds(), addRouge},
	{"bleu", true, false, []string{CorpusBLEUName, "bleu_sentence"}, addBLEU},
	{"self-bleu", false, true, []string{"self_bleu"}, addSelfBLEU},
	{"distinct", false, false, []string{distinctName(1), distinctName(2), distinctName(3)}, addDistinct},
	{"bertscore", true, false, []string{"bertscore", "bertscore_precision", "bertscore_recall"}, addBERTScore},
	{"summac", false, false, []string{"summac"}, addSummaC},
	{"edna", false, true, []string{"edna", "entailment", "self_entailment"}, addEDNA},
}

// Metrics are the names of the metrics.
func Metrics() []string {
	var names []string
	for _, m := range metrics {
		names = append(names, m.name)
	}
	return names
}

// Names are the suite's metrics in the order in which they are computed, each once.
func (s *Suite) Names() []string {
	return slices.DeleteFunc(Metrics(), func(name string) bool { return !slices.Contains(s.Metrics, name) })
}

// Scores are the names of the scores that tables show, in their order. ROUGE's precision and recall are not among them.
func Scores() []string {
	var names []string
	for _, m := range metrics {
		names = append(names, m.scores...)
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

// Check reports whether the groups can be measured: that there are samples to compare, an encoder and a classifier.
func (s *Suite) Check(groups []Group) error {
	if _, err := Needs(s.Metrics); err != nil {
		return err
	}
	has := func(name string) bool { return slices.Contains(s.Metrics, name) }
	switch {
	case has("bertscore") && s.BERT == nil:
		return usage.Errorf("bertscore needs an encoder")
	case (has("summac") || has("edna")) && s.SummaC == nil:
		return usage.Errorf("summac and edna need a classifier of sentence pairs")
	case slices.ContainsFunc(groups, func(g Group) bool { return len(g.Samples) > 1 }):
		return nil
	}
	for _, m := range metrics {
		if m.several && has(m.name) {
			return usage.Errorf("%s compares samples of the same prompt, and no prompt has two; draw more with sample --n", m.name)
		}
	}
	return nil
}

// Measure measures groups that Check found nothing wrong with; the result is in their order.
func (s *Suite) Measure(ctx context.Context, groups []Group) ([]Measurement, error) {
	list := make([]Measurement, len(groups))
	for i, group := range groups {
		list[i] = Measurement{Scores: map[string]float64{}, Samples: make([]map[string]float64, len(group.Samples)), Counts: map[string][]float64{}}
		for k := range group.Samples {
			list[i].Samples[k] = map[string]float64{}
		}
	}
	for _, m := range metrics {
		if !slices.Contains(s.Metrics, m.name) {
			continue
		}
		if err := m.compute(ctx, s, groups, list); err != nil {
			return nil, err
		}
	}
	for i := range list {
		list[i].average()
	}
	return list, nil
}

// average adds the means of the samples' scores.
func (m *Measurement) average() {
	for name := range m.Samples[0] {
		sum := 0.0
		for _, scores := range m.Samples {
			sum += scores[name]
		}
		m.Scores[name] = sum / float64(len(m.Samples))
	}
}

// addOverlap records precision, recall and F1 of a sample under a metric's name, F1 under the bare one.
func (m *Measurement) addOverlap(sample int, name string, o Overlap) {
	scores := m.Samples[sample]
	scores[name], scores[name+"_precision"], scores[name+"_recall"] = o.F1, o.Precision, o.Recall
}
