package prompts

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// letters is a tokenizer of one token a byte, but "ab" is one token and "é" is two, as in any byte-level vocabulary.
type letters struct{ bos bool }

const (
	bosID = 1000
	abID  = 1001
)

func (l letters) Encode(text string) []int32 {
	var ids []int32
	for i := 0; i < len(text); i++ {
		if strings.HasPrefix(text[i:], "ab") {
			ids = append(ids, abID)
			i++
			continue
		}
		ids = append(ids, int32(text[i]))
	}
	return ids
}

func (l letters) EncodeWithSpecials(text string) []int32 {
	if l.bos {
		return append([]int32{bosID}, l.Encode(text)...)
	}
	return l.Encode(text)
}

func (l letters) BOS() (int32, bool) { return bosID, true }

func (l letters) Decode(ids []int32) string {
	var text []byte
	for _, id := range ids {
		if id == abID {
			text = append(text, "ab"...)
			continue
		}
		text = append(text, byte(id))
	}
	return string(text)
}

// read makes prompts of the content of in.jsonl in the working folder.
func read(t *testing.T, content string, tok Tokenizer, o Options) ([]Prompt, *Report, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("in.jsonl", []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return Read("in.jsonl", tok, o)
}

func texts(list []Prompt) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = p.Text
	}
	return out
}

func TestRead(t *testing.T) {
	const reviews = `{"text": "  the end<br /><br>of it  "}

{"text": "caféx"}
{"text": "xx"}
{"text": "the end"}
`
	tests := []struct {
		name, input string
		options     Options
		want        []string
		skipped     map[Reason]int
	}{
		{"whole", `{"prompt": " x "}` + "\n" + `{"prompt": ""}`, Options{}, []string{" x "}, map[Reason]int{NoTokens: 1}},
		{"tokens", reviews, Options{TextField: "text", Prefix: Prefix{Tokens, 4, 4}}, []string{"the ", "the "}, map[Reason]int{TooShort: 1, Unstable: 1}},
		{"distinct", reviews, Options{TextField: "text", Prefix: Prefix{Tokens, 3, 3}, Distinct: true}, []string{"the", "caf"}, map[Reason]int{TooShort: 1, Duplicate: 1}},
		{"line breaks", reviews, Options{TextField: "text", Prefix: Prefix{Words, 3, 3}}, []string{"the end of"}, map[Reason]int{TooShort: 3}},
		{"words to the end", reviews, Options{TextField: "text", Prefix: Prefix{Words, 1, 1}}, []string{"the", "caféx", "xx", "the"}, nil},
		{"merged token", `{"text": "xabab"}`, Options{TextField: "text", Prefix: Prefix{Tokens, 2, 2}}, []string{"xab"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			list, report, err := read(t, test.input, letters{}, test.options)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, texts(list)); diff != "" {
				t.Errorf("prompts (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.skipped, report.Skipped); diff != "" {
				t.Errorf("skipped (-want +got):\n%s", diff)
			}
			for _, p := range list {
				if !slices.Equal(p.IDs, letters{}.Encode(p.Text)) {
					t.Errorf("%s: ids %v do not stand for %q", p.Source, p.IDs, p.Text)
				}
			}
		})
	}
}

