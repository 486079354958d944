package reward

import (
	"bufio"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sharedData returns the path of a file of the shared data sets, which lie beside the repository.
func sharedData(t testing.TB, name ...string) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			break
		}
		if folder == filepath.Dir(folder) {
			t.Fatal("no go.mod above the test")
		}
		folder = filepath.Dir(folder)
	}
	path := filepath.Join(append([]string{folder, "..", "shared", "data"}, name...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("data set %s is absent: put it in shared/data beside the repository", filepath.Join(name...))
	}
	return path
}

func readReviews(t testing.TB, file string) []Example {
	t.Helper()
	examples, err := ReadExamples(sharedData(t, "imdb", file), "text", "label")
	if err != nil {
		t.Fatal(err)
	}
	return examples
}

// The classifier on real reviews: trained on 4,000 (SPARSEPO_SLOW=1: on all 20,000), it must tell the test reviews apart, and
// its rewards of sampled continuations must go along with those of another, independent sentiment classifier.
func TestLinearOnFilmReviews(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds; run without -short")
	}
	train, test := readReviews(t, "train.jsonl.gz"), readReviews(t, "test.jsonl.gz")
	if len(train) != 20_000 || len(test) != 2_000 {
		t.Fatalf("got %d and %d reviews, want 20,000 and 2,000", len(train), len(test))
	}
	size, wantAccuracy := 4_000, 0.86
	if os.Getenv("SPARSEPO_SLOW") != "" {
		size, wantAccuracy = len(train), 0.90
	}
	start := time.Now()
	model, err := Train(context.Background(), train[:size], DefaultTrainOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d n-grams fitted on %d reviews in %.1f s", model.NumNGrams(), size, time.Since(start).Seconds())

	accuracy, err := Accuracy(context.Background(), model, test)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("accuracy on %d test reviews: %.4f", len(test), accuracy)
	if accuracy < wantAccuracy {
		t.Errorf("accuracy: got %.4f, want at least %.2f", accuracy, wantAccuracy)
	}

	r := correlationWithGivenRewards(t, model)
	t.Logf("correlation with the given rewards: %.3f", r)
	if r < 0.6 {
		t.Errorf("correlation with the given rewards: got %.3f, want at least 0.6", r)
	}
}

func correlationWithGivenRewards(t *testing.T, model *Linear) float64 {
	file, err := os.Open(sharedData(t, "odpo", "imdb-sft-test.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var prompts, texts []string
	var given []float64
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var record struct {
			Prompt, Text string
			Reward       float64
		}
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
			t.Fatal(err)
		}
		prompts = append(prompts, record.Prompt)
		texts = append(texts, " "+record.Text)
		given = append(given, record.Reward)
	}
	if len(given) != 1_880 {
		t.Fatalf("got %d sampled responses, want 1,880", len(given))
	}
	scores, err := model.Score(context.Background(), prompts, texts)
	if err != nil {
		t.Fatal(err)
	}
	return correlation(scores, given)
}

func correlation(a, b []float64) float64 {
	meanA, meanB := mean(a), mean(b)
	var ab, aa, bb float64
	for i := range a {
		da, db := a[i]-meanA, b[i]-meanB
		ab, aa, bb = ab+da*db, aa+da*da, bb+db*db
	}
	return ab / math.Sqrt(aa*bb)
}

func mean(a []float64) float64 {
	sum := 0.0
	for _, x := range a {
		sum += x
	}
	return sum / float64(len(a))
}

func BenchmarkLinearScore(b *testing.B) {
	reviews := readReviews(b, "train.jsonl.gz")[:2_000]
	model, err := Train(context.Background(), reviews, DefaultTrainOptions())
	if err != nil {
		b.Fatal(err)
	}
	// 60 words: what a sampled response of 64 tokens or so holds.
	prompts, texts := make([]string, len(reviews)), make([]string, len(reviews))
	for i, e := range reviews {
		fields := strings.Fields(e.Text)
		texts[i] = strings.Join(fields[:min(60, len(fields))], " ")
	}
	for b.Loop() {
		if _, err := model.Score(context.Background(), prompts, texts); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(texts))/b.Elapsed().Seconds(), "texts/s")
}
