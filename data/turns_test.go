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

// learnedText writes an example as its prompt, a bar, and its response with what is not learned in braces.
func learnedText(p data.TokenPair) string {
	text, from := textOf(p.Prompt)+"|", 0
	for _, s := range p.Given {
		text += textOf(p.Chosen[from:s.First]) + "{" + textOf(p.Chosen[s.First:s.End]) + "}"
		from = s.End
	}
	return text + textOf(p.Chosen[from:])
}

// angular is a template that begins turns with <r>, r being the first letter of the role, and ends them with "!".
func angular(messages []data.Message, ask bool) (string, error) {
	text := ""
	for _, m := range messages {
		text += "<" + m.Role[:1] + ">" + m.Content + "!"
	}
	if ask {
		text += "<a>"
	}
	return text, nil
}

// Templates that write an assistant's turn otherwise when more follows it, in the ways of published ones.
var rewriting = map[string]data.Template{
	"forgets thoughts": func(messages []data.Message, ask bool) (string, error) {
		messages = append([]data.Message{}, messages...)
		for i := range messages {
			if _, said, thought := strings.Cut(messages[i].Content, "#"); thought && i < len(messages)-1 {
				messages[i].Content = said
			}
		}
		return angular(messages, ask)
	},
	"adds an empty thought to the last turn": func(messages []data.Message, ask bool) (string, error) {
		text, err := angular(messages, ask)
		if last := len(messages) - 1; last >= 0 && messages[last].Role == "assistant" {
			text = strings.TrimSuffix(text, messages[last].Content+"!") + "#" + messages[last].Content + "!"
		}
		return text, err
	},
	"ends the text": func(messages []data.Message, ask bool) (string, error) {
		text, err := angular(messages, false)
		text = strings.ReplaceAll(text, "!", ";")
		if ask {
			return text + "<a>", err
		}
		return strings.TrimSuffix(text, ";") + "!", err
	},
	"ends turns and the text": func(messages []data.Message, ask bool) (string, error) {
		text, err := angular(messages, ask)
		text = strings.ReplaceAll(text, "!", "<e>")
		if !ask {
			text += "<end>"
		}
		return text, err
	},
	"asks for a thought": func(messages []data.Message, ask bool) (string, error) {
		text, err := angular(messages, ask)
		if ask {
			text += "#"
		}
		return text, err
	},
	"wants the user first": func(messages []data.Message, ask bool) (string, error) {
		if messages[0].Role != "user" {
			return "", errors.New("the user begins")
		}
		return angular(messages, ask)
	},
	"refuses to be short": func(messages []data.Message, ask bool) (string, error) {
		if len(messages) < 3 {
			return "", errors.New("too short")
		}
		return angular(messages, ask)
	},
}