// TestReadIDs: a text begins with the beginning-of-sequence token where the tokenizer puts it, and not merely has it.
func TestReadIDs(t *testing.T) {
	for _, test := range []struct {
		bos  bool
		want []int32
	}{{false, []int32{'x', abID}}, {true, []int32{bosID, 'x', abID}}} {
		list, _, err := read(t, `{"prompt": "xab"}`, letters{test.bos}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(list[0].IDs, test.want) || list[0].Source != "in.jsonl:1" {
			t.Errorf("bos %v: got %v of %s, want %v of in.jsonl:1", test.bos, list[0].IDs, list[0].Source, test.want)
		}
	}
}

// TestReadDraws: lengths and places follow from the seed, cover their range, and a limit keeps the file's order.
func TestReadDraws(t *testing.T) {
	var input strings.Builder
	for i := range 200 {
		fmt.Fprintf(&input, `{"text": "%03d456789 and more"}`+"\n", i)
	}
	run := func(seed uint64, limit int) []string {
		list, report, err := read(t, input.String(), letters{}, Options{
			TextField: "text", Prefix: Prefix{Tokens, 5, 8}, Limit: limit, Seed: seed,
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int{true: 200, false: limit}[limit == 0]; report.Kept != want || len(list) != want {
			t.Fatalf("got %d prompts and a report of %d, want %d", len(list), report.Kept, want)
		}
		return texts(list)
	}
	all, some := run(1, 0), run(1, 20)
	lengths := map[int]int{}
	for _, text := range all {
		lengths[len(text)]++
	}
	for n := 5; n <= 8; n++ {
		if lengths[n] < 25 {
			t.Errorf("%d of 200 prompts have %d tokens, want about 50: %v", lengths[n], n, lengths)
		}
	}
	if len(lengths) != 4 {
		t.Errorf("lengths %v, want 5 to 8", lengths)
	}
	if !slices.IsSorted(some) || some[19][:3] == "019" {
		t.Errorf("a limit takes %q, want a random choice in file order", some)
	}
	for _, text := range some {
		if !slices.Contains(all, text) {
			t.Errorf("%q: the limit changes the length of a prompt", text)
		}
	}
	if again := run(1, 20); !slices.Equal(some, again) {
		t.Errorf("the same seed gives %q, then %q", some, again)
	}
	if other := run(2, 20); slices.Equal(some, other) {
		t.Errorf("another seed gives the same prompts %q", other)
	}
}

func TestReadRefuses(t *testing.T) {
	tests := []struct {
		name, input, want string
		options           Options
	}{
		{"missing", `{"text": "a"}`, `in.jsonl:1: field "prompt": missing, and the record is of no format that has one; give it as text or chat messages`, Options{}},
		{"number", "{\"prompt\": \"a\"}\n{\"prompt\": 7}", `in.jsonl:2: field "prompt": found a number; give a string, chat messages or a list of token ids`, Options{}},
		{"no records", "\n", `in.jsonl: no records; every preference record needs "prompt", "chosen" and "rejected"`, Options{}},
		{"limit", `{"prompt": "a"}`, "in.jsonl: 1 prompts of 1 records; 2 are wanted: give more records or a lower limit", Options{Limit: 2}},
		{"all skipped", `{"text": "a"}`, "in.jsonl: 0 prompts of 1 records; skipped 1: text shorter than the prefix", Options{TextField: "text", Prefix: Prefix{Tokens, 2, 2}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			list, _, err := read(t, test.input, letters{}, test.options)
			if list != nil || err == nil || err.Error() != test.want || !usage.Is(err) {
				t.Errorf("got %v, %v; want the mistake %s", list, err, test.want)
			}
		})
	}
}

func TestParsePrefix(t *testing.T) {
	for text, want := range map[string]string{"5:8": "5 to 8 tokens", "6": "6 tokens", "3:3": "3 tokens"} {
		if got, err := ParsePrefix("--prefix-tokens", Tokens, text); err != nil || got.String() != want {
			t.Errorf("%s: got %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "0:4", "8:5", "5:", ":8", "a:b", "5:8:9", "-1:3", "1.5"} {
		if got, err := ParsePrefix("--prefix-tokens", Tokens, text); err == nil || !usage.Is(err) {
			t.Errorf("%q: got %v, %v; want a mistake", text, got, err)
		}
	}
}

func FuzzCutWords(f *testing.F) {
	for _, seed := range []string{"", " a  b ", "a b", "ä\u00a0b\xff"} {
		f.Add(seed, 2)
	}
	f.Fuzz(func(t *testing.T, text string, n int) {
		if n < 1 {
			return
		}
		prefix, reason := cutWords(text, n)
		words := strings.Fields(text)
		if (reason == "") != (len(words) >= n) {
			t.Fatalf("%d words of %q: got reason %q for %d", n, text, reason, len(words))
		}
		if reason == "" && (!strings.HasPrefix(text, prefix) || !slices.Equal(strings.Fields(prefix), words[:n])) {
			t.Fatalf("%d words of %q: got %q", n, text, prefix)
		}
	})
}

// Several files are one data set: a limit is drawn from all of them, and a prompt that two of them have counts once.
func TestReadFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, content := range map[string]string{
		"one.jsonl": `{"prompt": "xa"}` + "\n" + `{"prompt": "xb"}`, "two.jsonl": `{"prompt": "xb"}` + "\n" + `{"prompt": "xc"}`, "empty.jsonl": "",
	} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	list, report, err := ReadFiles("org/set", []string{"two.jsonl", "one.jsonl"}, letters{}, Options{Distinct: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"xb", "xc", "xa"}, texts(list)); diff != "" || report.Records != 4 {
		t.Errorf("%d records; prompts (-want +got):\n%s", report.Records, diff)
	}
	if got := list[2].Source; got != "one.jsonl:1" {
		t.Errorf("source %s", got)
	}
	for want, paths := range map[string][]string{"none.jsonl: no such file": {"one.jsonl", "none.jsonl"}, "empty.jsonl: no records": {"one.jsonl", "empty.jsonl"}} {
		if _, _, err := ReadFiles("org/set", paths, letters{}, Options{}); !usage.Is(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", paths, err, want)
		}
	}
	if _, _, err := ReadFiles("org/set", []string{"one.jsonl", "two.jsonl"}, letters{}, Options{Limit: 9}); err == nil || !strings.HasPrefix(err.Error(), "org/set: ") {
		t.Errorf("too few: %v", err)
	}
}
