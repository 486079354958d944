package tokenizer

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// reviews returns the texts of up to limit real film reviews.
func reviews(tb testing.TB, limit int) []string {
	tb.Helper()
	file, err := os.Open(sharedData(tb, "imdb", "train.jsonl.gz"))
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		tb.Fatal(err)
	}
	var texts []string
	lines := bufio.NewScanner(unzipped)
	lines.Buffer(nil, 1<<20)
	for len(texts) < limit && lines.Scan() {
		var record struct{ Text string }
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
			tb.Fatal(err)
		}
		texts = append(texts, record.Text)
	}
	if err := lines.Err(); err != nil {
		tb.Fatal(err)
	}
	return texts
}

// BenchmarkEncode encodes 2,000 reviews on one goroutine: "warm" with words in the cache from the round before, "cold" with
// an empty cache each round.
func BenchmarkEncode(b *testing.B) {
	for _, name := range []string{"gpt2", "gpt-neox-20b", "falcon"} {
		dir := sharedData(b, "tokenizers", name)
		texts := reviews(b, 2000)
		for _, state := range []string{"warm", "cold"} {
			b.Run(name+"/"+state, func(b *testing.B) {
				tok := mustLoad(b, dir)
				ids := make([]int32, 0, 1<<14)
				for _, text := range texts {
					ids = tok.Append(ids[:0], text)
				}
				numTokens := 0
				for b.Loop() {
					if state == "cold" {
						tok.cache = newWordCache()
					}
					for _, text := range texts {
						ids = tok.Append(ids[:0], text)
						numTokens += len(ids)
					}
				}
				b.ReportMetric(float64(numTokens)/b.Elapsed().Seconds(), "tokens/s")
			})
		}
	}
}

// BenchmarkTrain learns 8,192 tokens from 20,000 reviews.
func BenchmarkTrain(b *testing.B) {
	texts := reviews(b, 20000)
	for b.Loop() {
		if _, err := Train(slices.Values(texts), TrainOptions{VocabSize: 8192, SpecialTokens: []string{endOfText}}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad reads a vocabulary of 50,257 tokens.
func BenchmarkLoad(b *testing.B) {
	dir := sharedData(b, "tokenizers", "gpt2")
	for b.Loop() {
		mustLoad(b, dir)
	}
}
