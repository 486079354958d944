package reward

import (
	"slices"
	"strings"
	"testing"
)

func words(text string) []string {
	var got []string
	eachWord(text, nil, func(word []byte) { got = append(got, string(word)) })
	return got
}

func TestEachWord(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"empty", "", nil},
		{"only signs", " .,;- ", nil},
		{"case and full stops", "A Fine film. SEE it", []string{"a", "fine", "film", "see", "it"}},
		{"line breaks", "end<br />Start<br>on<BR/>now < br >", []string{"end", "start", "on", "now", "br"}},
		{"cut tag", "x<br", []string{"x", "br"}},
		{"inner apostrophe", "didn't 'quoted' it’s boys'", []string{"didn't", "quoted", "it's", "boys"}},
		{"shouting", "bad!! why?", []string{"bad", "!", "!", "why", "?"}},
		{"digits and scripts", "7/10 Ünïcode 映画", []string{"7", "10", "ünïcode", "映画"}},
		{"hyphen", "well-made", []string{"well", "made"}},
		{"invalid UTF-8", "a\xffb", []string{"a", "b"}},
	} {
		if got := words(c.text); !slices.Equal(got, c.want) {
			t.Errorf("%s: words of %q: got %q, want %q", c.name, c.text, got, c.want)
		}
	}
}

func FuzzEachWord(f *testing.F) {
	for _, seed := range []string{"A fine film.<br />See it!", "it’s '' '", "<br", "\xff\xfe", "ǅ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := words(text)
		for _, w := range got {
			if w == "" || strings.ContainsAny(w, " \n<>") {
				t.Fatalf("word %q of %q", w, text)
			}
		}
		if again := words(strings.Join(got, " ")); !slices.Equal(again, got) {
			t.Fatalf("words of %q: %q, read again %q", text, got, again)
		}
	})
}
