package tokenizer

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// typedPiece is a piece of a SentencePiece model.
type typedPiece struct {
	piece string
	score float32
	kind  int
}

// llamaPieces are the special tokens, the bytes, the characters with the scores that SentencePiece gives them, after those of the
// pieces, and the pieces.
func llamaPieces(pieces ...typedPiece) []typedPiece {
	list := []typedPiece{{"<unk>", 0, 2}, {"<s>", 0, 3}, {"</s>", 0, 3}}
	for b := range 256 {
		list = append(list, typedPiece{bytePiece(byte(b)), 0, 6})
	}
	for i, char := range "▁abcdehlo" {
		list = append(list, typedPiece{string(char), -100 - float32(i), 1})
	}
	return append(list, pieces...)
}

// llamaModel is the file of a SentencePiece model of kind BPE.
func llamaModel(normalizer []byte, pieces []typedPiece) string {
	var b []byte
	for _, p := range pieces {
		b = append(b, message(1, message(1, p.piece, 2, p.score, 3, p.kind))...)
	}
	b = append(b, message(2, message(3, 2, 35, 1, 40, 0))...)
	return string(append(b, message(3, normalizer)...))
}

var (
	identity = message(1, "identity", 3, 1, 4, 0)
	someBPE  = llamaPieces(
		typedPiece{"ab", -1, 1}, typedPiece{"bc", -1, 1}, typedPiece{"cd", -2, 1}, typedPiece{"bcd", -0.5, 1}, typedPiece{"▁▁", -3, 1},
		typedPiece{"he", -4, 1}, typedPiece{"ll", -5, 1}, typedPiece{"llo", -6, 1}, typedPiece{"hello", -7, 1}, typedPiece{"▁hello", -8, 1},
		typedPiece{"[USER]", 0, 4},
	)
)

func TestLlamaModel(t *testing.T) {
	const class = `"tokenizer_class": "LlamaTokenizer"`
	tests := []struct {
		name, settings, text, want string
		normalizer                 []byte
	}{
		{"words", "", "hello hello", "<s>| hello| hello", nil},
		{"of equal scores the leftmost", "", "abc", "<s>| |ab|c", nil},
		{"of equal scores the leftmost, again", "", "bcab", "<s>| |bc|ab", nil},
		{"the higher score first", "", "acd", "<s>| |a|cd", nil},
		{"what is made first counts", "", "abcd", "<s>| |ab|cd", nil},
		{"a piece of a piece", "", "bcd", "<s>| |bcd", nil},
		{"spaces", "", "  a", "<s>|  | |a", nil},
		{"bytes", "", "é", "<s>| |\xc3|\xa9", nil},
		{"a token of the user's", "", "ab[USER]ab", "<s>| |ab|[USER]| |ab", nil},
		{"special tokens, as before", class, "a</s>hello", "<s>| |a|</s>| hello", nil},
		{"special tokens, corrected", class + `, "legacy": false`, "a</s>hello", "<s>| |a|</s>|hello", nil},
		{"no prefix", class + `, "add_prefix_space": false`, "hello hello", "<s>|hello| hello", nil},
		{"no prefix in the model", class, "hello hello", "<s>|hello| hello", message(3, 0, 4, 0)},
		{"no prefix, corrected", class + `, "legacy": false, "add_prefix_space": false`, "hello hello", "<s>|hello| hello", nil},
		{"no beginning", class + `, "add_bos_token": false`, "a", " |a", nil},
		{"an end", class + `, "add_eos_token": true`, "a", "<s>| |a|</s>", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			normalizer := test.normalizer
			if normalizer == nil {
				normalizer = identity
			}
			tok := mustLoadFiles(t, map[string]string{
				"tokenizer.model": llamaModel(normalizer, someBPE), "config.json": `{"model_type": "llama"}`, "tokenizer_config.json": "{" + test.settings + "}",
			})
			if got := quoted(tok, tok.EncodeWithSpecials(test.text)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if ids := tok.EncodePlain(test.text); !strings.Contains(test.text, "[USER]") && tok.Decode(ids) != test.text {
				t.Errorf("%q: decoded %q", test.text, tok.Decode(ids))
			}
			bos, _ := tok.BOS()
			eos, _ := tok.EOS()
			if bos != 1 || eos != 2 || tok.VocabSize() != len(someBPE) || !tok.KeepsTexts() || !tok.IsSpecial(0) || !slices.Contains(tok.Files(), "tokenizer.model") {
				t.Errorf("begins with %d, ends with %d, %d ids, files %v", bos, eos, tok.VocabSize(), tok.Files())
			}
		})
	}
}