// TestTurns: of a conversation every turn of the assistant's is learned, to the token that ends it, and nothing else; unless the
// template writes it otherwise when more follows, which is counted.
func TestTurns(t *testing.T) {
	const four = `{"role":"user","content":"q"},{"role":"assistant","content":"x"},{"role":"user","content":"r"},{"role":"assistant","content":"y"}`
	const thoughts = `{"role":"user","content":"q"},{"role":"assistant","content":"k#x"},{"role":"user","content":"r"},{"role":"assistant","content":"l#y"}`
	messages := func(list string) string { return `{"messages":[` + list + `]}` }
	for _, c := range []struct {
		name     string
		template data.Template
		line     string
		want     string
		missed   int
	}{
		{"one turn", angular, messages(`{"role":"user","content":"q"},{"role":"assistant","content":"x"}`), "<u>q!<a>|x!", 0},
		{"two turns", angular, messages(four), "<u>q!<a>|x!{<u>r!<a>}y!", 0},
		{
			"ShareGPT", angular,
			`{"conversations":[{"from":"system","value":"s"},{"from":"human","value":"q"},{"from":"gpt","value":"x"},{"from":"human","value":"r"},{"from":"gpt","value":"y"}]}`,
			"<s>s!<u>q!<a>|x!{<u>r!<a>}y!", 0,
		},
		{"a tool between", angular, messages(`{"role":"user","content":"q"},{"role":"assistant","content":"x"},{"role":"tool","content":"t"},{"role":"assistant","content":"y"}`), "<u>q!<a>|x!{<t>t!<a>}y!", 0},
		{"the assistant twice", angular, messages(`{"role":"user","content":"q"},{"role":"assistant","content":"x"},{"role":"assistant","content":"y"}`), "<u>q!<a>|x!{<a>}y!", 0},
		{"the assistant opens", angular, messages(`{"role":"assistant","content":"w"},` + four), "<a>w!<u>q!<a>|x!{<u>r!<a>}y!", 0},
		{"an empty turn", angular, messages(strings.Replace(four, `"x"`, `""`, 1)), "<u>q!<a>!<u>r!<a>|y!", 0},
		{"no template", nil, messages(four), "\n\nHuman: q\n\nAssistant:| x{\n\nHuman: r\n\nAssistant:} y$", 0},
		{"the chosen side of a pair", angular, `{"prompt":[{"role":"user","content":"q"}],"chosen":[{"role":"assistant","content":"x"},{"role":"user","content":"r"},{"role":"assistant","content":"y"}],"rejected":"z"}`, "<u>q!<a>|x!{<u>r!<a>}y!", 0},
		{"a chosen side that ends with the user", angular, `{"prompt":[{"role":"user","content":"q"}],"chosen":[{"role":"assistant","content":"x"},{"role":"user","content":"r"}],"rejected":"z"}`, "<u>q!<a>|x!", 0},
		{"a pair whose prompt has turns", angular, `{"prompt":[` + four + `,{"role":"user","content":"s"}],"chosen":"z","rejected":"w"}`, "<u>q!<a>x!<u>r!<a>y!<u>s!<a>|z!", 0},
		{"thoughts that go", rewriting["forgets thoughts"], messages(thoughts), "<u>q!<a>x!<u>r!<a>|l#y!", 1},
		{"thoughts that go, where there are none", rewriting["forgets thoughts"], messages(four), "<u>q!<a>|x!{<u>r!<a>}y!", 0},
		{"a thought that comes", rewriting["adds an empty thought to the last turn"], messages(four), "<u>q!<a>x!<u>r!<a>|#y!", 1},
		{"an end of the text", rewriting["ends the text"], messages(four), "<u>q;<a>|x{;<u>r;<a>}y!", 0},
		{"an end of turns and one of the text", rewriting["ends turns and the text"], messages(four), "<u>q<e><a>|x<e>{<u>r<e><a>}y<e><end>", 0},
		{"a question that goes", rewriting["asks for a thought"], messages(four), "<u>q!<a>|x!{<u>r!<a>}y!", 0},
		{"a refused beginning", rewriting["refuses to be short"], messages(four), "<u>q!<a>x!<u>r!<a>|y!", 1},
		{"a refusal", rewriting["wants the user first"], messages(`{"role":"system","content":"s"},` + four), "! f.jsonl:1: the model's chat template refuses the conversation: the user begins", 0},
		{"the user ends", angular, messages(four + `,{"role":"user","content":"s"}`), `! the last turn is the user's; a conversation to learn from ends with the assistant`, 0},
		{"the assistant alone", angular, messages(`{"role":"assistant","content":"x"}`), "! nothing stands before the assistant's turn; give the user's first", 0},
	} {
		path := writeFile(t, "f.jsonl", c.line)
		set, report, err := data.Load(t.Context(), path, data.LoadOptions{Task: data.Supervised, Tokenizer: letters{}, VocabSize: vocab, Template: c.template})
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
		if got := learnedText(pair); got != c.want || report.TurnsMissed != c.missed {
			t.Errorf("%s: %q, want %q; %d turns missed, want %d", c.name, got, c.want, report.TurnsMissed, c.missed)
		}
		if warned := strings.Contains(report.String(), fmt.Sprintf("%d, the first at %s:1", c.missed, path)); warned != (c.missed > 0) {
			t.Errorf("%s: the report says %s", c.name, report)
		}
		if n := len(pair.Learned()); report.Response.Max != n {
			t.Errorf("%s: responses of %d tokens, want %d", c.name, report.Response.Max, n)
		}
	}
}

