package evaluation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sparsepo/sparsepo/internal/bootstrap"
	"github.com/sparsepo/sparsepo/internal/textmetric"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// judge finds every sentence entailed to a degree that depends on its length alone, and counts what it is asked.
type judge struct {
	asked int
	fail  bool
}

func (j *judge) Judge(_ context.Context, pairs []textmetric.Pair) ([]textmetric.Verdict, error) {
	if j.fail && j.asked > 0 {
		return nil, errors.New("the classifier is gone")
	}
	j.asked += len(pairs)
	list := make([]textmetric.Verdict, len(pairs))
	for i, p := range pairs {
		list[i].Entailment = 1 / float64(len(p.Hypothesis))
	}
	return list, nil
}

func whole(text string) []string { return []string{text} }

// texts are prompts with two samples each, more than are measured at once.
func texts(n int) []textmetric.Group {
	var groups []textmetric.Group
	for i := range n {
		groups = append(groups, textmetric.Group{
			Prompt:     fmt.Sprintf("the document number %d", i),
			Samples:    []string{"the cat sat on a mat " + strings.Repeat("and sat ", i%5), "a dog ran over there"},
			References: []string{"the cat sat on a mat by the door"},
		})
	}
	return groups
}

func (j *judge) run(file *File) *TextRun {
	suite := &textmetric.Suite{
		Metrics: []string{"summac", "rouge", "bleu", "self-bleu", "distinct"},
		SummaC:  &textmetric.SummaC{Judge: j, Form: textmetric.ZeroShot, Split: whole},
	}
	return &TextRun{Run: Run{File: file}, Suite: suite}
}

