package tokenizer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// words returns the words of text under the pre-tokenizer of a JSON.
func words(t *testing.T, preTokenizer, text string) []string {
	t.Helper()
	d := &definition{}
	if err := readPreTokenizer(d, "pre_tokenizer", []byte(preTokenizer)); err != nil {
		t.Fatal(err)
	}
	var got []string
	d.words.split(text, func(word string) { got = append(got, word) })
	return got
}

// bytesOnly is a ByteLevel step that does not split.
const bytesOnly = `{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}`

func sequence(steps ...string) string {
	return `{"type": "Sequence", "pretokenizers": [` + strings.Join(steps, ", ") + `]}`
}

func TestPreTokenizer(t *testing.T) {
	tests := []struct {
		name, json, text string
		want             []string
	}{
		{"byte level", byteLevelPart, "Hi, you're 42!  So", []string{"Hi", ",", " you", "'re", " 42", "!", " ", " So"}},
		{"prefix space", `{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true}`, "a b", []string{" a", " b"}},
		{"prefix space present", `{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true}`, " a", []string{" a"}},
		{"no splitting", bytesOnly, "a b", []string{"a b"}},
		{"single digits", sequence(`{"type": "Digits", "individual_digits": true}`, byteLevelPart), "a 12", []string{"a", " ", "1", "2"}},
		{"runs of digits", sequence(`{"type": "Digits", "individual_digits": false}`, byteLevelPart), "a 12", []string{"a", " ", "12"}},
		{"digits of the byte alphabet", sequence(bytesOnly, `{"type": "Digits", "individual_digits": true}`), "½", []string{"\xc2", "\xbd"}},
		{"punctuation", sequence(`{"type": "Punctuation", "behavior": "Contiguous"}`, bytesOnly), "a--+b。c", []string{"a", "--+", "b", "。", "c"}},
		{"punctuation by default", sequence(`{"type": "Punctuation"}`, bytesOnly), "a--b", []string{"a", "-", "-", "b"}},
		{"llama 3", sequence(splitBy(llama3Pattern), bytesOnly), "It'S 12345\n\n  x(y)\n", []string{"It", "'S", " ", "123", "45", "\n\n", " ", " x", "(y", ")\n"}},
		{"qwen 2", sequence(splitBy(qwen2Pattern), bytesOnly), "a 12", []string{"a", " ", "1", "2"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, words(t, test.json, test.text)); diff != "" {
				t.Errorf("words of %q (-want +got):\n%s", test.text, diff)
			}
		})
	}
}

// splitBy is a Split step that keeps the matches of a regular expression as pieces.
func splitBy(pattern string) string {
	return fmt.Sprintf(`{"type": "Split", "pattern": {"Regex": %q}, "behavior": "Isolated", "invert": false}`, pattern)
}

func TestSplitBehaviours(t *testing.T) {
	tests := []struct {
		pattern, behaviour string
		invert             bool
		text               string
		want               []string
	}{
		{`{"String": "-"}`, "Isolated", false, "-a--b", []string{"-", "a", "-", "-", "b"}},
		{`{"String": "-"}`, "Removed", false, "-a--b", []string{"a", "b"}},
		{`{"String": "-"}`, "Contiguous", false, "-a--b", []string{"-", "a", "--", "b"}},
		{`{"String": "-"}`, "MergedWithPrevious", false, "-a--b", []string{"-", "a-", "-", "b"}},
		{`{"String": "-"}`, "MergedWithNext", false, "-a--b-", []string{"-a", "-", "-b", "-"}},
		{`{"Regex": "[a-z]+"}`, "Removed", true, "a1b--c", []string{"a", "b", "c"}},
		{`{"Regex": "é|日"}`, "Isolated", false, "aé\xff日b", []string{"a", "é", "\xff", "日", "b"}},
		{`{"Regex": "x*"}`, "Isolated", false, "axxb", []string{"a", "xx", "b"}},
		{`{"Regex": "$"}`, "Isolated", false, "a\nb", []string{"a\nb"}},
		{`{"Regex": "a$"}`, "Isolated", false, "aa\nba", []string{"a", "a", "\nb", "a"}},
	}
	for _, test := range tests {
		t.Run(test.behaviour, func(t *testing.T) {
			step := fmt.Sprintf(`{"type": "Split", "pattern": %s, "behavior": %q, "invert": %v}`, test.pattern, test.behaviour, test.invert)
			if diff := cmp.Diff(test.want, words(t, sequence(step, bytesOnly), test.text)); diff != "" {
				t.Errorf("%s on %q (-want +got):\n%s", step, test.text, diff)
			}
		})
	}
}

func TestAddedTokens(t *testing.T) {
	stretches := func(tokens []addedToken, text string) []string {
		var matcher addedMatcher
		for _, token := range tokens {
			matcher.add(token.Content, token)
		}
		var got []string
		matcher.split(text, false, func(stretch string, token *addedToken) {
			if token != nil {
				stretch = "[" + stretch + "]"
			}
			got = append(got, stretch)
		})
		return got
	}
	tests := []struct {
		name   string
		tokens []addedToken
		text   string
		want   []string
	}{
		{"none", nil, "ab", []string{"ab"}},
		{"longest", []addedToken{{Content: "a"}, {Content: "abc"}, {Content: "ab"}}, "abcab", []string{"[abc]", "[ab]"}},
		{"leftmost", []addedToken{{Content: "bcd"}, {Content: "ab"}}, "abcd", []string{"[ab]", "cd"}},
		{"cut short", []addedToken{{Content: "abc"}}, "xabab", []string{"xabab"}},
		{"left strip", []addedToken{{Content: "<m>", LeftStrip: true}}, "a \t<m> b", []string{"a", "[ \t<m>]", " b"}},
		{"right strip", []addedToken{{Content: "<m>", RightStrip: true}}, "a <m>\u00a0\nb", []string{"a ", "[<m>\u00a0\n]", "b"}},
		{"both strip", []addedToken{{Content: "<m>", LeftStrip: true, RightStrip: true}}, "<m> <m>", []string{"[<m> ]", "[<m>]"}},
		{"token in stripped space", []addedToken{{Content: "<m>", RightStrip: true}, {Content: " "}}, "<m>  a b", []string{"[<m>  ]", "a", "[ ]", "b"}},
		{"single word", []addedToken{{Content: "cat", SingleWord: true}}, "cat, a cat's cats _cat ½cat", []string{"[cat]", ", a ", "[cat]", "'s cats _cat ½", "[cat]"}},
		{"word of another script", []addedToken{{Content: "cat", SingleWord: true}}, "écat 日cat", []string{"écat 日cat"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, stretches(test.tokens, test.text)); diff != "" {
				t.Errorf("stretches of %q (-want +got):\n%s", test.text, diff)
			}
		})
	}
}

// TestNormalizedAddedTokens: with NFC, a token that is normalised matches either form, one that is not matches as written.
func TestNormalizedAddedTokens(t *testing.T) {
	tok := mustLoadDocument(t, map[string]string{
		"normalizer":   `{"type": "NFC"}`,
		"added_tokens": `[{"id": 10, "content": "é", "normalized": true}, {"id": 11, "content": "e\u0301\u0301", "normalized": false}]`,
	})
	for text, want := range map[string][]int32{"aé": {0, 10}, "ae\u0301": {0, 10}, "ae\u0301\u0301": {0, 11}} {
		if diff := cmp.Diff(want, tok.Encode(text)); diff != "" {
			t.Errorf("ids of %+q (-want +got):\n%s", text, diff)
		}
	}
}
