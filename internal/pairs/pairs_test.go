package pairs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/prompts"
	"github.com/sparsepo/sparsepo/internal/sample"
	"github.com/sparsepo/sparsepo/internal/usage"
)

const eos = 1

// fixed is a Sampler, a Decoder and a Scorer: it gives the completions it holds, a text of one character an id, and the
// number of "+" in prompt and completion as the reward.
type fixed struct {
	completions [][]sample.Completion
	rewards     map[string]float64 // instead of the count
}

func (f fixed) Sample(_ context.Context, prompts [][]int32, _ func(done, total int)) ([][]sample.Completion, error) {
	if len(prompts) != len(f.completions) {
		return nil, fmt.Errorf("%d prompts", len(prompts))
	}
	return f.completions, nil
}

func (f fixed) DecodeAfter(_, ids []int32) string {
	var b strings.Builder
	for _, id := range ids {
		b.WriteRune(id)
	}
	return b.String()
}

func (f fixed) Score(_ context.Context, heads, tails []string) ([]float64, error) {
	scores := make([]float64, len(heads))
	for i := range heads {
		scores[i] = float64(strings.Count(heads[i]+tails[i], "+"))
		if r, ok := f.rewards[tails[i]]; ok {
			scores[i] = r
		}
	}
	return scores, nil
}

// ended is a completion that ended by itself, cut is one that did not.
func ended(text string) sample.Completion { return sample.Completion{IDs: idsOf(text), Finished: true} }
func cut(text string) sample.Completion   { return sample.Completion{IDs: idsOf(text)} }

func idsOf(text string) []int32 {
	ids := []int32{}
	for _, r := range text {
		ids = append(ids, r)
	}
	return ids
}

func (f fixed) maker(margin float64) *Maker {
	return &Maker{Sampler: f, Decoder: f, Scorer: f, EOS: eos, MinMargin: margin}
}

func promptList(n int) []prompts.Prompt {
	list := make([]prompts.Prompt, n)
	for i := range list {
		text := fmt.Sprintf("p%d", i)
		list[i] = prompts.Prompt{Source: fmt.Sprintf("in:%d", i+1), Text: text, IDs: idsOf(text)}
	}
	return list
}

