package corpus

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func plainWords(text string) []string {
	fields := strings.Fields(strings.ToLower(text))
	for i := range fields {
		fields[i] = strings.Trim(fields[i], ".,")
	}
	return fields
}

// lexicon returns the level of every sentiment word; a word of two levels fails the test.
func lexicon(t *testing.T) map[string]int {
	t.Helper()
	levelOf := map[string]int{}
	for name, byLevel := range opinions {
		for _, level := range []int{-2, -1, 1, 2} {
			if len(byLevel[level]) == 0 {
				t.Errorf("%s: no word of level %d", name, level)
			}
			for _, w := range byLevel[level] {
				if _, twice := levelOf[w]; twice {
					t.Errorf("sentiment word %q occurs twice", w)
				}
				levelOf[w] = level
			}
		}
	}
	return levelOf
}

func TestReviewsAreDeterministic(t *testing.T) {
	long, short := Reviews(200, 5), Reviews(50, 5)
	if !slices.Equal(long[:50], short) {
		t.Error("the first 50 reviews depend on how many are made")
	}
	if slices.Equal(Reviews(50, 6), short) {
		t.Error("seeds 5 and 6 give the same reviews")
	}
	if !slices.Equal(Prefixes(80, 5)[:20], Prefixes(20, 5)) {
		t.Error("the first 20 prefixes depend on how many are made")
	}
}

func TestReviews(t *testing.T) {
	const n = 5_000
	levelOf := lexicon(t)
	distinct, vocabulary, steps := map[string]bool{}, map[string]bool{}, map[float64]int{}
	numPositive, numBothSigns, numWords := 0, 0, 0
	for _, r := range Reviews(n, 1) {
		words := plainWords(r.Text)
		sum, count, positive, negative := 0, 0, false, false
		for _, w := range words {
			vocabulary[w] = true
			if level := levelOf[w]; level != 0 {
				sum, count = sum+level, count+1
				positive, negative = positive || level > 0, negative || level < 0
			}
		}
		if len(words) < 12 || len(words) > 45 {
			t.Errorf("%d words: %s", len(words), r.Text)
		}
		if s := strings.Count(r.Text, "."); s < 1 || s > 3 || !strings.HasSuffix(r.Text, ".") {
			t.Errorf("%d sentences: %s", s, r.Text)
		}
		if want := float64(sum) / float64(count) / 2; math.Abs(r.Grade-want) > 1e-12 || r.Grade == 0 || math.Abs(r.Grade) > 1 {
			t.Errorf("grade %g, the words give %g: %s", r.Grade, want, r.Text)
		}
		if (r.Label == 1) != (r.Grade > 0) || r.Label < 0 || r.Label > 1 {
			t.Errorf("label %d with grade %g", r.Label, r.Grade)
		}
		distinct[r.Text] = true
		steps[math.Round(r.Grade*2)/2]++
		numPositive += r.Label
		numWords += len(words)
		if positive && negative {
			numBothSigns++
		}
	}
	t.Logf("%d words, %.1f a review; grades by half steps %v; %d reviews of both signs", len(vocabulary), float64(numWords)/n, steps, numBothSigns)
	within := func(what string, got, low, high float64) {
		if got < low || got > high {
			t.Errorf("%s: got %g, want %g to %g", what, got, low, high)
		}
	}
	within("share of distinct reviews", float64(len(distinct))/n, 0.95, 1)
	within("share of positive reviews", float64(numPositive)/n, 0.47, 0.53)
	within("share of reviews with praise and blame", float64(numBothSigns)/n, 0.15, 0.6)
	within("vocabulary", float64(len(vocabulary)), 400, 600)
	for _, step := range []float64{-1, -0.5, 0.5, 1} {
		within("share of reviews near a grade", float64(steps[step])/n, 0.05, 0.45)
	}
}

func TestWordsHaveOneSentiment(t *testing.T) {
	levelOf := lexicon(t)
	var templates []string
	for _, list := range sentences {
		templates = append(templates, list...)
	}
	for _, list := range phrases {
		templates = append(templates, list...)
	}
	for _, template := range templates {
		for _, w := range plainWords(template) {
			if _, both := levelOf[w]; both {
				t.Errorf("%q is a sentiment word and stands in the template %q", w, template)
			}
		}
	}
}

