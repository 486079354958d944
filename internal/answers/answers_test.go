package answers

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/codebench"
	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/sample"
	"github.com/sparsepo/sparsepo/internal/sandbox"
)

// fixed is a sampler and a judge: the responses are given, and a program that ends in + passes, in ! runs too long.
type fixed [][]string

func (f fixed) Answer(_ context.Context, requests []sample.Request, progress func(done, total int)) ([][]sample.Completion, error) {
	if len(requests) != len(f) {
		return nil, errors.New("other requests")
	}
	var all [][]sample.Completion
	for i, r := range requests {
		if len(r.Prompt) == 0 || len(r.Stop) != 1 {
			return nil, errors.New("a request without prompt or stop word")
		}
		var some []sample.Completion
		for _, text := range f[i] {
			some = append(some, sample.Completion{Text: text, Finished: !strings.HasPrefix(text, "cut"), Stopped: text == "cut but stopped"})
		}
		all = append(all, some)
	}
	progress(1, 1)
	return all, nil
}

func (f fixed) RunAll(_ context.Context, programs []sandbox.Program, progress func(done, total int)) ([]sandbox.Verdict, error) {
	var verdicts []sandbox.Verdict
	for i, p := range programs {
		progress(i+1, len(programs))
		switch p.Code[len(p.Code)-1] {
		case '+':
			verdicts = append(verdicts, sandbox.Verdict{Kind: sandbox.Passed})
		case '!':
			verdicts = append(verdicts, sandbox.Verdict{Kind: sandbox.Timeout})
		case '?':
			return nil, errors.New("no verdict")
		default:
			verdicts = append(verdicts, sandbox.Verdict{Kind: sandbox.Failed})
		}
	}
	return verdicts, nil
}

func (f fixed) maker() *Maker {
	return &Maker{
		Sampler: f, Judge: f, StopWords: []string{"\nclass"}, MinPassed: 2, MinFailed: 1, Judging: func(int, int) {},
		Encode: func(prompt string) []int32 { return make([]int32, len(prompt)) },
	}
}

var tasks = []codebench.Task{{ID: "1", Prompt: "p1"}, {ID: "2", Prompt: "p2"}, {ID: "3", Prompt: "p3"}, {ID: "4", Prompt: "p4"}}

func TestMake(t *testing.T) {
	f := fixed{
		{"a+", "b+", "c", "a+"},              // kept
		{"a+", "a+", "a+", "c"},              // one passed, three times
		{"a+", "b+", "c+", "a+"},             // none failed
		{"x!", "cut", "cut but stopped", ""}, // none passed
	}
	records, report, err := f.maker().Make(t.Context(), tasks, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	one := 1.0
	want := []Record{{TaskID: "1", Question: "p1", Answers: []Answer{
		{Text: "a+", Votes: &one, Verdict: sandbox.Passed}, {Text: "b+", Votes: &one, Verdict: sandbox.Passed}, {Text: "c", Verdict: sandbox.Failed},
	}}}
	if diff := cmp.Diff(want, records); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	wantReport := &Report{
		Tasks: 4, Kept: 1, Dropped: map[Reason]int{TooFewPassed: 2, TooFewFailed: 1}, Sampled: 16, Cut: 1, Empty: 1, Distinct: 11,
		Verdicts: map[sandbox.Kind]int{sandbox.Passed: 6, sandbox.Failed: 4, sandbox.Timeout: 1},
		PassAtK:  map[int]float64{1: (3 + 3 + 4 + 0) / 16.0},
	}
	equal := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-12 })
	if diff := cmp.Diff(wantReport, report, equal, cmp.FilterPath(func(p cmp.Path) bool {
		return p.Last().String() == ".sampled" || p.Last().String() == ".passed"
	}, cmp.Ignore())); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	wantText := "4 tasks, 1 kept\n  dropped 1: too few distinct answers failed\n  dropped 2: too few distinct answers passed\n" +
		"  16 answers, 1 cut at the limit, 1 empty, 11 distinct: 6 passed, 4 failed, 1 timeout\n  pass@1 62.50 %"
	if got := report.String(); got != wantText {
		t.Errorf("report:\n%s\nwant:\n%s", got, wantText)
	}
}

func TestMakeFails(t *testing.T) {
	f := fixed{{"a?"}}
	if _, _, err := f.maker().Make(t.Context(), tasks[:1], func(int, int) {}); err == nil || err.Error() != "judge answers: no verdict" {
		t.Errorf("a failing judge: %v", err)
	}
	if _, _, err := f.maker().Make(t.Context(), tasks, func(int, int) {}); err == nil || err.Error() != "sample answers: other requests" {
		t.Errorf("a failing sampler: %v", err)
	}
}

func TestRecordAsJSON(t *testing.T) {
	one := 1.0
	record := Record{TaskID: "7", Question: "q<", Answers: []Answer{{Text: "a", Votes: &one, Verdict: sandbox.Passed}, {Text: "b", Verdict: sandbox.Error}}}
	const want = `{"task_id":"7","question":"q<","answers":[{"text":"a","votes":1,"verdict":"passed"},{"text":"b","votes":null,"verdict":"error"}]}`
	if got, err := jsonl.Marshal(record); err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