func TestMake(t *testing.T) {
	f := fixed{completions: [][]sample.Completion{
		{ended("a"), cut("b+")},
		{ended("c++"), ended("d")},
		{ended("e+"), ended("+f")},
		{ended(""), ended("g")},
		{ended(" "), cut(" \n")},
		{ended("h"), ended("h")},
	}}
	records, report, err := f.maker(0).Make(t.Context(), promptList(6), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, r := range records {
		got = append(got, fmt.Sprint(r.Source, " ", r.PromptText, "|", r.ChosenText, "|", r.RejectedText, " ",
			r.Prompt.IDs, r.Chosen.IDs, r.Rejected.IDs, " ", r.ChosenScore, " ", r.RejectedScore))
	}
	want := []string{
		"in:1 p0|b+|a [112 48] [98 43] [97 1] 1 0",        // the cut completion gets no end-of-sequence token
		"in:2 p1|c++|d [112 49] [99 43 43 1] [100 1] 2 0", // the better one may come first
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pairs (-want +got):\n%s", diff)
	}
	wantReport := &Report{
		Prompts: 6, Kept: 2, Dropped: map[Reason]int{Tie: 2, TooFew: 2}, Completions: 12, Empty: 3, Cut: 2,
		MeanReward: 5.0 / 9, MeanChosen: 1.5, MeanRejected: 0, ResponseTokens: (2 + 2 + 4 + 2) / 4.0,
	}
	if diff := cmp.Diff(wantReport, report, cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-12 })); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestMakeChooses(t *testing.T) {
	four := []sample.Completion{ended("+"), ended("+++"), ended("x"), ended("++++")}
	tests := []struct {
		name       string
		completion []sample.Completion
		margin     float64
		want       string // chosen|rejected, or the reason
	}{
		{"best and worst of four", four, 0, "++++|x"},
		{"margin reached", four, 4, "++++|x"},
		{"margin missed", four, 4.5, string(SmallMargin)},
		{"empty ones do not count", []sample.Completion{ended(""), ended("+"), ended("")}, 0, string(TooFew)},
		{"a tie is no small margin", []sample.Completion{ended("+"), ended("-+")}, 2, string(Tie)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := fixed{completions: [][]sample.Completion{test.completion}}
			records, report, err := f.maker(test.margin).Make(t.Context(), promptList(1), nil)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for reason := range report.Dropped {
				got = string(reason)
			}
			for _, r := range records {
				got = r.ChosenText + "|" + r.RejectedText
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestMakeWithoutEOS(t *testing.T) {
	m := fixed{completions: [][]sample.Completion{{ended("a"), ended("b+")}}}.maker(0)
	m.EOS = -1
	records, _, err := m.Make(t.Context(), promptList(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(idsOf("b+"), records[0].Chosen.IDs); diff != "" {
		t.Errorf("chosen (-want +got):\n%s", diff)
	}
}

func TestMakeRefuses(t *testing.T) {
	f := fixed{completions: [][]sample.Completion{{ended("a"), ended("b")}}, rewards: map[string]float64{"b": math.NaN()}}
	if _, _, err := f.maker(0).Make(t.Context(), promptList(1), nil); err == nil || !strings.Contains(err.Error(), "in:1: the reward of a completion is NaN") {
		t.Errorf("a reward that is no number: %v", err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, _, err := f.maker(0).Make(stopped, promptList(1), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
	if _, _, err := f.maker(0).Make(t.Context(), promptList(2), nil); err == nil || err.Error() != "sample completions: 2 prompts" {
		t.Errorf("a failing sampler: %v", err)
	}
}

// TestWriteIsTrainable: what is written is what training reads, ids as they are.
func TestWriteIsTrainable(t *testing.T) {
	f := fixed{completions: [][]sample.Completion{{ended("a"), cut("b+")}, {ended("+"), ended("c")}}}
	records, _, err := f.maker(0).Make(t.Context(), promptList(2), nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "pairs.jsonl.gz")
	if err := Write(path, records); err != nil {
		t.Fatal(err)
	}
	set, _, err := data.Load(t.Context(), path, data.LoadOptions{VocabSize: 200})
	if err != nil {
		t.Fatal(err)
	}
	want := []data.TokenPair{
		{Source: path + ":1", Prompt: idsOf("p0"), Chosen: idsOf("b+"), Rejected: []int32{'a', eos}},
		{Source: path + ":2", Prompt: idsOf("p1"), Chosen: []int32{'+', eos}, Rejected: []int32{'c', eos}},
	}
	got, err := set.First(set.Len())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pairs (-want +got):\n%s", diff)
	}
}

func TestSplit(t *testing.T) {
	var records []data.SampledRecord
	for i := range 4000 {
		rec := data.SampledRecord{}
		rec.Prompt = data.IDContent([]int32{int32(i / 2), 7}) // every prompt twice
		records = append(records, rec)
	}
	train, eval := Split(records, 0.1, 3)
	if len(train)+len(eval) != len(records) || len(eval) < 320 || len(eval) > 480 {
		t.Errorf("%d and %d records, want about 3600 and 400", len(train), len(eval))
	}
	sides := map[int32]string{}
	for name, side := range map[string][]data.SampledRecord{"train": train, "eval": eval} {
		for _, rec := range side {
			id := rec.Prompt.IDs[0]
			if other := sides[id]; other != "" && other != name {
				t.Fatalf("prompt %d stands on both sides", id)
			}
			sides[id] = name
		}
	}
	if _, again := Split(records, 0.1, 3); !reflect.DeepEqual(eval, again) {
		t.Error("the same seed splits otherwise")
	}
	if _, other := Split(records, 0.1, 4); reflect.DeepEqual(eval, other) {
		t.Error("another seed splits alike")
	}
	if all, none := Split(records, 0, 3); len(all) != len(records) || none != nil {
		t.Errorf("share 0: %d and %d records", len(all), len(none))
	}
}

func TestCheckPath(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.jsonl", "a.jsonl.gz"} {
		if err := CheckPath(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"a.json", "a", "a.gz", "none/a.jsonl"} {
		if err := CheckPath(filepath.Join(dir, name)); !usage.Is(err) {
			t.Errorf("%s: %v, want a mistake", name, err)
		}
	}
}
