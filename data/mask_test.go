package data_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// TestMasks: weights go with their tokens, the added end of a text among them, and are cut as the responses are.
func TestMasks(t *testing.T) {
	path := writeFile(t, "m.jsonl", `{"prompt":"p","chosen":"ab","rejected":"c","chosen_mask":[0.5,0,2],"rejected_mask":[1,-3e1]}
{"prompt":[1],"chosen":[2,3],"rejected":[4],"chosen_mask":[1,0.25],"rejected_mask":[7]}
{"chosen":"\n\nHuman: q\n\nAssistant: abcd","rejected":"\n\nHuman: q\n\nAssistant: e","chosen_mask":[1,2,3,4,5,6],"rejected_mask":[7,8,9]}
{"prompt":[{"role":"user","content":"q"}],"chosen":"x","rejected":"yz","chosen_mask":[1,2,3],"rejected_mask":[4,5,6,7]}`)
	options := data.LoadOptions{Tokenizer: letters{}, VocabSize: vocab, Masks: true, Limits: data.Limits{MaxPromptLength: 4, MaxLength: 7}}
	set, report, err := data.Load(t.Context(), path, options)
	if err != nil {
		t.Fatal(err)
	}
	var got [][2][]float32
	for i, p := range all(t, set) {
		got = append(got, [2][]float32{p.ChosenMask, p.RejectedMask})
		if len(p.ChosenMask) != len(p.Chosen) || len(p.RejectedMask) != len(p.Rejected) {
			t.Errorf("record %d: %d and %d weights for %d and %d tokens", i+1, len(p.ChosenMask), len(p.RejectedMask), len(p.Chosen), len(p.Rejected))
		}
	}
	want := [][2][]float32{{{0.5, 0, 2}, {1, -30}}, {{1, 0.25}, {7}}, {{1, 2, 3}, {7, 8, 9}}, {{1, 2, 3}, {4, 5, 6}}}
	if d := cmp.Diff(want, got); d != "" || report.ResponsesTruncated != 2 {
		t.Errorf("%d responses cut, want 2; masks (-want +got):\n%s", report.ResponsesTruncated, d)
	}
	options.Masks = false
	if set, _, err = data.Load(t.Context(), path, options); err != nil || all(t, set)[0].ChosenMask != nil {
		t.Errorf("weights without being asked for: %v", err)
	}
}

func TestMaskErrors(t *testing.T) {
	const ending = `,"rejected_mask":[1,1]}`
	pair := func(masks string) string { return `{"prompt":"p","chosen":"ab","rejected":"c"` + masks }
	for _, c := range []struct{ name, line, want string }{
		{"none", pair(`}`), `m.jsonl:1: field "chosen_mask": missing; masks from a file need "chosen_mask" and "rejected_mask"`},
		{"one", pair(`,"chosen_mask":[1,1,1]}`), `field "rejected_mask": missing`},
		{"null", pair(`,"chosen_mask":null` + ending), `field "chosen_mask": missing`},
		{"a number", pair(`,"chosen_mask":1` + ending), `field "chosen_mask": found a number that is no list of numbers`},
		{"texts", pair(`,"chosen_mask":["1"]` + ending), `field "chosen_mask": found an array that is no list of numbers`},
		{"a null", pair(`,"chosen_mask":[1,null,1]` + ending), `field "chosen_mask": number 2 is null`},
		{"large", pair(`,"chosen_mask":[1,1,1e39]` + ending), `field "chosen_mask": number 3, 1e+39, is too large`},
		{"no end", pair(`,"chosen_mask":[1,1]` + ending), `field "chosen_mask": 2 numbers, but the response has 3 tokens, the end-of-sequence token included; give one a token`},
		{"too many ids", `{"prompt":[1],"chosen":[2],"rejected":[3],"chosen_mask":[1,1]` + ending, `field "chosen_mask": 2 numbers, but the response has 1 tokens; give one a token`},
		{"answers", `{"question":"q","answers":[{"text":"a","votes":1},{"text":"b"},{"text":"c"}],"chosen_mask":[1,1]` + ending, `has no single chosen and rejected response`},
		{"ratings", `{"prompt":"q","text":"a","reward":1,"chosen_mask":[1,1]` + ending, `has no single chosen and rejected response`},
	} {
		path := writeFile(t, "m.jsonl", c.line)
		_, _, err := data.Load(t.Context(), path, data.LoadOptions{Tokenizer: letters{}, VocabSize: vocab, Masks: true})
		if err == nil || !usage.Is(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", c.name, err, c.want)
		}
	}
	if _, _, err := data.Load(t.Context(), writeFile(t, "m.jsonl", pair("}")), data.LoadOptions{Task: data.Supervised, VocabSize: vocab, Masks: true}); !usage.Is(err) {
		t.Errorf("masks for fine-tuning: %v", err)
	}
}

