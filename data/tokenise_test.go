package data_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// letters is a tokenizer of bytes (the byte is the id) and of the pair "th", id 256. 257 ends a text, 258 begins one.
type letters struct{ beginsTexts, noEOS bool }

func (l letters) Encode(text string) []int32 {
	var ids []int32
	for len(text) > 0 {
		switch {
		case strings.HasPrefix(text, "th"):
			ids, text = append(ids, 256), text[2:]
		case strings.HasPrefix(text, "$"):
			ids, text = append(ids, 257), text[1:]
		case strings.HasPrefix(text, "^"):
			ids, text = append(ids, 258), text[1:]
		case strings.HasPrefix(text, "~"): // a byte without a token
			text = text[1:]
		default:
			ids, text = append(ids, int32(text[0])), text[1:]
		}
	}
	return ids
}

func (l letters) VocabSize() int     { return 259 }
func (l letters) EOS() (int32, bool) { return 257, !l.noEOS }
func (l letters) BOS() (int32, bool) { return 258, true }
func (l letters) EncodeWithSpecials(text string) []int32 {
	if l.beginsTexts {
		return append([]int32{258}, l.Encode(text)...)
	}
	return l.Encode(text)
}

var _ data.SpecialsTokenizer = letters{}

const (
	th, end, begin = 256, 257, 258
	vocab          = 259
)

func textRecord(prompt, chosen, rejected string) data.Record {
	return data.Record{Source: "f:7", Prompt: data.TextContent(prompt), Chosen: data.TextContent(chosen), Rejected: data.TextContent(rejected)}
}

func completion(prompt, response string) data.Record {
	return data.Record{Source: "f:7", Prompt: data.TextContent(prompt), Chosen: data.TextContent(response)}
}

func runningText(text string) data.Record {
	return data.Record{Source: "f:7", Chosen: data.TextContent(text)}
}

func ids(values ...int32) []int32 { return values }

