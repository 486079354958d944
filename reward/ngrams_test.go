package reward

import (
	"slices"
	"strings"
	"testing"
)

func TestCollectNGrams(t *testing.T) {
	texts := []string{"not good film", "not good not good", "good film", "bad"}
	for _, c := range []struct {
		name                   string
		order, minTexts, limit int
		want                   []string
	}{
		{"words", 1, 1, 0, []string{"good", "film", "not", "bad"}},
		{"words in two texts", 1, 2, 0, []string{"good", "film", "not"}},
		{"pairs", 2, 2, 0, []string{"good", "film", "not", "good film", "not good"}},
		{"triples", 3, 1, 0, []string{
			"good", "film", "not", "good film", "not good", "bad",
			"good not", "good not good", "not good film", "not good not",
		}},
		{"limit keeps the frequent", 2, 2, 4, []string{"good", "film", "not", "good film"}},
	} {
		got := collectNGrams(texts, c.order, c.minTexts, c.limit).texts
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestPresent(t *testing.T) {
	g := newNGrams(0)
	for _, text := range []string{"not", "good", "film", "not good", "good film", "not good film"} {
		if err := g.add(text); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"unknown", nil},
		{"good good", []string{"good"}},
		{"not good film", []string{"not", "good", "film", "not good", "good film", "not good film"}},
		{"not very good", []string{"not", "good"}},
		{"film not", []string{"not", "film"}},
	} {
		var s scratch
		var got []string
		for _, id := range g.present(g.wordNumbers(c.text, &s), &s) {
			got = append(got, g.texts[id])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

func TestAddRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		texts []string
		want  string
	}{
		{"empty", []string{""}, "empty"},
		{"twice", []string{"a", "a"}, "occurs twice"},
		{"pair twice", []string{"a", "a a", "a a"}, "occurs twice"},
		{"part missing", []string{"a", "a b"}, `before its parts "a" and "b"`},
		{"prefix missing", []string{"a", "b", "a b a"}, `before its parts "a b"`},
		{"two spaces", []string{"a", "a  a"}, "before its parts"},
		{"too long", []string{"a", "a a", "a a a", "a a a a"}, "has 4 words, the limit is 3"},
	} {
		g := newNGrams(0)
		var err error
		for _, text := range c.texts {
			err = g.add(text)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}