// TestMaskOrder: in every layout, and in a set of many records, a token of a batch has the weight of its place in its response.
func TestMaskOrder(t *testing.T) {
	var pairs []data.TokenPair
	for i := range 150 { // more than a block of the index
		p := data.TokenPair{Source: fmt.Sprint(i), Prompt: make([]int32, 1+i%5), Chosen: make([]int32, 1+i%7), Rejected: make([]int32, 1+i%3)}
		for k := range p.Chosen {
			p.Chosen[k], p.ChosenMask = int32(k), append(p.ChosenMask, float32(100*i+k))
		}
		for k := range p.Rejected {
			p.Rejected[k], p.RejectedMask = int32(k), append(p.RejectedMask, -float32(100*i+k))
		}
		pairs = append(pairs, p)
	}
	set := setOf(t, pairs...)
	if d := cmp.Diff(pairs, all(t, set)); d != "" {
		t.Fatalf("pairs of the set (-want +got):\n%s", d)
	}
	plan, err := data.NewPlan(set, data.PlanOptions{BatchSize: 8, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	check := func(b data.Batch, indices []int) {
		t.Helper()
		seen := 0
		for i, owner := range b.Owner {
			slot, sign := int(owner)%b.Pairs, float32(1)
			switch {
			case owner >= int64(2*b.Pairs):
				if b.Mask[i] != 0 {
					t.Errorf("padding has weight %g", b.Mask[i])
				}
				continue
			case owner >= int64(b.Pairs):
				sign = -1
			}
			seen++
			if want := sign * float32(100*indices[slot]+int(b.Target[i])); b.Mask[i] != want {
				t.Fatalf("token %d of pair %d has weight %g, want %g", b.Target[i], indices[slot], b.Mask[i], want)
			}
		}
		if seen == 0 {
			t.Error("no tokens")
		}
	}
	packed := false
	for step, err := range plan.EpochSteps(0) {
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range step.Batches {
			packed = packed || b.Rows < len(b.Index)
			check(b, b.Index)
		}
	}
	if !packed {
		t.Error("no batch has several pairs in a row")
	}
	for _, layout := range layouts {
		b, err := data.Collate(pairs[:3], data.Fit(pairs[:3], 4, layout))
		if err != nil {
			t.Fatal(err)
		}
		check(b, []int{0, 1, 2})
	}
}

func TestMasksOfAllOrNone(t *testing.T) {
	with := data.TokenPair{Source: "w", Prompt: []int32{1}, Chosen: []int32{2}, Rejected: []int32{3}, ChosenMask: []float32{1}, RejectedMask: []float32{1}}
	without, short := with, with
	without.ChosenMask, without.RejectedMask = nil, nil
	short.RejectedMask = nil
	for _, pairs := range [][]data.TokenPair{{with, without}, {without, with}, {short}} {
		if _, err := data.NewSet("pairs", pairs); err == nil {
			t.Errorf("a set of %v", pairs)
		}
		if _, err := data.Collate(pairs, data.Fit(pairs, len(pairs), data.SharedPrompt)); err == nil {
			t.Errorf("a batch of %v", pairs)
		}
	}
}
