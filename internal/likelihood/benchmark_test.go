package likelihood

import (
	"fmt"
	"testing"

	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/leaderboard"
	"github.com/sparsepo/sparsepo/internal/prompts"
	"github.com/sparsepo/sparsepo/model"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// asked are requests of a task's first items.
func asked(b *testing.B, tok *tokenizer.Tokenizer, f leaderboard.Family, only []string, items int) []Request {
	b.Helper()
	tasks, err := leaderboard.Load(b.Context(), f, leaderboard.Source{Name: golden.Shared(b, "data", string(f))}, only)
	if err != nil {
		b.Fatal(err)
	}
	var list []Request
	for _, item := range tasks[0].Items[:items] {
		prefix := prompts.Begin(tok, tasks[0].Prompt(item))
		for _, continuation := range tasks[0].Continuations(item, false) {
			list = append(list, Request{prefix, tok.Encode(continuation)})
		}
	}
	return list
}

// BenchmarkBeginnings scores 64 items of tasks with examples, with their common beginning read once and with every text read
// whole.
func BenchmarkBeginnings(b *testing.B) {
	tok, err := tokenizer.Load(golden.Shared(b, "data", "tokenizers", "gpt2"))
	if err != nil {
		b.Fatal(err)
	}
	config, err := model.GPT2Config(tok.VocabSize(), 256, 6, 4, 4096, -1)
	if err != nil {
		b.Fatal(err)
	}
	opened, err := engine.Open("onnx")
	if err != nil {
		b.Skipf("skipped: engine onnx is not here (`make engine` installs ONNX Runtime): %v", err)
	}
	s := newSubject(b, golden.Engine{Name: "onnx", Backend: opened.Backend()}, config, normal(0.02))
	for _, task := range []struct {
		family leaderboard.Family
		only   []string
	}{
		{leaderboard.BBH, []string{"navigate"}},
		{leaderboard.BBH, []string{"date_understanding"}},
		{leaderboard.BBH, []string{"snarks"}},
		{leaderboard.MMLUPro, nil},
	} {
		requests := asked(b, tok, task.family, task.only, 64)
		for _, way := range []string{"once", "each"} {
			b.Run(fmt.Sprintf("%s%v/%s", task.family, task.only, way), func(b *testing.B) {
				scorer := s.scorer(b, 0)
				if way == "each" {
					scorer.longest = 0
				}
				score := func() {
					if _, err := scorer.Score(b.Context(), requests, nil); err != nil {
						b.Fatal(err)
					}
				}
				score() // compiles
				for b.Loop() {
					scorer.beginnings.Release()
					score()
				}
				b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/64*1000, "ms/item")
			})
		}
	}
}
