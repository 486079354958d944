package tokenizer

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func mustTrain(tb testing.TB, texts []string, options TrainOptions) *Tokenizer {
	tb.Helper()
	tok, err := Train(slices.Values(texts), options)
	if err != nil {
		tb.Fatal(err)
	}
	return tok
}

// numBytes is the number of tokens before the first merge where there is no special token.
const numBytes = 256

func TestTrainMerges(t *testing.T) {
	tests := []struct {
		name    string
		texts   []string
		options TrainOptions
		want    []string // tokens after the bytes, in order
		why     string
	}{
		{
			name:    "most frequent first",
			texts:   []string{"low low low lower lower"},
			options: TrainOptions{VocabSize: numBytes + 4},
			want:    []string{"lo", "low", " low", "er"},
			why:     "l+o and o+w occur 5 times, then lo+w; space+low 4 times; ' low'+e and e+r twice, and e has the lowest id",
		},
		{
			name:    "overlap",
			texts:   []string{"aaaa aaa"},
			options: TrainOptions{VocabSize: numBytes + 2},
			want:    []string{"aa", " aa"},
			why:     "the words are 'aa'+'aa' and ' '+'aa'+'a'; each pair occurs once, but the space comes after a, and both before aa",
		},
		{
			name:    "minimum frequency",
			texts:   []string{"ab ab ab cd"},
			options: TrainOptions{VocabSize: numBytes + 10, MinFrequency: 2},
			want:    []string{"ab", " ab"},
			why:     "c+d and its neighbours occur once",
		},
		{
			name:    "special tokens are not learned from",
			texts:   []string{"<s>ab<s>ab"},
			options: TrainOptions{VocabSize: numBytes + 5, SpecialTokens: []string{"<s>"}},
			want:    []string{"ab"},
			why:     "the words are ab and ab",
		},
		{
			name:    "words are apart",
			texts:   []string{"a b", "a b"},
			options: TrainOptions{VocabSize: numBytes + 5},
			want:    []string{" b"},
			why:     "a and space never meet within a word",
		},
		{
			name:    "no text",
			options: TrainOptions{VocabSize: numBytes},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tok := mustTrain(t, test.texts, test.options)
			var got []string
			for id := numBytes + len(test.options.SpecialTokens); id < tok.VocabSize(); id++ {
				got = append(got, tok.Token(int32(id)))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("tokens (-want +got):\n%s\n%s", diff, test.why)
			}
		})
	}
}

func TestTrainRefusesOptions(t *testing.T) {
	tests := []struct {
		name    string
		options TrainOptions
		want    string
	}{
		{"small", TrainOptions{VocabSize: 256, SpecialTokens: []string{"<s>"}}, "vocabulary size 256: want 257"},
		{"large", TrainOptions{VocabSize: 1 << 30}, "vocabulary size 1073741824"},
		{"empty special token", TrainOptions{VocabSize: 300, SpecialTokens: []string{""}}, "empty"},
		{"special token twice", TrainOptions{VocabSize: 300, SpecialTokens: []string{"<s>", "<s>"}}, `"<s>" is given twice`},
		{"special byte", TrainOptions{VocabSize: 300, SpecialTokens: []string{"a"}}, "single byte"},
		{"frequency", TrainOptions{VocabSize: 300, MinFrequency: -1}, "minimum frequency -1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tok, err := Train(slices.Values([]string{"a"}), test.options)
			if tok != nil || err == nil || !strings.Contains(err.Error(), test.want) || !usage.Is(err) {
				t.Errorf("got %v, %v; want a mistake of the user with %q", tok, err, test.want)
			}
		})
	}
}

// TestTrainSaveLoad trains on the same texts in two orders, and loads the saved tokenizer.
func TestTrainSaveLoad(t *testing.T) {
	texts := []string{"the cat sat on the mat", "The cats' mats weren't flat.", "  naïve\n\ncafé 42 <|endoftext|>"}
	backwards := slices.Clone(texts)
	slices.Reverse(backwards)
	options := TrainOptions{VocabSize: 300, SpecialTokens: []string{endOfText, "<|pad|>"}}
	dirs := [2]string{t.TempDir(), filepath.Join(t.TempDir(), "new")}
	for i, texts := range [][]string{texts, backwards} {
		if err := mustTrain(t, texts, options).Save(dirs[i]); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json"} {
		first, err := os.ReadFile(filepath.Join(dirs[0], name))
		if err != nil {
			t.Fatal(err)
		}
		second, err := os.ReadFile(filepath.Join(dirs[1], name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, second) {
			t.Errorf("%s depends on the order of the texts", name)
		}
	}
	tok, loaded := mustTrain(t, texts, options), mustLoad(t, dirs[0])
	for _, text := range texts {
		ids := loaded.Encode(text)
		if diff := cmp.Diff(tok.Encode(text), ids); diff != "" {
			t.Errorf("ids of %q after loading (-want +got):\n%s", text, diff)
		}
		if got := loaded.Decode(ids); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	}
	if diff := cmp.Diff(tok.roles, loaded.roles, cmp.AllowUnexported(roles{})); diff != "" {
		t.Errorf("roles after loading (-want +got):\n%s", diff)
	}
	if id, ok := loaded.EOS(); !ok || id != 0 || loaded.Token(id) != endOfText {
		t.Errorf("EOS: got %d %v, want 0 true", id, ok)
	}
}

// TestTrainAgreesWithEncode: the merges cut the words of the corpus as they were cut at the end of the training.
func TestTrainAgreesWithEncode(t *testing.T) {
	texts := append(reviews(t, 300), oddTexts...)
	options := TrainOptions{VocabSize: 3000}
	trainer := newTrainer(options)
	counts := countWords(slices.Values(texts), nil)
	trainer.addWords(counts)
	trainer.learn(options.VocabSize, 1)
	tok, err := trained(trainer.pieces, trainer.merges, nil)
	if err != nil {
		t.Fatal(err)
	}
	if tok.VocabSize() != options.VocabSize {
		t.Errorf("got %d tokens, want %d", tok.VocabSize(), options.VocabSize)
	}
	for _, word := range trainer.words {
		text := tok.Decode(word.tokens)
		if diff := cmp.Diff(word.tokens, tok.vocabulary.appendWord(nil, text, &encoder{})); diff != "" {
			t.Errorf("word %q (-trained +encoded):\n%s", text, diff)
		}
		if word.count != counts[text] {
			t.Errorf("word %q: got count %d, want %d", text, word.count, counts[text])
		}
	}
	for p, c := range trainer.pairs {
		if c.count <= 100 {
			continue // counting all pairs would take seconds
		}
		want := 0
		for _, word := range trainer.words {
			for i := 1; i < len(word.tokens); i++ {
				if (pair{word.tokens[i-1], word.tokens[i]}) == p {
					want += word.count
				}
			}
		}
		if c.count != want {
			t.Errorf("pair %q %q: got count %d, want %d", tok.Token(p.left), tok.Token(p.right), c.count, want)
		}
	}
}