func TestTokenise(t *testing.T) {
	idRecord := data.Record{Prompt: data.IDContent(ids(1, 2)), Chosen: data.IDContent(ids(3)), Rejected: data.IDContent(ids(4, 5))}
	for _, c := range []struct {
		name   string
		rec    data.Record
		tok    data.Tokenizer
		limits data.Limits
		want   data.TokenPair
		out    data.Outcome
	}{
		{
			name: "text", rec: textRecord("a ", "b", "th"), tok: letters{},
			want: data.TokenPair{Prompt: ids('a', ' '), Chosen: ids('b', end), Rejected: ids(th, end)},
		},
		{
			name: "text that ends itself", rec: textRecord("a", "b$", "c"), tok: letters{},
			want: data.TokenPair{Prompt: ids('a'), Chosen: ids('b', end), Rejected: ids('c', end)},
		},
		{
			name: "no EOS", rec: textRecord("a", "b", "c"), tok: letters{noEOS: true},
			want: data.TokenPair{Prompt: ids('a'), Chosen: ids('b'), Rejected: ids('c')},
		},
		{
			name: "straddled on one side", rec: textRecord("at", "hi", "o"), tok: letters{},
			want: data.TokenPair{Prompt: ids('a', 't'), Chosen: ids('h', 'i', end), Rejected: ids('o', end)},
			out:  data.Outcome{Straddled: true},
		},
		{
			name: "beginning token", rec: textRecord("a", "b", "c"), tok: letters{beginsTexts: true},
			want: data.TokenPair{Prompt: ids(begin, 'a'), Chosen: ids('b', end), Rejected: ids('c', end)},
		},
		{
			name: "no second beginning token", rec: textRecord("^a", "b", "c"), tok: letters{beginsTexts: true},
			want: data.TokenPair{Prompt: ids(begin, 'a'), Chosen: ids('b', end), Rejected: ids('c', end)},
		},
		{
			name: "straddled after a beginning token", rec: textRecord("t", "h", "o"), tok: letters{beginsTexts: true},
			want: data.TokenPair{Prompt: ids(begin, 't'), Chosen: ids('h', end), Rejected: ids('o', end)},
			out:  data.Outcome{Straddled: true},
		},
		{
			name: "empty prompt after a beginning token", rec: textRecord("", "b", "c"), tok: letters{beginsTexts: true},
			want: data.TokenPair{Prompt: ids(begin), Chosen: ids('b', end), Rejected: ids('c', end)},
		},
		{
			name: "ids", rec: idRecord,
			want: data.TokenPair{Prompt: ids(1, 2), Chosen: ids(3), Rejected: ids(4, 5)},
		},
		{
			name: "completion", rec: completion("a", "b"), tok: letters{},
			want: data.TokenPair{Prompt: ids('a'), Chosen: ids('b', end)},
		},
		{
			name: "running text", rec: runningText("abc"), tok: letters{},
			want: data.TokenPair{Prompt: ids('a'), Chosen: ids('b', 'c', end)},
		},
		{
			name: "running text of one token", rec: runningText("a"), tok: letters{},
			want: data.TokenPair{Prompt: ids('a'), Chosen: ids(end)},
		},
		{
			name: "running text of one token and no EOS", rec: runningText("a"), tok: letters{noEOS: true},
			out: data.Outcome{Dropped: data.DropTooShort},
		},
		{
			name: "running text after a beginning token", rec: runningText("ab"), tok: letters{beginsTexts: true},
			want: data.TokenPair{Prompt: ids(begin), Chosen: ids('a', 'b', end)},
		},
		{
			name: "running ids", rec: data.Record{Chosen: data.IDContent(ids(5, 6, 7))},
			want: data.TokenPair{Prompt: ids(5), Chosen: ids(6, 7)},
		},
		{
			name: "running text cut", rec: runningText("abcd"), tok: letters{}, limits: data.Limits{MaxLength: 3, MaxPromptLength: 1, MaxCompletionLength: 1},
			want: data.TokenPair{Prompt: ids('a'), Chosen: ids('b', 'c')}, out: data.Outcome{ResponsesTruncated: 1},
		},

		{
			name: "fits exactly", rec: textRecord("ab", "cd", "e"), tok: letters{}, limits: data.Limits{MaxLength: 5, MaxPromptLength: 2, MaxCompletionLength: 3},
			want: data.TokenPair{Prompt: ids('a', 'b'), Chosen: ids('c', 'd', end), Rejected: ids('e', end)},
		},
		{
			name: "EOS cut off", rec: textRecord("ab", "cd", "e"), tok: letters{}, limits: data.Limits{MaxLength: 4},
			want: data.TokenPair{Prompt: ids('a', 'b'), Chosen: ids('c', 'd'), Rejected: ids('e', end)}, out: data.Outcome{ResponsesTruncated: 1},
		},
		{
			name: "prompt keeps its end", rec: textRecord("abcd", "e", "f"), tok: letters{}, limits: data.Limits{MaxPromptLength: 2},
			want: data.TokenPair{Prompt: ids('c', 'd'), Chosen: ids('e', end), Rejected: ids('f', end)}, out: data.Outcome{PromptTruncated: true},
		},
		{
			name: "prompt keeps its start", rec: textRecord("abcd", "e", "f"), tok: letters{},
			limits: data.Limits{MaxPromptLength: 2, TruncationMode: data.KeepStart},
			want:   data.TokenPair{Prompt: ids('a', 'b'), Chosen: ids('e', end), Rejected: ids('f', end)}, out: data.Outcome{PromptTruncated: true},
		},
		{
			name: "prompt keeps its beginning token", rec: textRecord("abcd", "e", "f"), tok: letters{beginsTexts: true}, limits: data.Limits{MaxPromptLength: 2},
			want: data.TokenPair{Prompt: ids(begin, 'd'), Chosen: ids('e', end), Rejected: ids('f', end)}, out: data.Outcome{PromptTruncated: true},
		},
		{
			name: "cut prompt leaves room", rec: textRecord("abcd", "efg", "h"), tok: letters{}, limits: data.Limits{MaxLength: 4, MaxPromptLength: 3},
			want: data.TokenPair{Prompt: ids('b', 'c', 'd'), Chosen: ids('e'), Rejected: ids('h')},
			out:  data.Outcome{PromptTruncated: true, ResponsesTruncated: 2},
		},
		{
			name: "completion cut", rec: textRecord("a", "bcd", "e"), tok: letters{}, limits: data.Limits{MaxCompletionLength: 2},
			want: data.TokenPair{Prompt: ids('a'), Chosen: ids('b', 'c'), Rejected: ids('e', end)}, out: data.Outcome{ResponsesTruncated: 1},
		},
		{
			name: "prompt fills all", rec: textRecord("abc", "d", "e"), tok: letters{}, limits: data.Limits{MaxLength: 3},
			out: data.Outcome{Dropped: data.DropPromptTooLong},
		},
		{
			name: "alike once cut", rec: textRecord("a", "bcd", "bce"), tok: letters{}, limits: data.Limits{MaxLength: 3},
			out: data.Outcome{Dropped: data.DropCutAlike},
		},
		{
			name: "alike as tokens", rec: textRecord("a", "b~", "b"), tok: letters{},
			out: data.Outcome{Dropped: data.DropCutAlike},
		},
	} {
		got, out, err := data.Tokenise(c.rec, c.tok, vocab, c.limits)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if c.out.Dropped == "" {
			c.want.Source = c.rec.Source
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
		if out.WordsJoined = false; out != c.out { // the letters of these tests are words
			t.Errorf("%s: outcome %+v, want %+v", c.name, out, c.out)
		}
	}
}

func TestTokeniseRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		rec    data.Record
		tok    data.Tokenizer
		vocab  int
		reason data.Reason // "" where going on makes no sense
		want   string
	}{
		{"no tokenizer", textRecord("a", "b", "c"), nil, vocab, "", `f:7: field "chosen" is text, but there is no tokenizer`},
		{
			"id too large",
			data.Record{Source: "f:7", Prompt: data.IDContent(ids(1)), Chosen: data.IDContent(ids(3, 50)), Rejected: data.IDContent(ids(4))},
			nil, 50, data.ReasonVocabulary, `f:7: field "chosen": id 50 is outside the model's vocabulary of 50 entries (0 to 49)`,
		},
		{
			"negative id",
			data.Record{Source: "f:7", Prompt: data.IDContent(ids(-1)), Chosen: data.IDContent(ids(3)), Rejected: data.IDContent(ids(4))},
			nil, 50, data.ReasonVocabulary, `field "prompt": id -1`,
		},
		{"tokenizer of another model", textRecord("a", "b", "c"), letters{}, 257, data.ReasonVocabulary, `field "chosen": id 257`},
		{"empty prompt", textRecord("", "b", "c"), letters{}, vocab, data.ReasonEmpty, `field "prompt": no tokens`},
		{"no tokens", textRecord("a", "b", "~"), letters{}, vocab, data.ReasonEmpty, `field "rejected": no tokens`},
		{"no response", data.Record{Source: "f:7", Prompt: data.TextContent("a")}, letters{}, vocab, data.ReasonEmpty, `field "chosen": empty`},
	} {
		pair, out, err := data.Tokenise(c.rec, c.tok, c.vocab, data.Limits{})
		if err == nil || !usage.Is(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want a usage error with %q", c.name, err, c.want)
			continue
		}
		var bad *data.BadRecord
		if errors.As(err, &bad) != (c.reason != "") || bad != nil && bad.Reason != c.reason {
			t.Errorf("%s: BadRecord %+v, want reason %q", c.name, bad, c.reason)
		}
		if d := cmp.Diff(data.TokenPair{}, pair); d != "" || out != (data.Outcome{}) {
			t.Errorf("%s: a pair or an outcome beside the error", c.name)
		}
	}
}

func TestLimitsValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits data.Limits
		want   []string // parts of the message; none where the limits are right
	}{
		{"none", data.Limits{}, nil},
		{"usual", data.Limits{MaxLength: 512, MaxPromptLength: 256, TruncationMode: data.KeepStart}, nil},
		{"no room", data.Limits{MaxLength: 512, MaxPromptLength: 512}, []string{"max_prompt_length: 512 leaves no room", "max_length 512"}},
		{"too short", data.Limits{MaxLength: 1}, []string{"max_length: 1 leaves no room"}},
		{
			"all wrong",
			data.Limits{MaxLength: -1, MaxPromptLength: -2, MaxCompletionLength: -3, TruncationMode: "keep_middle"},
			[]string{"max_length: -1", "max_prompt_length: -2", "max_completion_length: -3", `"keep_middle"; known: keep_end, keep_start`},
		},
	} {
		err := c.limits.Validate()
		if (err != nil) != (len(c.want) > 0) || err != nil && !usage.Is(err) {
			t.Errorf("%s: error %v", c.name, err)
		}
		for _, part := range c.want {
			if err != nil && !strings.Contains(err.Error(), part) {
				t.Errorf("%s: message %q lacks %q", c.name, err, part)
			}
		}
	}
}
