package data_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sparsepo/sparsepo/data"
)

func ExampleNewReader() {
	input := strings.NewReader(`{"prompt": "The film", "chosen": " is good.", "rejected": " is bad."}
{"prompt": "The film", "chosen": " is good."}
{"prompt": [5, 6], "chosen": [7], "rejected": [8, 9]}`)
	reader, err := data.NewReader(input, "pairs.jsonl", data.Preference)
	if err != nil {
		fmt.Println(err)
		return
	}
	for rec, err := range reader.Records() {
		var bad *data.BadRecord
		switch {
		case errors.As(err, &bad):
			fmt.Println(bad.Source, "field", bad.Field, "-", bad.Reason)
		case err != nil:
			fmt.Println(err)
		default:
			fmt.Println(rec.Source, "is", rec.Chosen.Form)
		}
	}
	// Output:
	// pairs.jsonl:1 is text
	// pairs.jsonl:2 field rejected - missing field
	// pairs.jsonl:3 is a list of token ids
}

func ExampleLoad() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "pairs.jsonl")
	err = data.WriteFile(path, func(w *data.Writer) error {
		return w.Write(data.Record{
			Prompt: data.IDContent([]int32{1, 2}), Chosen: data.IDContent([]int32{3, 4}), Rejected: data.IDContent([]int32{5}),
		})
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	set, report, err := data.Load(context.Background(), path, data.LoadOptions{VocabSize: 100, Limits: data.Limits{MaxLength: 3}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer set.Close()
	pair, err := set.Pair(0)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pair.Prompt, pair.Chosen, pair.Rejected)
	fmt.Println(report.Kept, "kept,", report.ResponsesTruncated, "response cut")
	// Output:
	// [1 2] [3] [5]
	// 1 kept, 1 response cut
}

func ExampleCollate() {
	pairs := []data.TokenPair{{Prompt: []int32{1, 2}, Chosen: []int32{3, 4}, Rejected: []int32{5}}}
	batch, err := data.Collate(pairs, data.Fit(pairs, 1, data.SharedPrompt))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("tokens   ", batch.Tokens)
	fmt.Println("positions", batch.Positions)
	fmt.Println("targets  ", batch.Target, "predicted at", batch.Predict)
	// Output:
	// tokens    [1 2 3 4 5]
	// positions [0 1 2 3 2]
	// targets   [3 4 5] predicted at [1 2 1]
}

func ExamplePlan() {
	var pairs []data.TokenPair
	for i := range int32(5) {
		pairs = append(pairs, data.TokenPair{Prompt: []int32{i}, Chosen: []int32{1}, Rejected: []int32{2}})
	}
	set, err := data.NewSet("pairs", pairs)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer set.Close()
	plan, err := data.NewPlan(set, data.PlanOptions{BatchSize: 2, Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	for step, err := range plan.Steps(0) {
		if err != nil || step.Epoch == 1 {
			break
		}
		fmt.Printf("step %d: %d pairs\n", step.Number, step.Pairs)
	}
	fmt.Println("epoch after 4 steps:", plan.Epoch(4))
	// Output:
	// step 0: 2 pairs
	// step 1: 2 pairs
	// step 2: 1 pairs
	// epoch after 4 steps: 1.4
}
