package evaluation

import (
	"context"
	"math"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/internal/codebench"
	"github.com/sparsepo/sparsepo/internal/fixture"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/leaderboard"
	"github.com/sparsepo/sparsepo/internal/sandbox"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/model"
)

// small opens a small random model.
func small(t *testing.T) *Network {
	t.Helper()
	folder := t.TempDir() + "/model"
	if err := fixture.Model(folder, "gpt2", "F32"); err != nil {
		t.Fatal(err)
	}
	checkpoint, err := source.Open(t.Context(), folder, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	defer checkpoint.Close()
	tok, err := checkpoint.Tokenizer()
	if err != nil {
		t.Fatal(err)
	}
	opened, err := engine.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	store := gomodel.NewStore()
	network, err := checkpoint.Bind(opened.Backend(), store, "/policy", model.Binding{})
	if err != nil {
		t.Fatal(err)
	}
	n := NewNetwork(opened.Backend(), store, network, tok, Batch{})
	t.Cleanup(n.Close)
	return n
}

// TestEveryTaskRuns: a small random model gets through items of all tasks, in plain text and as conversations.
func TestEveryTaskRuns(t *testing.T) {
	n := small(t)
	for _, f := range leaderboard.Families {
		list := tasks(t, f)
		for name, template := range map[string]data.Template{"plain": nil, "chat": data.PlainTemplate} {
			run := Run{Model: n, File: Memory(Header{}), Template: template, System: "Be brief.", Limit: 1}
			if template == nil {
				run.System = ""
			}
			if err := run.Leaderboard(t.Context(), list); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got := len(run.File.Records); got != len(list) {
				t.Errorf("%s, %s: %d records of %d tasks", f, name, got, len(list))
			}
			for _, r := range run.File.Records {
				for _, metric := range f.Metrics() {
					if v, ok := r.Metrics[string(metric)]; !ok || v < 0 || v > 1 {
						t.Errorf("%s: %s is %g", r.Task, metric, v)
					}
				}
			}
		}
	}
}

// TestEncode: white space at the prompt's end belongs to the continuations.
func TestEncode(t *testing.T) {
	n := small(t)
	requests, cut, err := n.encode(Question{Prompt: "a good film  ", Continuations: []string{"the", " best of"}})
	if err != nil || cut {
		t.Fatal(err, cut)
	}
	for i, continuation := range []string{"  the", "   best of"} {
		if got := n.tokenizer.Decode(requests[i].Prefix); got != "a good film" {
			t.Errorf("prefix %q", got)
		}
		if got := n.tokenizer.Decode(requests[i].Continuation); got != continuation {
			t.Errorf("continuation %q, want %q", got, continuation)
		}
	}
}

// TestLongTexts: what does not fit loses its beginning, and the record says so.
func TestLongTexts(t *testing.T) {
	n := small(t)
	long := ""
	for range 100 {
		long += "xyz "
	}
	got, err := n.LogProbs(t.Context(), []Question{{long, []string{" a", " b"}}, {"a", []string{long}}, {"a", []string{" b"}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, true, false} {
		if got[i].Cut != want || math.IsNaN(got[i].LogProbs[0]) || got[i].LogProbs[0] >= 0 {
			t.Errorf("question %d: %+v", i, got[i])
		}
	}
	s := Sampling{N: 2, TopP: 1, Temperature: 1, MaxTokens: 8}
	responses, err := n.Generate(t.Context(), []string{long, "a"}, s)
	if err != nil {
		t.Fatal(err)
	}
	if !responses[0].Cut || responses[1].Cut || len(responses[0].Texts) != 2 {
		t.Errorf("%+v", responses)
	}
}

// TestStreams: what is drawn for a prompt depends on its stream alone, whatever else is asked.
func TestStreams(t *testing.T) {
	n := small(t)
	s := Sampling{N: 3, TopP: 1, Temperature: 1, MaxTokens: 8}
	all, err := n.Generate(t.Context(), []string{"a good", "the best", "xyz"}, s)
	if err != nil {
		t.Fatal(err)
	}
	s.Streams = []int{2, 1}
	some, err := n.Generate(t.Context(), []string{"xyz", "the best"}, s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Responses{all[2], all[1]}, some); diff != "" {
		t.Errorf("(-together +apart):\n%s", diff)
	}
}

// TestCutResponses: a response that ends before the model's positions do was not cut.
func TestCutResponses(t *testing.T) {
	n := small(t)
	s := Sampling{N: 1, TopP: 1, MaxTokens: n.network.Config.MaxPositions}
	long, err := n.Generate(t.Context(), []string{"a"}, s)
	if err != nil {
		t.Fatal(err)
	}
	_, size := utf8.DecodeRuneInString(long[0].Texts[0])
	s.Stop = []string{long[0].Texts[0][:size]}
	short, err := n.Generate(t.Context(), []string{"a"}, s)
	if err != nil {
		t.Fatal(err)
	}
	if !long[0].Cut || short[0].Cut || short[0].Texts[0] != "" {
		t.Errorf("without a stop string %+v, with one %+v", long, short)
	}
}

// TestCode: pass@k is that of the verdicts, every task counts once, and what is done is not done again.
func TestCode(t *testing.T) {
	list, err := codebench.MBPP.Open(golden.Shared(t, "data", "mbpp", "mbpp.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	judged := 0
	run := &CodeRun{
		Run: Run{Model: small(t), File: Memory(Header{}), Limit: 3}, Benchmark: codebench.MBPP, Ks: []int{1, 2, 5},
		Sampling: Sampling{N: 4, TopP: 1, Temperature: 1, MaxTokens: 4},
		Judge: func(_ context.Context, programs []sandbox.Program) ([]sandbox.Verdict, error) {
			verdicts := make([]sandbox.Verdict, len(programs))
			for i := range verdicts {
				verdicts[i].Kind = sandbox.Failed
				if i%4 == 0 { // one of four
					verdicts[i].Kind = sandbox.Passed
				}
			}
			judged += len(programs)
			return verdicts, nil
		},
	}
	for range 2 {
		if err := run.Tasks(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	s := Summarise(run.File.Records).Tasks[0]
	if judged != 12 || s.Items != 3 || s.Metrics["pass@1"].Value != 1./4 || s.Metrics["pass@2"].Value != 1./2 || len(s.Metrics) != 2 {
		t.Errorf("%d judged, %+v", judged, s)
	}
}
