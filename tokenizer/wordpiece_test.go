package tokenizer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// bertPieces begin with the vocabulary of the tests of BERT's program (google-research/bert, tokenization_test.py).
var bertPieces = []string{
	"[UNK]", "[CLS]", "[SEP]", "want", "##want", "##ed", "wa", "un", "runn", "##ing", ",",
	"##aff", "##able", "a", "##h", "博", "推", "z", "##z", "hello", "!", "[PAD]", "[MASK]", "é", "e", "##é", "'", "s", "$", "i", "##\u0307", "Å",
}

// bertFolder is a folder with a list of pieces and a tokenizer_config.json of the given fields.
func bertFolder(fields string) map[string]string {
	return map[string]string{"vocab.txt": strings.Join(bertPieces, "\n") + "\n", "tokenizer_config.json": "{" + fields + "}"}
}

// bertDocument is the tokenizer.json of the same tokenizer, with the normaliser's fields.
func bertDocument(normalizer, processor string) map[string]string {
	var pieces []string
	for id, piece := range bertPieces {
		pieces = append(pieces, fmt.Sprintf("%q: %d", piece, id))
	}
	return map[string]string{"tokenizer.json": documentWith(map[string]string{
		"model": `{"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": {` + strings.Join(pieces, ", ") + `}}`,
		"added_tokens": `[{"id": 1, "content": "[CLS]", "special": true, "normalized": false}, {"id": 2, "content": "[SEP]", "special": true, "normalized": false},
			{"id": 22, "content": "[MASK]", "special": true, "normalized": false}]`,
		"normalizer":     `{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, ` + normalizer + `}`,
		"pre_tokenizer":  `{"type": "BertPreTokenizer"}`,
		"post_processor": processor,
		"decoder":        `{"type": "WordPiece", "prefix": "##", "cleanup": true}`,
	})}
}

const bertProcessing = `{"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]}`

func tokens(tok *Tokenizer, text string) string {
	var list []string
	for _, id := range tok.Encode(text) {
		list = append(list, tok.Token(id))
	}
	return strings.Join(list, " ")
}

// TestWordPiece has the cases of BERT's paper and program, and of its rules for characters.
func TestWordPiece(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"the program's example", "unaffable", "un ##aff ##able"},
		{"the program's test", "UNwant\u00E9d,running", "un ##want ##ed , runn ##ing"},
		{"nothing", "", ""},
		{"one piece", "wa", "wa"},
		{"a word that ends in nothing known", "unwantedX running", "[UNK] runn ##ing"},
		{"a word that begins so", "Xun", "[UNK]"},
		{"a word of too many characters", strings.Repeat("z", 101), "[UNK]"},
		{"and one of as many as it may have", strings.Repeat("é", 100) + " un", "[UNK] un"},
		{"spaces of all kinds", " \tHELLO\u00a0un\u3000\n\r un\u2028 un ", "hello un un un"},
		{"Chinese characters", "ah\u535A\u63A8zz", "a ##h 博 推 z ##z"},
		{"punctuation", "hello!un's$un", "hello ! un ' s $ un"},
		{"unknown punctuation", "un;un", "un [UNK] un"},
		{"control and format characters", "h\u0001el\u200blo\x00 un\u00adaff\ufeffable", "hello un ##aff ##able"},
		{"private use", "he\ue000llo", "hello"},
		{"not UTF-8", "he\xffllo \ufffdun", "hello un"},
		{"accents, composed and not", "\u00c9 e\u0301", "e e"},
		{"the capital I with a dot", "\u0130", "i"},
		{"special tokens", "un[SEP]un [MASK]", "un [SEP] un [MASK]"},
		{"special tokens in lower case", "[sep]", "[UNK] [UNK] [UNK]"},
	}
	for source, files := range map[string]map[string]string{
		"vocab.txt": bertFolder(`"tokenizer_class": "BertTokenizer"`), "tokenizer.json": bertDocument(`"strip_accents": null, "lowercase": true`, bertProcessing),
	} {
		tok, err := loadFiles(t, files)
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range tests {
			if got := tokens(tok, test.text); got != test.want {
				t.Errorf("%s: %s: %q: got %s, want %s", source, test.name, test.text, got, test.want)
			}
		}
		if kind := tok.Kind(); kind != WordPiece {
			t.Errorf("%s: a %s tokenizer", source, kind)
		}
		if _, missing := tok.Missing("\xff"); missing {
			t.Errorf("%s: a byte is missing", source)
		}
		pair, ok := tok.EncodePair("un", "a", 9)
		if diff := cmp.Diff(Pair{IDs: []int32{1, 7, 2, 13, 2}, Types: []int32{0, 0, 0, 1, 1}}, pair); !ok || diff != "" {
			t.Errorf("%s: pair (-want +got):\n%s", source, diff)
		}
		if got, want := tok.DecodePlain(tok.EncodeWithSpecials("Unaffable, un")), "unaffable , un"; got != want {
			t.Errorf("%s: decoded %q, want %q", source, got, want)
		}
	}
}

