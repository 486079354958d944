package sample

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// spell is a decoder whose tokens are the given texts.
func spell(texts ...string) func(ids []int32) string {
	return func(ids []int32) string {
		all := ""
		for _, id := range ids {
			all += texts[int(id)%len(texts)]
		}
		return all
	}
}

// afterPrompt is a decoder whose texts begin with one that depends on the prompt.
func afterPrompt(prompt, ids []int32) string {
	return spell("", "-")(prompt[:1]) + spell("x", "yz", "z", "zx")(ids)
}

func TestStop(t *testing.T) {
	decode := spell("a", "b\n", "\nc", "", "\xe2\x82", "\xac!")
	for _, test := range []struct {
		name    string
		ids     []int32
		stop    []string
		text    string
		kept    int
		stopped bool
	}{
		{"none", []int32{0, 1}, nil, "", 2, false},
		{"not there", []int32{0, 1}, []string{"\n\n"}, "", 2, false},
		{"one token", []int32{0, 1}, []string{"\n"}, "ab", 2, true},
		{"whole last token", []int32{0, 0, 1}, []string{"b"}, "aa", 2, true},
		{"across tokens", []int32{0, 1, 2}, []string{"\n\n"}, "ab", 2, true},
		{"across three tokens", []int32{0, 1, 3, 2}, []string{"b\n\nc"}, "a", 1, true},
		{"the first of two", []int32{0, 1, 2}, []string{"c", "\n\n"}, "ab", 2, true},
		{"at the start", []int32{1}, []string{"b"}, "", 0, true},
		{"behind a token without text", []int32{0, 3, 1}, []string{"b"}, "a", 1, true},
		{"within a character", []int32{0, 4, 5}, []string{"€"}, "a", 1, true},
		{"behind a character", []int32{4, 5}, []string{"!"}, "€", 2, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := sequence{Completion: &Completion{IDs: test.ids, LogProbs: make([]float32, len(test.ids))}}
			if got := q.stop(decode, test.stop); got != test.stopped || q.Stopped != got || q.Text != test.text {
				t.Errorf("stopped %v (%v) at %q, want %v at %q", got, q.Stopped, q.Text, test.stopped, test.text)
			}
			if !cmp.Equal(q.IDs, test.ids[:test.kept]) || len(q.LogProbs) != test.kept {
				t.Errorf("kept %v and %d log-probabilities, want %d tokens", q.IDs, len(q.LogProbs), test.kept)
			}
		})
	}
}

// TestStoppedResponses draws the same responses with and without stop strings, among others that end elsewhere.
func TestStoppedResponses(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		s := newSubject(t, e, 37, 32, 2, 4, 80)
		prompts := randomPrompts(5, 20, 37)
		o := Options{N: 3, Temperature: 1, TopP: 1, MaxNewTokens: 30, EOS: 3, BatchRows: 4, Seed: 2, Decode: afterPrompt}
		whole := s.sample(t, o, prompts...)
		stops := [][]string{{"xx"}, {"zzx", "yy"}, nil, {"nowhere"}, {"x", "z"}}
		requests := make([]Request, len(prompts))
		for i, p := range prompts {
			requests[i] = Request{Prompt: p, Stop: stops[i], Stream: i}
		}
		got, err := s.sampler(t, o).Answer(t.Context(), requests, nil)
		if err != nil {
			t.Fatal(err)
		}
		stopped := 0
		for i, some := range got {
			for n, c := range some {
				want := whole[i][n]
				if want.Text != o.Decode(prompts[i], want.IDs) {
					t.Errorf("prompt %d sample %d: text %q of %v", i, n, want.Text, want.IDs)
				}
				if at := stopAt(want.Text, stops[i]); at >= 0 {
					stopped++
					want.Text, want.Stopped, want.Finished, want.EndLogProb = want.Text[:at], true, false, 0
					kept := 0
					for !strings.HasPrefix(o.Decode(prompts[i], want.IDs[:kept]), want.Text) {
						kept++
					}
					want.IDs, want.LogProbs = want.IDs[:kept], want.LogProbs[:kept]
				}
				for k, x := range want.LogProbs {
					golden.Close(t, "log-probability", float64(c.LogProbs[k]), float64(x), 1e-5)
				}
				want.LogProbs, c.LogProbs = nil, nil
				golden.Close(t, "end's log-probability", float64(c.EndLogProb), float64(want.EndLogProb), 1e-5)
				want.EndLogProb, c.EndLogProb = 0, 0
				if diff := cmp.Diff(want, c, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("prompt %d sample %d (-cut afterwards +stopped):\n%s", i, n, diff)
				}
			}
		}
		if stopped < 4 || stopped == 15 {
			t.Errorf("%d of 15 responses held a stop string", stopped)
		}
	})
}

func TestStopErrors(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		s := newSubject(t, e, 37, 32, 1, 4, 80)
		for want, o := range map[string]Options{
			"prompt 1 of 1: stop: found an empty string": {TopP: 1, MaxNewTokens: 4, EOS: -1, Decode: afterPrompt},
			"prompt 1 of 1: stop: strings cannot be":     {TopP: 1, MaxNewTokens: 4, EOS: -1},
		} {
			request := Request{Prompt: []int32{1}, Stop: []string{"a"}}
			if o.Decode != nil {
				request.Stop = []string{"a", ""}
			}
			if _, err := s.sampler(t, o).Answer(t.Context(), []Request{request}, nil); err == nil || !strings.Contains(err.Error(), want) || !usage.Is(err) {
				t.Errorf("got %v, want %q, the user's mistake", err, want)
			}
		}
	})
}