// A folder with nothing but the model is read, saved, and read again.
func TestLlamaModelAlone(t *testing.T) {
	tok := mustLoadFiles(t, map[string]string{"tokenizer.model": llamaModel(identity, someBPE)})
	dir := t.TempDir()
	if err := tok.Save(dir); err != nil {
		t.Fatal(err)
	}
	again, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	const text = "hello abcd é"
	if diff := cmp.Diff(tok.EncodeWithSpecials(text), again.EncodeWithSpecials(text)); diff != "" || !Exists(dir) {
		t.Errorf("saved and loaded (-before +after):\n%s", diff)
	}
}

func TestLlamaModelRefuses(t *testing.T) {
	model := llamaModel(identity, someBPE)
	with := func(pieces ...typedPiece) string { return llamaModel(identity, llamaPieces(pieces...)) }
	tests := []struct{ name, model, settings, want string }{
		{"of another class", model, `"tokenizer_class": "GemmaTokenizer"`, `tokenizer.model of a "GemmaTokenizer" (model_type "") is not supported; supported with BPE: that of LlamaTokenizer`},
		{"Unigram", pieceModel(t, 1, "<unk>", "a"), `"tokenizer_class": "LlamaTokenizer"`, `tokenizer.model of a "LlamaTokenizer" (model_type "") is not supported`},
		{"spaces in a row", llamaModel(message(3, 1, 4, 1), someBPE), "", "tokenizer.model: remove_extra_whitespaces is not supported with BPE"},
		{"a table of characters", llamaModel(message(2, "table", 4, 0), someBPE), "", "tokenizer.model: a table of characters"},
		{"an unused piece", with(typedPiece{"x", 0, 5}), "", `piece "x" is of kind 5`},
		{"a piece twice", with(typedPiece{"a", 0, 1}), "", `piece "a" stands there twice`},
		{"a character without a piece", with(typedPiece{"ax", 0, 1}), "", `piece "ax" has the character 'x', which is no piece`},
		{"a user's piece with a space", with(typedPiece{"▁▁", 0, 4}), "", `user-defined piece "▁▁" has a space`},
		{"another format", "IQ== 0\nIg== 1\n", "", "not a SentencePiece model"},
		{"no beginning", llamaModel(identity, someBPE[3:]), "", `Llama's eos_token: token "</s>" is not in the vocabulary`},
	}
	for _, test := range tests {
		tok, err := loadFiles(t, map[string]string{"tokenizer.model": test.model, "tokenizer_config.json": "{" + test.settings + "}"})
		if tok != nil || !usage.Is(err) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want %q", test.name, err, test.want)
		}
	}
}

// What stands around a text is what the class says, not what the post-processor says.
func TestLlamaFrame(t *testing.T) {
	tests := []struct{ settings, want string }{
		{``, "<s>| |a"},
		{`"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": false`, "<s>| |a"},
		{`"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>"`, "<s>| |a"},
		{`"tokenizer_class": "LlamaTokenizerFast", "add_bos_token": false, "add_eos_token": true, "eos_token": {"content": "</s>"}`, " |a|</s>"},
	}
	for _, test := range tests {
		files := charDocument(t, nil)
		files["tokenizer_config.json"] = "{" + test.settings + "}"
		tok := mustLoadFiles(t, files)
		if got := quoted(tok, tok.EncodeWithSpecials("a")); got != test.want {
			t.Errorf("%s: got %q, want %q", test.settings, got, test.want)
		}
	}
	for field, settings := range map[string]string{
		"add_bos_token: true, but there is no bos_token": `"tokenizer_class": "LlamaTokenizer", "add_bos_token": true`,
		"add_eos_token: true, but there is no eos_token": `"tokenizer_class": "LlamaTokenizer", "add_eos_token": true`,
	} {
		files := charDocument(t, map[string]string{"added_tokens": "[]"})
		files["tokenizer_config.json"] = "{" + settings + "}"
		if tok, err := loadFiles(t, files); tok != nil || !usage.Is(err) || !strings.Contains(err.Error(), field) {
			t.Errorf("got error %v, want %q", err, field)
		}
	}
}

func FuzzLlamaModel(f *testing.F) {
	f.Add([]byte(llamaModel(identity, someBPE)))
	f.Add([]byte(llamaModel(message(3, 0, 4, 0), someBPE[:270])))
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := parseSentencePiece(content)
		if err != nil || m.kind != bpeKind {
			return
		}
		s := &settings{named: map[string]namedToken{}, numbered: map[string]numberedToken{}, modelType: "llama"}
		d := &definition{sentencePiece: m}
		if s.applyPieces(d, llamaFile) != nil || s.apply(d) != nil {
			return
		}
		tok, err := d.build()
		if err != nil {
			return
		}
		const text = "hello  abcdé\xff"
		ids := tok.EncodePlain(text)
		if got := tok.Decode(ids); tok.KeepsTexts() && got != text {
			t.Errorf("%q came back as %q", text, got)
		}
		for _, id := range ids {
			if tok.Token(id) == "" {
				t.Errorf("id %d has no token", id)
			}
		}
	})
}