// Every name that a template uses exists, and every name is used.
func TestGrammarIsClosed(t *testing.T) {
	used := map[string]bool{}
	visit := func(template string) {
		for _, item := range strings.Fields(template) {
			switch name := strings.Trim(item, "{}[],"); item[0] {
			case '{':
				used[name] = true
				if len(phrases[name]) == 0 {
					t.Errorf("%q: no phrases named %q", template, name)
				}
			case '[':
				used[name] = true
				if len(opinions[name]) == 0 {
					t.Errorf("%q: no opinions named %q", template, name)
				}
			}
		}
	}
	for _, list := range sentences {
		for _, template := range list {
			visit(template)
		}
	}
	for _, list := range phrases {
		for _, template := range list {
			visit(template)
		}
	}
	for name := range phrases {
		if !used[name] {
			t.Errorf("phrases %q are never used", name)
		}
	}
	for _, name := range contents {
		if len(phrases[name]) == 0 {
			t.Errorf("no phrases named %q", name)
		}
	}
	for _, plan := range plans {
		for _, kind := range plan {
			if len(sentences[kind]) == 0 {
				t.Errorf("no sentences of kind %q", kind)
			}
		}
	}
}

func TestPrefixes(t *testing.T) {
	levelOf := lexicon(t)
	prefixes := Prefixes(1_000, 3)
	distinct, lengths := map[string]bool{}, map[int]int{}
	for _, p := range prefixes {
		words := plainWords(p)
		lengths[len(words)]++
		distinct[p] = true
		if len(words) < 4 || len(words) > 8 || strings.Contains(p, ".") || strings.TrimSpace(p) != p {
			t.Errorf("prefix %q", p)
		}
		for _, w := range words {
			if levelOf[w] != 0 {
				t.Errorf("prefix %q: %q is not neutral", p, w)
			}
		}
	}
	for size := 4; size <= 8; size++ {
		if lengths[size] < 50 {
			t.Errorf("%d prefixes of %d words among %d", lengths[size], size, len(prefixes))
		}
	}
	if len(distinct) < 800 {
		t.Errorf("%d distinct prefixes among %d, want at least 800", len(distinct), len(prefixes))
	}
}

func TestArticles(t *testing.T) {
	got := withArticles(draft{{"A", 0}, {"opening", 0}, {"a", 0}, {"plot", 0}, {"a", 0}}).text()
	if want := "An opening a plot a"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The sentences are the grammar's own: none of ten words or more stands in the public film reviews.
func TestSentencesAreNotTakenFromReviews(t *testing.T) {
	own := map[string]bool{}
	for _, r := range Reviews(3_000, 2) {
		for sentence := range strings.SplitSeq(r.Text, ".") {
			if words := plainWords(sentence); len(words) >= 10 {
				own[strings.Join(words, " ")] = true
			}
		}
	}
	count := 0
	for _, text := range filmReviews(t) {
		for _, sentence := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(".!?<>", c) }) {
			count++
			if words := strings.Join(plainWords(sentence), " "); own[words] {
				t.Errorf("in the public reviews: %q", words)
			}
		}
	}
	if count < 100_000 {
		t.Errorf("compared with %d sentences, want at least 100,000", count)
	}
}

func filmReviews(t *testing.T) []string {
	t.Helper()
	file, err := os.Open(filepath.Join(root(t), "..", "shared", "data", "imdb", "train.jsonl.gz"))
	if err != nil {
		t.Skip("data set imdb is absent: put it in shared/data beside the repository")
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for decoder := json.NewDecoder(bufio.NewReader(unpacked)); decoder.More(); {
		var record struct{ Text string }
		if err := decoder.Decode(&record); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, record.Text)
	}
	return texts
}

// root returns the repository's root: the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		if folder == filepath.Dir(folder) {
			t.Fatal("no go.mod above the test")
		}
		folder = filepath.Dir(folder)
	}
}

func BenchmarkReviews(b *testing.B) {
	for b.Loop() {
		Reviews(1_000, 1)
	}
}
