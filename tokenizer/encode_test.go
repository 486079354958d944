package tokenizer

import (
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
	"github.com/google/go-cmp/cmp"
)

// oddTexts are texts at the edges of the split patterns, of UTF-8 and of normalisation.
var oddTexts = []string{
	"", " ", "  ", " \n", "\n \n\n  x", "a  b", "\t\ta", "don't DON'T we'LL 'S 're'v", "x'sy' 's '", "1234567 89", " ½²Ⅳ٣", "héllo\u00a0\u2003wörld",
	"日本語 テキスト", "👍🏽👨‍👩‍👧", "e\u0301e\u0301", "\xff\xfe a\xc3", "\xe2\x82", "!?.,; ...\r\n\r\nx", "\u0085\u2028x", "'\u017f", "<|endoftext|>a<|endoftext|>", "a\x00b",
	"      many     spaces      ", strings.Repeat("a", 300), strings.Repeat("\u0301", 40),
}

func FuzzRoundTrip(f *testing.F) {
	tok := trainSmall(f)
	for _, text := range oddTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, ids := range map[string][]int32{"Encode": tok.Encode(text), "EncodePlain": tok.EncodePlain(text)} {
			if got := tok.Decode(ids); got != text {
				t.Errorf("Decode(%s(%q)): got %q", name, text, got)
			}
		}
	})
}

// trainSmall learns a vocabulary with all bytes, a few merges and one special token.
func trainSmall(tb testing.TB) *Tokenizer {
	return mustTrain(tb, []string{"the cat sat on the mat, the cat's hat; naïve café 123 123  \n\n  x"},
		TrainOptions{VocabSize: 300, SpecialTokens: []string{endOfText}})
}

// TestRoundTripRealVocabularies decodes what it encoded, also where a vocabulary lacks bytes or normalises.
func TestRoundTripRealVocabularies(t *testing.T) {
	for _, name := range []string{"gpt2", "gpt-neox-20b", "phi-2", "starcoder", "starcoder2", "falcon"} {
		t.Run(name, func(t *testing.T) {
			tok := mustLoad(t, sharedData(t, "tokenizers", name))
			for _, text := range oddTexts {
				if _, missing := tok.Missing(text); missing {
					continue
				}
				want := tok.normalizer.apply(text)
				if got := tok.Decode(tok.Encode(text)); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
		})
	}
}

// FuzzPatterns compares the scanners with a regular-expression engine.
func FuzzPatterns(f *testing.F) {
	expressions := map[string]*regexp2.Regexp{}
	for pattern := range knownPatterns {
		expressions[pattern] = regexp2.MustCompile(pattern, regexp2.None)
	}
	for _, text := range oddTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for pattern, expression := range expressions {
			if pattern != gpt2Pattern && strings.Contains(text, "\u017f") {
				continue // this engine does not fold the long s, Oniguruma does
			}
			var got, want []string
			scanStep{knownPatterns[pattern]}.split(text, func(piece string) { got = append(got, piece) })
			for _, match := range regexMatches(expression, text) {
				want = append(want, text[match.Start:match.End])
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("pattern %s on %q (-want +got):\n%s", pattern, text, diff)
			}
		}
	})
}

// FuzzMerger compares the merger with the definition: again and again, the leftmost pair of the lowest rank.
func FuzzMerger(f *testing.F) {
	tok := trainSmall(f)
	for _, text := range oddTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, word string) {
		v := &tok.vocabulary
		var want []int32
		for i := range len(word) {
			want = append(want, v.bytes[word[i]])
		}
		for {
			at, best := none, merge{}
			for i := 1; i < len(want); i++ {
				if m, ok := v.merges[pair{want[i-1], want[i]}]; ok && (at == none || m.rank < best.rank) {
					at, best = i-1, m
				}
			}
			if at == none {
				break
			}
			want = append(append(want[:at:at], best.token), want[at+2:]...)
		}
		if diff := cmp.Diff(want, v.appendWord(nil, word, &encoder{})); diff != "" {
			t.Errorf("word %q (-want +got):\n%s", word, diff)
		}
	})
}

func TestEncodeSpecialTokens(t *testing.T) {
	tok := trainSmall(t)
	end, _ := tok.EOS()
	a, _ := tok.ID("a")
	if diff := cmp.Diff([]int32{a, end, a}, tok.Encode("a<|endoftext|>a")); diff != "" {
		t.Errorf("Encode (-want +got):\n%s", diff)
	}
	plain := tok.EncodePlain("a<|endoftext|>a")
	for _, id := range plain {
		if tok.IsSpecial(id) {
			t.Errorf("EncodePlain: special token %d in %v", id, plain)
		}
	}
	if got, want := tok.DecodePlain([]int32{end, a, end}), "a"; got != want {
		t.Errorf("DecodePlain: got %q, want %q", got, want)
	}
	if got, want := tok.Decode([]int32{-1, a, 1 << 20}), "a"; got != want {
		t.Errorf("Decode with ids that have no token: got %q, want %q", got, want)
	}
}

// TestTokensAndIDs checks that ID is the inverse of Token for every token of a vocabulary.
func TestTokensAndIDs(t *testing.T) {
	tok := trainSmall(t)
	for id := range int32(tok.VocabSize()) {
		if got, ok := tok.ID(tok.Token(id)); !ok || got != id {
			t.Errorf("ID(%q): got %d %v, want %d", tok.Token(id), got, ok, id)
		}
	}
	if _, ok := tok.ID("no such token"); ok {
		t.Error("ID of an unknown token: got true, want false")
	}
}

// TestConcurrentEncode is for the race detector, and for words that take each other's slots in the cache.
func TestConcurrentEncode(t *testing.T) {
	tok := trainSmall(t)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 20 {
				for _, text := range oddTexts {
					if got := tok.Decode(tok.Encode(text)); got != text {
						t.Errorf("got %q, want %q", got, text)
					}
				}
			}
		})
	}
	group.Wait()
}

// TestNormalForm has more marks in a row than package norm passes on unchanged.
func TestNormalForm(t *testing.T) {
	const acute, cedilla = "\u0301", "\u0327"
	many := strings.Repeat(acute, 40)
	tests := []struct{ form, text, want string }{
		{"NFC", "e" + acute, "é"},
		{"NFD", "é", "e" + acute},
		{"NFKC", "ﬁ²", "fi2"},
		{"NFC", "e" + many, "é" + many[len(acute):]},
		{"NFC", "e" + many + cedilla, "ȩ" + many},
		{"NFD", "é" + many, "e" + acute + many},
		{"NFKC", "ﬁe" + many, "fié" + many[len(acute):]},
		{"NFC", "\xff" + many + graphemeJoiner, "\xff" + many + graphemeJoiner},
		{"NFC", "\u1100\u1161\u11a8" + many, "\uac01" + many},
	}
	for _, test := range tests {
		if got := normalForm(normalForms[test.form], test.text); got != test.want {
			t.Errorf("%s of %+q: got %+q, want %+q", test.form, test.text, got, test.want)
		}
	}
}

// FuzzNormalForm compares the way for many marks with package norm, on texts that have few.
func FuzzNormalForm(f *testing.F) {
	for _, text := range oddTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want := normalForms["NFC"].String(text)
		if strings.Contains(want, graphemeJoiner) || !utf8.ValidString(text) {
			return
		}
		var got strings.Builder
		for _, c := range compose(decompose(normalForms["NFC"], text)) {
			got.WriteString(c.text)
		}
		if got.String() != want {
			t.Errorf("NFC of %+q: got %+q, want %+q", text, got.String(), want)
		}
	})
}