// What tokenizer_config.json says of BERT's list of pieces, and tokenizer.json of the normaliser.
func TestBERTSettings(t *testing.T) {
	tests := []struct{ config, normalizer, text, want string }{
		{`"do_lower_case": true, "strip_accents": false`, `"strip_accents": false, "lowercase": true`, "\u00c9 e\u0301 \u0130", "é [UNK] i ##\u0307"},
		{`"do_lower_case": false`, `"strip_accents": null, "lowercase": false`, "un Un é \u212b", "un [UNK] é [UNK]"},
		{`"do_lower_case": false, "strip_accents": true`, `"strip_accents": true, "lowercase": false`, "é É", "e [UNK]"},
		{`"tokenize_chinese_chars": false`, `"handle_chinese_chars": false, "lowercase": true`, "a博 博", "[UNK] 博"},
	}
	for _, test := range tests {
		for source, files := range map[string]map[string]string{"vocab.txt": bertFolder(test.config), "tokenizer.json": bertDocument(test.normalizer, "null")} {
			tok, err := loadFiles(t, files)
			if err != nil {
				t.Fatal(err)
			}
			if got := tokens(tok, test.text); got != test.want {
				t.Errorf("%s: %s: %q: got %s, want %s", source, test.config, test.text, got, test.want)
			}
		}
	}
	cut, err := loadFiles(t, bertFolder(`"model_max_length": 4`))
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := cut.MaxTokens(); n != 4 || !ok {
		t.Errorf("MaxTokens: %d, %v", n, ok)
	}
	if ids, wasCut := cut.EncodeAtMost("un un un", 4); !wasCut || !cmp.Equal(ids, []int32{1, 7, 7, 2}) {
		t.Errorf("cut %v: %v", wasCut, ids)
	}
}

// A template says what BertProcessing does; older files have no type in their model.
func TestBERTTemplate(t *testing.T) {
	files := bertDocument(`"lowercase": true`, `{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
		"pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
		"special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [1], "tokens": ["[CLS]"]}, "[SEP]": {"id": "[SEP]", "ids": [2], "tokens": ["[SEP]"]}}}`)
	files["tokenizer.json"] = strings.Replace(files["tokenizer.json"], `"type": "WordPiece", "unk`, `"unk`, 1)
	tok, err := loadFiles(t, files)
	if err != nil {
		t.Fatal(err)
	}
	pair, ok := tok.EncodePair("un wa", "a wa", 6)
	want := Pair{IDs: []int32{1, 7, 2, 13, 6, 2}, Types: []int32{0, 0, 0, 1, 1, 1}, Cut: true}
	if diff := cmp.Diff(want, pair); !ok || diff != "" {
		t.Errorf("pair (-want +got):\n%s", diff)
	}
}

