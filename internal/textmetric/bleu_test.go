package textmetric

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func joined(words []string) string { return strings.Join(words, " ") }

func TestSentenceBLEU(t *testing.T) {
	tests := []struct {
		name, hypothesis string
		references       []string
		effective        bool
		want             float64
	}{
		{"equal", "a b c d e", []string{"a b c d e"}, false, 100},
		{"nothing in common", "a b c d", []string{"e f g h"}, true, 0},
		{"no words", "", []string{"a b"}, true, 0},
		{"three words", "a b c", []string{"a b c"}, false, 0},
		{"three words, effective order", "a b c", []string{"a b c"}, true, 100},
		{"brevity", "a b c d", []string{"a b c d e f g h"}, false, 100 * math.Exp(1-8.0/4)},
		{"closer reference sets the length", "a b c d", []string{"a b c d e f g h", "a b c d z"}, false, 100 * math.Exp(1-5.0/4)},
		{"shorter of equally close", "a b c d", []string{"a b c d z", "x y z"}, false, 100},
		{"smoothed", "a b x c d", []string{"a b y c d"}, false, 100 * math.Pow(4.0/5*2/4*1/(2*3)*1/(4*2), 0.25)},
		{"clipped", "a a a a", []string{"a b a c"}, false, 100 * math.Pow(2.0/4*1/(2*3)*1/(4*2)*1/(8*1), 0.25)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := SentenceBLEU(test.hypothesis, test.references, test.effective)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.Score, closeTo); diff != "" {
				t.Errorf("score (-want +got):\n%s", diff)
			}
		})
	}
}

// The corpus's score is that of the summed counts, not the mean of the sentences' scores.
func TestCorpusBLEU(t *testing.T) {
	got, err := CorpusBLEU([]string{"a b c d", "e f g h i"}, [][]string{{"a b c d"}, {"x"}})
	if err != nil {
		t.Fatal(err)
	}
	want := 100 * math.Pow(4.0/9*3/7*2/5*1/3, 0.25)
	if diff := cmp.Diff(want, got.Score, closeTo); diff != "" {
		t.Errorf("score (-want +got):\n%s", diff)
	}
}

func TestBLEUWithoutReference(t *testing.T) {
	if _, err := SentenceBLEU("a", nil, true); err == nil || !strings.Contains(err.Error(), "no reference") {
		t.Errorf("sentence: %v", err)
	}
	if _, err := CorpusBLEU([]string{"a", "b"}, [][]string{{"a"}, nil}); err == nil || !strings.Contains(err.Error(), "hypothesis 2 of 2: no reference") {
		t.Errorf("corpus: %v", err)
	}
	if _, err := CorpusBLEU([]string{"a"}, nil); err == nil {
		t.Error("corpus: no error for references of another number")
	}
	if _, err := CorpusBLEU(nil, nil); err == nil {
		t.Error("corpus: no error for no hypotheses")
	}
	if _, err := SelfBLEU([]string{"a"}, true); err == nil || !strings.Contains(err.Error(), "2 or more") {
		t.Errorf("self: %v", err)
	}
}

func TestBLEUWords(t *testing.T) {
	tests := []struct{ text, want string }{
		{"Hello, world!", "Hello , world !"},
		{"1,000.50 dollars.", "1,000.50 dollars ."},
		{"2020-21 well-known", "2020 - 21 well-known"},
		{"don't", "don't"},
		{"a &amp;lt; b", "a < b"},
		{"hyphen-\nated<skipped> line\nfeed", "hyphenated line feed"},
		{"no\u00a0break \x1cseparator", "no break separator"},
	}
	for _, test := range tests {
		if got := joined(bleuWords(test.text)); got != test.want {
			t.Errorf("bleuWords(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}

func TestDistinct(t *testing.T) {
	texts := []string{"a b a b", "a b c", ""}
	want := map[int]Distinct{
		1: {Share: 3.0 / 7, Distinct: 3, NGrams: 7, Tokens: 7},
		2: {Share: 3.0 / 5, Distinct: 3, NGrams: 5, Tokens: 7},
		4: {Share: 1, Distinct: 1, NGrams: 1, Tokens: 7},
		5: {Tokens: 7},
	}
	for n, want := range want {
		if diff := cmp.Diff(want, DistinctN(texts, n)); diff != "" {
			t.Errorf("distinct-%d (-want +got):\n%s", n, diff)
		}
	}
}

// FuzzBLEU checks what holds for any text: a score from 0 to 100, its highest value for a long enough text against itself.
func FuzzBLEU(f *testing.F) {
	for _, seed := range []string{"", "a b c d", "1,0-2. -\n&quot;", "\xff\x1c é-5", "<skipped>.,.,"} {
		f.Add(seed, "a b, c. d")
	}
	f.Fuzz(func(t *testing.T, hypothesis, reference string) {
		for _, effective := range []bool{true, false} {
			b, err := SentenceBLEU(hypothesis, []string{reference}, effective)
			if err != nil || !(b.Score >= 0 && b.Score <= 100+1e-9) {
				t.Fatalf("%+v, %v", b, err)
			}
		}
		same, err := SentenceBLEU(hypothesis, []string{hypothesis}, true)
		if err != nil || same.Totals[0] > 0 && math.Abs(same.Score-100) > 1e-9 {
			t.Fatalf("against itself: %+v, %v", same, err)
		}
		for _, word := range bleuWords(hypothesis) {
			if word == "" || strings.ContainsFunc(word, isSpace) && utf8.ValidString(word) {
				t.Fatalf("token %q", word)
			}
		}
	})
}