// TestTextResume: what was measured before a run was broken off is not measured again, and the scores are those of an
// uninterrupted run.
func TestTextResume(t *testing.T) {
	groups := texts(50)
	all := &judge{}
	uninterrupted := all.run(Memory(Header{}))
	if err := uninterrupted.Groups(t.Context(), groups); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "texts.jsonl")
	open := func() *File {
		file, err := Create(path, Header{Model: "samples"})
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	broken := &judge{fail: true}
	file := open()
	if err := broken.run(file).Groups(t.Context(), groups); err == nil {
		t.Fatal("the failing classifier went unnoticed")
	}
	if err := file.Close(); err != nil || len(file.Records) != 32 {
		t.Fatalf("%d records, %v", len(file.Records), err)
	}
	file = open()
	rest := &judge{}
	run, seen := rest.run(file), []int(nil)
	run.Progress = func(done, total int) { seen = append(seen, done, total) }
	if err := run.Groups(t.Context(), groups); err != nil {
		t.Fatal(err)
	}
	if all.asked != 100 || broken.asked+rest.asked != all.asked || !cmp.Equal(seen, []int{50, 50}) {
		t.Errorf("asked %d and %d, want %d; progress %v", broken.asked, rest.asked, all.asked, seen)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(uninterrupted.File.Records, again.Records, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("records (-uninterrupted +resumed):\n%s", diff)
	}
}

// TestTextScores: means, corpus scores and their intervals.
func TestTextScores(t *testing.T) {
	groups := texts(20)
	groups = append(groups, textmetric.Group{Prompt: "alone", Samples: []string{"a dog ran over there"}, References: []string{"a dog ran over there"}})
	run := (&judge{}).run(Memory(Header{}))
	if err := run.Groups(t.Context(), groups); err != nil {
		t.Fatal(err)
	}
	byName := map[string]TextScore{}
	for _, s := range TextScores(run.File.Records, resampling) {
		byName[s.Name] = s
	}
	var hypotheses []string
	var references [][]string
	rouge := 0.0
	for _, g := range groups {
		for _, sample := range g.Samples {
			hypotheses, references = append(hypotheses, sample), append(references, g.References)
			rouge += textmetric.Rouge(g.References[0], sample, false)["rouge1"].F1 / 41
		}
	}
	corpus, err := textmetric.CorpusBLEU(hypotheses, references)
	if err != nil {
		t.Fatal(err)
	}
	share, _ := textmetric.CorpusDistinct("distinct1", hypotheses)
	for name, want := range map[string]TextScore{
		"rouge1":           {Value: rouge, Over: "responses", Items: 41},
		"bleu":             {Value: corpus.Score, Over: "corpus", Items: 41},
		"self_bleu":        {Value: byName["self_bleu"].Value, Over: "prompts", Items: 20},
		"distinct1_corpus": {Value: share, Over: "corpus", Items: 41},
	} {
		got := byName[name]
		near(t, name, got.Value, want.Value, 1e-9)
		if got.Over != want.Over || got.Items != want.Items {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
		if name == "distinct1_corpus" {
			if got.Low != nil {
				t.Errorf("%s has an interval", name)
			}
			continue
		}
		if !(*got.Low < got.Value && got.Value < *got.High) {
			t.Errorf("%s: %g is not in [%g, %g]", name, got.Value, *got.Low, *got.High)
		}
	}
	// Of a mean and of a ratio of sums, the interval is about 1.96 standard errors to each side.
	summary := Summarise(run.File.Records).Tasks[0]
	for _, name := range []string{"rouge1", "bleu", "summac"} {
		half := 1.96 * summary.Metrics[name].StdErr
		got := byName[name]
		near(t, name+" low", *got.Low, got.Value-half, 0.4*half)
		near(t, name+" high", *got.High, got.Value+half, 0.4*half)
	}
}

// TestBootstrapCorpus: BLEU's interval is that of the counts of prompts that are drawn, as with a bootstrap written out.
func TestBootstrapCorpus(t *testing.T) {
	groups := texts(12)
	run := (&judge{}).run(Memory(Header{}))
	run.Suite.Metrics = []string{"bleu"}
	if err := run.Groups(t.Context(), groups); err != nil {
		t.Fatal(err)
	}
	for i := range run.File.Records {
		maps.DeleteFunc(run.File.Records[i].Metrics, func(name string, _ float64) bool { return name != "bleu_sentence" })
	}
	o := bootstrap.Options{Resamples: 300, Level: 0.9, Seed: 5}
	var drawn [][]int
	index := make([][]float64, len(groups))
	for i := range index {
		index[i] = make([]float64, len(groups))
		index[i][i] = 1
	}
	draw(TextTask, index, o, func(_ int, sums []float64) {
		var sample []int
		for i, times := range sums {
			for range int(times) {
				sample = append(sample, i)
			}
		}
		drawn = append(drawn, sample)
	})
	var values []float64
	for _, sample := range drawn {
		var hypotheses []string
		var references [][]string
		for _, i := range sample {
			for _, text := range groups[i].Samples {
				hypotheses, references = append(hypotheses, text), append(references, groups[i].References)
			}
		}
		b, err := textmetric.CorpusBLEU(hypotheses, references)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, b.Score)
	}
	want := bootstrap.Of(values, o.Level)
	for _, s := range TextScores(run.File.Records, o) {
		if s.Name == "bleu" && (math.Abs(*s.Low-want.Low) > 1e-9 || math.Abs(*s.High-want.High) > 1e-9 || want.Low >= want.High) {
			t.Errorf("[%g, %g], want %+v", *s.Low, *s.High, want)
		}
	}
}

// TestCompareTexts: prompts are matched whatever their order and their responses; lower self-BLEU wins, and corpus scores
// have no wins.
func TestCompareTexts(t *testing.T) {
	groups, others := texts(6), texts(7)[1:]
	for i := range others {
		others[i].Samples = []string{"the cat sat on a mat by the door", "the cat sat on a mat by the door"}
	}
	var files [2]*File
	for i, list := range [][]textmetric.Group{groups, others} {
		run := (&judge{}).run(Memory(Header{}))
		if err := run.Groups(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		files[i] = run.File
	}
	c, err := Compare(files[0].Records, files[1].Records, resampling)
	if err != nil {
		t.Fatal(err)
	}
	if c.OnlyA != 1 || c.OnlyB != 1 {
		t.Errorf("%d only in A, %d only in B", c.OnlyA, c.OnlyB)
	}
	found := map[string]Row{}
	for _, row := range c.Rows {
		found[row.Metric] = row
	}
	if r := found["self_bleu"]; r.Items != 5 || math.Abs(r.B-100) > 1e-9 || r.Losses != 5 || r.Difference <= 0 || r.Low > r.Difference || r.High < r.Difference {
		t.Errorf("self_bleu: %+v", r)
	}
	if r := found["bleu"]; !r.Corpus || math.Abs(r.B-100) > 1e-9 || r.Wins+r.Ties+r.Losses != 0 || !(r.Low > 0 && r.Low <= r.High) {
		t.Errorf("bleu: %+v", r)
	}
	if r := found["rouge1"]; r.Wins != 5 || math.Abs(r.B-1) > 1e-12 {
		t.Errorf("rouge1: %+v", r)
	}
	others[0].References = []string{"another"}
	run := (&judge{}).run(Memory(Header{}))
	if err := run.Groups(t.Context(), others[:1]); err != nil {
		t.Fatal(err)
	}
	if _, err := Compare(files[0].Records, run.File.Records, resampling); !usage.Is(err) {
		t.Errorf("other references: %v", err)
	}
}

func TestCheckTextSettings(t *testing.T) {
	file := func(task string, settings map[string]string) *File {
		return &File{Header: Header{Settings: settings}, Records: []Record{{Task: task}}}
	}
	a := file(TextTask, map[string]string{"metrics": "rouge", "references": "1", "stem": "true"})
	for _, test := range []struct {
		b  *File
		ok bool
	}{
		{file(TextTask, map[string]string{"metrics": "rouge,bertscore", "references": "2", "stem": "true", "layer": "7"}), true},
		{file(TextTask, map[string]string{"stem": "false"}), false},
		{file("humaneval", map[string]string{"stem": "false"}), true},
	} {
		if err := CheckTextSettings(a, test.b); (err == nil) != test.ok || err != nil && !usage.Is(err) {
			t.Errorf("%+v: %v", test.b.Header, err)
		}
	}
}

func TestCheckSamples(t *testing.T) {
	read := func(lines string) []Record {
		path := filepath.Join(t.TempDir(), "samples.jsonl")
		if err := os.WriteFile(path, []byte(lines), 0o644); err != nil {
			t.Fatal(err)
		}
		records, _, err := ReadSamples(path)
		if err != nil {
			t.Fatal(err)
		}
		return records
	}
	p, q := `{"prompt":"p","completion":"a"}`+"\n", `{"prompt":"q","completion":"b"}`+"\n"
	if n, err := CheckSamples(read(p+q), read(q+p+p)); n != 1 || err != nil {
		t.Errorf("%d uneven, %v", n, err)
	}
	if _, err := CheckSamples(read(p), read(q)); !usage.Is(err) {
		t.Errorf("no common prompt: %v", err)
	}
}

// TestTextDigests: the digests are of the texts and where they stand.
func TestTextDigests(t *testing.T) {
	seen := map[string]bool{}
	for _, g := range []textmetric.Group{
		{Prompt: "p", Samples: []string{"a", "b"}}, {Prompt: "p", Samples: []string{"ab"}}, {Prompt: "pa", Samples: []string{"b"}}, {Prompt: "p", Samples: []string{"b", "a"}},
	} {
		samples, references := TextDigests([]textmetric.Group{g})
		if _, other := TextDigests([]textmetric.Group{{References: []string{"x"}}}); other == references || seen[samples] {
			t.Errorf("%+v: not told apart", g)
		}
		seen[samples] = true
	}
	if TextsDigest([]string{"a", "b"}) != TextsDigest([]string{"b", "a"}) || TextsDigest([]string{"ab"}) == TextsDigest([]string{"a", "b"}) {
		t.Error("digest of texts")
	}
}