func TestBERTRefuses(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"another class", bertFolder(`"tokenizer_class": "BertweetTokenizer"`), `vocab.txt of a BertweetTokenizer is not supported; supported: that of BertTokenizer, `},
		{"no basic tokenizer", bertFolder(`"do_basic_tokenize": false`), "do_basic_tokenize: false is not supported"},
		{"never split", bertFolder(`"never_split": ["a"]`), `never_split: ["a"] is not supported`},
		{"no unknown token", bertFolder(`"unk_token": "<unk>"`), `tokenizer_config.json: token "<unk>" is not in the vocabulary`},
		{"no separator", map[string]string{"vocab.txt": "[UNK]\n[CLS]\n[PAD]\n"}, `BERT's sep_token: token "[SEP]" is not in the vocabulary`},
		{"empty", map[string]string{"vocab.txt": ""}, `token "[PAD]" is not in the vocabulary`},
		{"document without the unknown token", map[string]string{"tokenizer.json": documentWith(map[string]string{
			"model": `{"type": "WordPiece", "vocab": {"a": 0}}`, "pre_tokenizer": "null", "decoder": "null",
		})}, `model: unk_token "[UNK]" is not in the vocabulary`},
		{"byte level", map[string]string{"tokenizer.json": documentWith(map[string]string{
			"model": `{"type": "WordPiece", "vocab": {"[UNK]": 0}}`,
		})}, "a ByteLevel step is supported with BPE alone"},
		{"negative length", map[string]string{"tokenizer.json": documentWith(map[string]string{
			"model": `{"type": "WordPiece", "vocab": {"[UNK]": 0}, "max_input_chars_per_word": -1}`,
		})}, "max_input_chars_per_word: found -1"},
	}
	for _, test := range tests {
		if tok, err := loadFiles(t, test.files); tok != nil || !usage.Is(err) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want %q", test.name, err, test.want)
		}
	}
}

// The ids of a list of pieces are its lines' numbers, empty lines and the second of two equal ones counted.
func TestPieceLines(t *testing.T) {
	tok, err := loadFiles(t, map[string]string{"vocab.txt": "[PAD]\r\n[UNK]\n[CLS]\n\na\n[SEP]\na\n\n"})
	if err != nil {
		t.Fatal(err)
	}
	if got := tok.EncodeWithSpecials("a b"); !cmp.Equal(got, []int32{2, 6, 1, 5}) || tok.VocabSize() != 8 {
		t.Errorf("ids %v of %d, want [2 6 1 5] of 8", got, tok.VocabSize())
	}
}

func FuzzPieces(f *testing.F) {
	f.Add("[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##a", `{"do_lower_case": false, "unk_token": "[PAD]"}`, "una \u0130博")
	f.Add("[PAD]\n[UNK]\n[CLS]\n[SEP]\n##\n\u00e9", `{"strip_accents": true, "tokenizer_class": "BertTokenizerFast"}`, "##\xff")
	f.Fuzz(func(t *testing.T, pieces, config, text string) {
		tok, err := loadFiles(t, map[string]string{"vocab.txt": pieces, "tokenizer_config.json": config})
		if err != nil {
			if !usage.Is(err) {
				t.Errorf("not the user's mistake: %v", err)
			}
			return
		}
		for _, id := range tok.EncodeWithSpecials(text) {
			if tok.Token(id) == "" {
				t.Errorf("id %d has no token", id)
			}
		}
	})
}

// FuzzBERTDocument looks for documents with WordPiece that are read and then fail.
func FuzzBERTDocument(f *testing.F) {
	f.Add(bertDocument(`"lowercase": true`, bertProcessing)["tokenizer.json"], "Un\u00e9!")
	f.Fuzz(func(t *testing.T, document, text string) {
		d, err := parseDocument([]byte(document))
		if err != nil {
			return
		}
		tok, err := d.build()
		if err != nil {
			return
		}
		for _, id := range tok.EncodeWithSpecials(text) {
			if tok.Token(id) == "" {
				t.Errorf("id %d has no token", id)
			}
		}
	})
}
