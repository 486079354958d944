package data_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// TestPairsAreDrawnAnew: of a question's answers every epoch takes one that passed and one that failed, the same on every way
// to the epoch, and all of them in time.
func TestPairsAreDrawnAnew(t *testing.T) {
	path := writeFile(t, "a.jsonl", `{"question":"q","answers":[{"text":"a","votes":1},{"text":"b","votes":null},{"text":"cc","votes":2},{"text":"d","votes":0},{"text":"eee"},{"text":"a"}]}
{"question":"r","answers":[{"text":"a","votes":1},{"text":"b"}]}
{"question":"s","answers":[{"text":"a","votes":1}]}
{"question":"s","answers":[{"text":"a","votes":1},{"text":"a"}]}`)
	set, report, err := data.Load(t.Context(), path, data.LoadOptions{Tokenizer: letters{}, VocabSize: vocab})
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != 2 || report.Dropped[data.DropNoPair] != 1 || report.Dropped[data.DropCutAlike] != 1 {
		t.Fatalf("%d records, %v", set.Len(), report)
	}
	plan, err := data.NewPlan(set, data.PlanOptions{BatchSize: 1, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	const epochs = 300
	drawn, first := map[string]int{}, []string{}
	for step, err := range plan.Steps(0) {
		if err != nil {
			t.Fatal(err)
		}
		if step.Epoch == epochs {
			break
		}
		pair := step.Batches[0].Unpack()[0]
		first = append(first, textOf(pair.Prompt, pair.Chosen, pair.Rejected))
		drawn[first[len(first)-1]]++
	}
	want := []string{"q a$ b$", "q a$ d$", "q a$ eee$", "q cc$ b$", "q cc$ d$", "q cc$ eee$", "r a$ b$"}
	for _, pair := range want {
		if n := drawn[pair]; n < epochs/6/2 {
			t.Errorf("%s drawn %d times in %d epochs", pair, n, epochs)
		}
	}
	if len(drawn) != len(want) || drawn["r a$ b$"] != epochs {
		t.Errorf("drawn %v, want each of %v", drawn, want)
	}
	for _, number := range []int{0, 7, 201} {
		step, err := plan.Step(number)
		if err != nil {
			t.Fatal(err)
		}
		pair := step.Batches[0].Unpack()[0]
		if got := textOf(pair.Prompt, pair.Chosen, pair.Rejected); got != first[number] {
			t.Errorf("step %d alone has %s, in the run it had %s", number, got, first[number])
		}
	}
	if length, _ := set.Longest(); length != 1+4 {
		t.Errorf("longest %d, want 5", length)
	}
}

func textOf(parts ...[]int32) string {
	var text []string
	for _, part := range parts {
		var b strings.Builder
		for _, id := range part {
			if id == end {
				id = '$'
			}
			b.WriteByte(byte(id))
		}
		text = append(text, b.String())
	}
	return strings.Join(text, " ")
}

// TestTemplate: a template's own ends stay, the prompt is the same for both sides, and its mistakes name the record.
func TestTemplate(t *testing.T) {
	tagged := func(messages []data.Message, ask bool) (string, error) {
		text := ""
		for _, m := range messages {
			if m.Role == "system" {
				return "", errors.New("no system turns")
			}
			text += "<" + m.Role[:1] + ">" + m.Content + "!"
		}
		if ask {
			text += "<a>"
		}
		return text, nil
	}
	thinking := func(messages []data.Message, ask bool) (string, error) {
		text, err := tagged(messages, ask)
		if ask {
			text += "?"
		}
		return text, err
	}
	line := `{"prompt":[{"role":"user","content":"q"}],"chosen":"x","rejected":"y"}`
	for _, c := range []struct {
		name     string
		template data.Template
		line     string
		want     string
		count    func(*data.Report) int // must be 1
	}{
		{"template", tagged, line, "<u>q!<a> x! y!", func(r *data.Report) int { return r.Kept }},
		{"prompt rendered otherwise", thinking, line, "<u>q!<a> x! y!", func(r *data.Report) int { return r.TemplateCuts }},
		{"none", nil, line, "\n\nHuman: q\n\nAssistant:  x$  y$", func(r *data.Report) int { return r.PlainDialogues }},
		{"a token over the border", func(m []data.Message, ask bool) (string, error) {
			return []string{"tht" + m[len(m)-1].Content, "tht"}[map[bool]int{true: 1}[ask]], nil
		}, strings.Replace(line, `"x"`, `"hx"`, 1), "\x00t hx y", func(r *data.Report) int { return r.Straddled }},
		{"refusal", tagged, strings.Replace(line, "user", "system", 1), "! f.jsonl:1: the model's chat template refuses the conversation: no system turns", nil},
	} {
		path := writeFile(t, "f.jsonl", c.line)
		set, report, err := data.Load(t.Context(), path, data.LoadOptions{Tokenizer: letters{}, VocabSize: vocab, Template: c.template})
		if want, bad := strings.CutPrefix(c.want, "! "); bad {
			if !usage.Is(err) || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%s: error %v, want %s", c.name, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		pair := all(t, set)[0]
		if got := textOf(pair.Prompt, pair.Chosen, pair.Rejected); got != c.want || c.count(report) != 1 {
			t.Errorf("%s: %q, want %q; counted %d", c.name, got, c.want, c.count(report))
		}
	}
}

// TestMixture: an epoch takes records in proportion to the weights, each at most once, and others in the next.
func TestMixture(t *testing.T) {
	file := func(prompt, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "{\"prompt\":[%d],\"chosen\":[%d],\"rejected\":[200]}\n", prompt, i)
		}
		return writeFile(t, "a.jsonl", b.String())
	}
	parts := []data.Part{{Paths: []string{file(1, 10)}, Weight: 1}, {Paths: []string{file(2, 100)}, Weight: 2}}
	set, _, err := data.LoadMixture(t.Context(), "mixture", parts, data.LoadOptions{VocabSize: vocab})
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != 110 || set.EpochLen() != 30 {
		t.Fatalf("%d records, %d in an epoch; want 110 and 30", set.Len(), set.EpochLen())
	}
	plan, err := data.NewPlan(set, data.PlanOptions{BatchSize: 4, Accumulation: 2, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for epoch := range 12 {
		var indices []int
		for step, err := range plan.EpochSteps(epoch) {
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range step.Batches {
				indices = append(indices, b.Index...)
			}
		}
		slices.Sort(indices)
		if n := len(slices.Compact(slices.Clone(indices))); n != 30 || !slices.Equal(indices[:10], []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
			t.Fatalf("epoch %d has %v", epoch, indices)
		}
		for _, i := range indices {
			seen[i] = true
		}
	}
	if len(seen) < 100 { // each of 100 is missed in 12 epochs with probability 0.8^12 = 0.07
		t.Errorf("12 epochs saw %d of 110 records", len(seen))
	}
	evaluation, err := data.NewPlan(set, data.PlanOptions{BatchSize: 4, AnyOrder: true})
	if err != nil {
		t.Fatal(err)
	}
	if n := evaluation.StepsPerEpoch(); n != 28 {
		t.Errorf("an evaluation has %d steps, want 28: all 110 records", n)
	}
}

// TestShares: shares divide records by their prompts.
func TestShares(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, "{\"prompt\":\"%d\",\"chosen\":\"a\",\"rejected\":\"b\"}\n", i/2)
	}
	path := writeFile(t, "a.jsonl", b.String())
	prompts := func(from, to float64) (list []string) {
		set, report, err := data.LoadMixture(t.Context(), "a", []data.Part{{Paths: []string{path}, Share: data.Share{From: from, To: to}}},
			data.LoadOptions{Tokenizer: letters{}, VocabSize: vocab})
		if err != nil {
			t.Fatal(err)
		}
		if report.Read != set.Len() {
			t.Errorf("%d read, %d kept", report.Read, set.Len())
		}
		for _, p := range all(t, set) {
			list = append(list, textOf(p.Prompt))
		}
		return list
	}
	few, many := prompts(0, 0.1), prompts(0.1, 1)
	if len(few)+len(many) != 1000 || len(few) < 60 || len(few) > 140 { // 50 ± 7 prompts
		t.Errorf("shares of %d and %d records", len(few), len(many))
	}
	for _, p := range few {
		if slices.Contains(many, p) {
			t.Errorf("prompt %s is in both shares", p)
		}
	}
	if d := cmp.Diff(few, prompts(0, 0.1)); d != "" {
		t.Errorf("another time (-want +got):\n%s", d)
	}
}
