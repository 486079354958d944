package evaluation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/sparsepo/sparsepo/internal/bootstrap"
	"github.com/sparsepo/sparsepo/internal/textmetric"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// TextTask is the task of prompts whose samples are measured as texts.
const TextTask = "text"

// TextRun measures samples by metrics of texts. An item is a prompt with all of its samples.
type TextRun struct {
	Run
	Suite *textmetric.Suite
}

// Groups measures the prompts that the file has no record of, and adds their records.
func (r *TextRun) Groups(ctx context.Context, groups []textmetric.Group) error {
	groups = first(groups, r.Limit)
	if err := r.Suite.Check(groups); err != nil {
		return err
	}
	r.total = len(groups)
	var pending []int
	for i, group := range groups {
		done, err := r.File.has(TextTask, i, groupDigest(group))
		if err != nil {
			return err
		}
		if !done {
			pending = append(pending, i)
		}
	}
	r.finished = len(groups) - len(pending)
	for len(pending) > 0 {
		n, responses := 0, 0
		for n < len(pending) && (n == 0 || responses+len(groups[pending[n]].Samples) <= r.responses()) {
			responses += len(groups[pending[n]].Samples)
			n++
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		records, err := r.measure(ctx, groups, pending[:n])
		if err != nil {
			return err
		}
		if err := r.add(records); err != nil {
			return err
		}
		pending = pending[n:]
	}
	return nil
}

// groupDigest is of what was asked, not of what was answered.
func groupDigest(group textmetric.Group) string {
	return digest(append([]string{group.Prompt}, group.References...)...)
}

func (r *TextRun) measure(ctx context.Context, groups []textmetric.Group, some []int) ([]Record, error) {
	chosen := make([]textmetric.Group, len(some))
	for i, index := range some {
		chosen[i] = groups[index]
	}
	found, err := r.Suite.Measure(ctx, chosen)
	if err != nil {
		return nil, err
	}
	records := make([]Record, len(some))
	for i, m := range found {
		records[i] = Record{
			Task: TextTask, Index: some[i], Item: groupDigest(chosen[i]), Prompt: chosen[i].Prompt, Responses: chosen[i].Samples,
			Metrics: m.Scores, Counts: m.Counts, Cut: m.NumCut > 0,
		}
		if len(m.Samples[0]) == 0 {
			continue
		}
		records[i].ResponseMetrics = m.Samples
		if n := len(m.Samples); n > 1 {
			records[i].Weights = map[string]float64{}
			for name := range m.Samples[0] {
				records[i].Weights[name] = float64(n)
			}
		}
	}
	return records, nil
}

// TextScore is one number of an evaluation of texts.
type TextScore struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	// Low and High are the bootstrap's interval over prompts; nil for shares of different n-grams in all responses, which a
	// prompt that is drawn twice would lower.
	Low   *float64 `json:"low,omitempty"`
	High  *float64 `json:"high,omitempty"`
	Over  string   `json:"over"`  // what it is the mean over, "responses" or "prompts"; "corpus" for all responses taken as one text
	Items int      `json:"items"` // how many of these; responses for "corpus"
}

// TextScores makes scores of the records of a TextRun, in the order of textmetric.Scores.
func TextScores(records []Record, o bootstrap.Options) []TextScore {
	byTask, _ := groupByTask(records)
	records = byTask[TextTask]
	var responses []string
	for _, r := range records {
		responses = append(responses, r.Responses...)
	}
	shown := textmetric.Scores()
	known := slices.DeleteFunc(statistics(records), func(s statistic) bool { return !slices.Contains(shown, s.name) })
	found := intervals(TextTask, records, known, o)
	var scores, corpus []TextScore
	for _, name := range shown {
		k := slices.IndexFunc(known, func(s statistic) bool { return s.name == name })
		if k < 0 {
			continue
		}
		score := textScore(known[k], records)
		score.Low, score.High = &found[k].Low, &found[k].High
		scores = append(scores, score)
		if share, ok := textmetric.CorpusDistinct(name, responses); ok {
			corpus = append(corpus, TextScore{Name: name + "_corpus", Value: share, Over: "corpus", Items: len(responses)})
		}
	}
	return append(scores, corpus...)
}

// textScore is a score without its interval.
func textScore(s statistic, records []Record) TextScore {
	records = s.of(records)
	score := TextScore{Name: s.name, Value: s.estimate(records).Value, Over: "prompts", Items: len(records)}
	ofResponses := len(records[0].ResponseMetrics) > 0
	if ofResponses {
		_, ofResponses = records[0].ResponseMetrics[0][s.name]
	}
	if !ofResponses && !s.corpus {
		return score
	}
	score.Over, score.Items = "responses", 0
	if s.corpus {
		score.Over = "corpus"
	}
	for _, r := range records {
		score.Items += len(r.Responses)
	}
	return score
}

// TextDigests are digests of the samples in groups, with their prompts, and of the references.
func TextDigests(groups []textmetric.Group) (samples, references string) {
	a, b := sha256.New(), sha256.New()
	for _, group := range groups {
		fmt.Fprintf(a, "%d:%s", len(group.Prompt), group.Prompt)
		fmt.Fprintf(a, "%d", len(group.Samples))
		fmt.Fprintf(b, "%d", len(group.References))
		for _, text := range group.Samples {
			fmt.Fprintf(a, "/%d:%s", len(text), text)
		}
		for _, text := range group.References {
			fmt.Fprintf(b, "/%d:%s", len(text), text)
		}
	}
	return hex.EncodeToString(a.Sum(nil)), hex.EncodeToString(b.Sum(nil))
}

// TextsDigest is a digest of texts, whatever their order.
func TextsDigest(texts []string) string {
	sum := sha256.New()
	for _, text := range slices.Sorted(slices.Values(texts)) {
		fmt.Fprintf(sum, "%d:%s", len(text), text)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Settings in headers of texts' results in which files that are compared may differ: the names of the metrics, and a digest
// of all references, since items tell those of their own prompts.
const (
	MetricsSetting    = "metrics"
	ReferencesSetting = "references"
)

// CheckTextSettings refuses to compare results of texts whose metrics were computed in different ways: by other encoders, for
// instance. What only one of them has is no difference.
func CheckTextSettings(a, b *File) error {
	for _, f := range []*File{a, b} {
		if !slices.ContainsFunc(f.Records, func(r Record) bool { return r.Task == TextTask }) {
			return nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Header.Settings)) {
		x, y := a.Header.Settings[name], b.Header.Settings[name]
		if name != MetricsSetting && name != ReferencesSetting && y != "" && x != y {
			return usage.Errorf("the results were computed in different ways: %s is %s in A and %s in B; evaluate both with the same settings", name, x, y)
		}
	}
	return nil
}
