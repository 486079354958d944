package evaluation

import (
	"context"
	"fmt"

	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/reward"
)

// RewardMetric is the metric of judged samples, and SamplesTask their task.
const (
	RewardMetric = "reward"
	SamplesTask  = "samples"
)

// ReadSamples reads responses from a file of records with the texts "prompt" and "completion", gzipped if its name ends in
// .gz. The k-th response to a prompt is item k of that prompt, wherever it stands, so that files of several models are
// compared response by response. The records have no metrics before JudgeSamples.
func ReadSamples(path string) ([]Record, []string, error) {
	input, err := jsonl.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer input.Close()
	var records []Record
	var prompts []string
	seen := map[string]int{}
	err = jsonl.Each(input, path, func(o jsonl.Object, _ int) error {
		var prompt, completion string
		if err := o.Decode("prompt", &prompt, "a string"); err != nil {
			return usage.Wrap(err)
		}
		if err := o.Decode("completion", &completion, "a string"); err != nil {
			return usage.Wrap(err)
		}
		records = append(records, Record{Task: SamplesTask, Index: seen[prompt], Item: digest(prompt), Responses: []string{completion}})
		prompts = append(prompts, prompt)
		seen[prompt]++
		return nil
	})
	if err == nil && len(records) == 0 {
		err = usage.Errorf("%s: no records; every line needs an object with prompt and completion", path)
	}
	return records, prompts, err
}

// CheckSamples counts the prompts to which one of two files of samples has more responses than the other. Files without a
// common prompt are a usage error.
func CheckSamples(a, b []Record) (uneven int, err error) {
	inA, inB := map[string]int{}, map[string]int{}
	for _, r := range a {
		inA[r.Item]++
	}
	for _, r := range b {
		inB[r.Item]++
	}
	shared := 0
	for prompt, n := range inA {
		if m, ok := inB[prompt]; ok {
			shared++
			if m != n {
				uneven++
			}
		}
	}
	if shared == 0 {
		return 0, usage.Errorf("the samples share no prompt; both files need responses to the same prompts, spelled the same")
	}
	return uneven, nil
}

// JudgeSamples gives records of ReadSamples the reward of their responses.
func JudgeSamples(ctx context.Context, scorer reward.Scorer, records []Record, prompts []string) error {
	completions := make([]string, len(records))
	for i, r := range records {
		completions[i] = r.Responses[0]
	}
	rewards, err := scorer.Score(ctx, prompts, completions)
	if err != nil {
		return fmt.Errorf("score samples: %w", err)
	}
	for i, value := range rewards {
		records[i].Metrics = map[string]float64{RewardMetric: value}
	}
	return nil
}