// TestTurnsAsTokens: ids are those of the whole text where no token lies across a border, and what is cut loses the turns of
// others at its end.
func TestTurnsAsTokens(t *testing.T) {
	conversation := func(contents ...string) data.Record {
		rec := data.Record{Source: "f:7"}
		var messages []data.Message
		for i, content := range contents {
			messages = append(messages, data.Message{Role: []string{"user", "assistant"}[i%2], Content: content})
		}
		rec.Prompt, rec.Chosen = data.MessagesContent(messages[:1]), data.MessagesContent(messages[1:])
		return rec
	}
	// A dialogue ends prompts with "\n\nAssistant:" and begins answers with a space; bare puts nothing between.
	bare := func(messages []data.Message, _ bool) (string, error) {
		text := ""
		for _, m := range messages {
			text += m.Content
		}
		return text, nil
	}
	for _, c := range []struct {
		name   string
		rec    data.Record
		tok    data.Tokenizer
		limits data.Limits
		want   string
		out    data.Outcome
	}{
		{name: "whole", rec: conversation("th", "th", "qth", "y"), tok: letters{}, want: "\x00|\x00{q\x00}y"},
		{name: "a beginning", rec: conversation("q", "x", "r", "y"), tok: letters{beginsTexts: true}, want: "\x02q|x{r}y"},
		{name: "a token over a border", rec: conversation("q", "xt", "hr", "y"), tok: letters{}, want: "q|xt{hr}y", out: data.Outcome{Straddled: true}},
		{name: "others without tokens", rec: conversation("q", "x", "~", "y"), tok: letters{}, want: "q|xy"},
		{name: "a first turn without tokens", rec: conversation("q", "~", "r", "y"), tok: letters{}, want: "q|{r}y"},
		{name: "cut in a turn", rec: conversation("q", "xx", "rr", "yy"), tok: letters{}, limits: data.Limits{MaxLength: 6}, want: "q|xx{rr}y", out: data.Outcome{ResponsesTruncated: 1}},
		{name: "cut in another's turn", rec: conversation("q", "xx", "rr", "yy"), tok: letters{}, limits: data.Limits{MaxLength: 4}, want: "q|xx", out: data.Outcome{ResponsesTruncated: 1}},
		{name: "cut after another's turn", rec: conversation("q", "xx", "rr", "yy"), tok: letters{}, limits: data.Limits{MaxLength: 5}, want: "q|xx", out: data.Outcome{ResponsesTruncated: 1}},
		{name: "cut in the first turn", rec: conversation("q", "xx", "rr", "yy"), tok: letters{}, limits: data.Limits{MaxLength: 2}, want: "q|x", out: data.Outcome{ResponsesTruncated: 1}},
		{name: "cut to its response", rec: conversation("q", "xx", "rr", "yy"), tok: letters{}, limits: data.Limits{MaxCompletionLength: 5}, want: "q|xx{rr}y", out: data.Outcome{ResponsesTruncated: 1}},
		{name: "a prompt that loses its beginning", rec: conversation("pq", "x", "r", "y"), tok: letters{}, limits: data.Limits{MaxPromptLength: 1}, want: "q|x{r}y", out: data.Outcome{PromptTruncated: true}},
		{name: "nothing to learn is left", rec: conversation("q", "~", "rr", "y"), tok: letters{}, limits: data.Limits{MaxLength: 3}, want: "|", out: data.Outcome{Dropped: data.DropPromptTooLong}},
	} {
		set, report, err := loadRecord(t, c.rec, c.tok, c.limits, bare)
		if c.out.Dropped != "" {
			if report == nil || report.Dropped[c.out.Dropped] != 1 {
				t.Errorf("%s: %v, want it dropped: %s", c.name, report, c.out.Dropped)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := learnedText(all(t, set)[0]); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if got := (data.Outcome{Straddled: report.Straddled > 0, PromptTruncated: report.PromptsTruncated > 0, ResponsesTruncated: report.ResponsesTruncated}); got != c.out {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.out)
		}
	}
}

// TestMarkedTurns: where a template marks what the assistant wrote after the prompt, that is learned.
func TestMarkedTurns(t *testing.T) {
	// The marks leave out the mark of the end, and take in the thought that goes.
	mark := func(messages []data.Message) (text string, turns []data.Span, err error) {
		for _, m := range messages {
			text += "<" + m.Role[:1] + ">"
			if m.Role == "assistant" {
				turns = append(turns, data.Span{First: len(text), End: len(text) + len(m.Content)})
			}
			text += m.Content + "!"
		}
		return text, turns, nil
	}
	const four = `{"role":"user","content":"q"},{"role":"assistant","content":"x"},{"role":"user","content":"r"},{"role":"assistant","content":"y"}`
	for _, c := range []struct {
		name, line string
		marked     data.MarkedTemplate
		want       string
	}{
		{"marks", `{"messages":[` + four + `]}`, mark, "<u>q!<a>|x{!<u>r!<a>}y"},
		{"a prompt with turns", `{"prompt":[` + four + `,{"role":"user","content":"s"}],"completion":"z"}`, mark, "<u>q!<a>x!<u>r!<a>y!<u>s!<a>|z"},
		{"an empty mark", `{"messages":[` + strings.Replace(four, `"x"`, `""`, 1) + `]}`, mark, "<u>q!<a>!<u>r!<a>|y"},
		{"no marks", `{"messages":[` + four + `]}`, func(messages []data.Message) (string, []data.Span, error) {
			text, err := angular(messages, false)
			return text, nil, err
		}, "<u>q!<a>|x!{<u>r!<a>}y!"},
		{"marks of the prompt alone", `{"messages":[` + four + `]}`, func(messages []data.Message) (string, []data.Span, error) {
			text, err := angular(messages, false)
			return text, []data.Span{{First: 0, End: 3}}, err
		}, "! refuses the conversation: of its {% generation %} blocks none is the assistant's answer"},
		{"a refusal", `{"messages":[` + four + `]}`, func([]data.Message) (string, []data.Span, error) { return "", nil, errors.New("no") }, "! refuses the conversation: no"},
	} {
		set, _, err := data.Load(t.Context(), writeFile(t, "f.jsonl", c.line),
			data.LoadOptions{Task: data.Supervised, Tokenizer: letters{}, VocabSize: vocab, Template: angular, MarkedTemplate: c.marked})
		if want, bad := strings.CutPrefix(c.want, "! "); bad {
			if !usage.Is(err) || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%s: error %v, want %s", c.name, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := learnedText(all(t, set)[0]); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// loadRecord loads a conversation from a file.
func loadRecord(t *testing.T, rec data.Record, tok data.Tokenizer, limits data.Limits, template data.Template) (*data.Set, *data.Report, error) {
	t.Helper()
	var b strings.Builder
	for _, m := range append(rec.Prompt.Messages, rec.Chosen.Messages...) {
		fmt.Fprintf(&b, `,{"role":%q,"content":%q}`, m.Role, m.Content)
	}
	path := writeFile(t, "f.jsonl", `{"messages":[`+b.String()[1:]+`]}`)
	return data.Load(t.Context(), path, data.LoadOptions{Task: data.Supervised, Tokenizer: tok, VocabSize: vocab, Limits: limits, Template: template})
}

// TestGivenInSets: a set keeps what is not learned, wherever a record stands in it, and batches in any layout leave it out.
func TestGivenInSets(t *testing.T) {
	var pairs []data.TokenPair
	for i := range 150 { // more than two blocks of the index
		p := data.TokenPair{Prompt: []int32{int32(i), 0}, Chosen: []int32{3, 0, 5, 6, 7, 8}}
		if i%3 == 1 {
			p.Given = []data.Span{{1, 3}, {4, 5}}
		}
		pairs = append(pairs, p)
	}
	set := setOf(t, pairs...)
	for i := range pairs {
		pairs[i].Source = set.Source(i)
	}
	if d := cmp.Diff(pairs, all(t, set)); d != "" {
		t.Fatalf("set (-want +got):\n%s", d)
	}
	some := []data.TokenPair{{Prompt: []int32{1, 2}, Chosen: []int32{3, 4, 5, 6, 7}, Given: []data.Span{{1, 2}, {3, 4}}}, {Prompt: []int32{8}, Chosen: []int32{9}}}
	for _, layout := range layouts {
		shape := data.Fit(some, 2, layout)
		if shape.Responses != 4 {
			t.Errorf("%v has %d response tokens, want 4", layout, shape.Responses)
		}
		b, err := data.Collate(some, shape)
		if err != nil {
			t.Fatal(err)
		}
		got := [][]int64{b.Predict, b.Target, b.Owner}
		if d := cmp.Diff([][]int64{{1, 3, 5, int64(b.Seq)}, {3, 5, 7, 9}, {0, 0, 0, 1}}, got); d != "" {
			t.Errorf("%v: positions, targets, owners (-want +got):\n%s", layout, d)
		}
		if d := cmp.Diff(some, b.Unpack()); d != "" {
			t.Errorf("%v: unpacked (-want +got):\n%s", layout, d)
		}
		if b.RealTokens != 7+2 {
			t.Errorf("%v: %d tokens, want 9", layout, b.RealTokens)
		}
	}
	if d := cmp.Diff([]int32{3, 5, 7}, some[0].Learned()); d != "" {
		t.Errorf("learned (-want +got):\n%s", d)
	}
}

// TestGivenThatDoesNotFit: stretches must lie in the response and leave some of it.
func TestGivenThatDoesNotFit(t *testing.T) {
	for name, change := range map[string]func(p *data.TokenPair){
		"past the end":   func(p *data.TokenPair) { p.Given = []data.Span{{2, 4}} },
		"before it":      func(p *data.TokenPair) { p.Given = []data.Span{{-1, 1}} },
		"empty":          func(p *data.TokenPair) { p.Given = []data.Span{{1, 1}} },
		"out of order":   func(p *data.TokenPair) { p.Given = []data.Span{{2, 3}, {0, 1}} },
		"touching":       func(p *data.TokenPair) { p.Given = []data.Span{{0, 1}, {1, 2}} },
		"all of it":      func(p *data.TokenPair) { p.Given = []data.Span{{0, 3}} },
		"of a pair":      func(p *data.TokenPair) { p.Rejected = []int32{4} },
		"without prompt": func(p *data.TokenPair) { p.Prompt = nil },
	} {
		p := data.TokenPair{Source: "f:7", Prompt: []int32{1}, Chosen: []int32{1, 2, 3}, Given: []data.Span{{1, 2}}}
		change(&p)
		if _, err := data.NewSet("pairs", []data.TokenPair{p}); err == nil || !strings.Contains(err.Error(), "f:7") {
			t.Errorf("%s: error %v of a set", name, err)
		}
		if _, err := data.Collate([]data.TokenPair{p}, data.Shape{Slots: 1, Rows: 1, Seq: 8, Responses: 8}); err == nil {
			t.Errorf("%s: no error of a batch", name)
		}
	}
}

// FuzzTurns: whatever is said, the ids are those of the text or of its parts, and what is learned is what the assistant says.
func FuzzTurns(f *testing.F) {
	f.Add("q", "x", "r", "y", uint8(0))
	f.Add("th", "t", "h", "th", uint8(9))
	f.Add("a", "<a>", "!", "<u>", uint8(20))
	f.Add("~", "~", "~", "t", uint8(200))
	f.Fuzz(func(t *testing.T, q, x, r, y string, most uint8) {
		rec := data.Record{
			Source: "f:7", Prompt: data.MessagesContent([]data.Message{{Role: "user", Content: q}}),
			Chosen: data.MessagesContent([]data.Message{{Role: "assistant", Content: x}, {Role: "user", Content: r}, {Role: "assistant", Content: y}}),
		}
		whole, out, err := data.Tokenise(rec, letters{noEOS: true}, vocab, data.Limits{})
		if err != nil {
			return
		}
		said := []string{" " + x, " " + y}
		if strings.TrimSpace(x) == "" {
			said = said[1:]
		}
		var want []int32
		for _, text := range said {
			want = append(want, letters{}.Encode(text)...)
		}
		if d := cmp.Diff(want, whole.Learned()); d != "" {
			t.Fatalf("learned (-want +got):\n%s", d)
		}
		if out.TurnsMissed > 0 {
			t.Fatalf("%d turns are missed", out.TurnsMissed)
		}
		limits := data.Limits{MaxLength: 2 + int(most)}
		cut, out, err := data.Tokenise(rec, letters{noEOS: true}, vocab, limits)
		if err != nil || out.Dropped != "" {
			return
		}
		if n := len(cut.Prompt) + len(cut.Chosen); n > limits.MaxLength || !slices.Equal(cut.Learned(), want[:len(cut.Learned())]) || len(cut.Learned()) == 0 {
			t.Fatalf("cut to %d, %d tokens: %v is learned of %v", limits.MaxLength, n, cut.Learned(), want)
		}
		setOf(t, cut) // refuses stretches that do not fit
	})
}
