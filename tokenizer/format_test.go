package tokenizer

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Parts of a tokenizer.json, each the smallest that is valid.
const (
	byteLevelPart = `{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true}`
	smallModel    = `{"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3}, "merges": ["a b"]}`
)

// documentWith returns a small tokenizer.json with some of its parts replaced.
func documentWith(parts map[string]string) string {
	all := map[string]string{
		"version": `"1.0"`, "added_tokens": `[]`, "normalizer": `null`, "pre_tokenizer": byteLevelPart,
		"post_processor": `null`, "decoder": byteLevelPart, "model": smallModel,
	}
	maps.Copy(all, parts)
	var fields []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fields = append(fields, fmt.Sprintf("%q: %s", name, all[name]))
	}
	return "{" + strings.Join(fields, ",\n") + "}"
}

// loadFiles loads a tokenizer from a folder of the files.
func loadFiles(tb testing.TB, files map[string]string) (*Tokenizer, error) {
	tb.Helper()
	dir := tb.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			tb.Fatal(err)
		}
	}
	return Load(dir)
}

func mustLoadDocument(tb testing.TB, parts map[string]string) *Tokenizer {
	tb.Helper()
	tok, err := loadFiles(tb, map[string]string{"tokenizer.json": documentWith(parts)})
	if err != nil {
		tb.Fatal(err)
	}
	return tok
}

func TestDocumentRefuses(t *testing.T) {
	model := func(fields string) map[string]string {
		return map[string]string{"model": `{"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [], ` + fields + `}`}
	}
	bare := func(fields string) map[string]string {
		return map[string]string{"model": `{"type": "BPE", ` + fields + `}`}
	}
	added := func(tokens string) map[string]string { return map[string]string{"added_tokens": "[" + tokens + "]"} }
	part := func(name, value string) map[string]string { return map[string]string{name: value} }
	tests := []struct {
		name  string
		parts map[string]string
		want  string
	}{
		{"version", part("version", `"2.0"`), `version "2.0" is not supported; want "1.0"`},
		{"unknown part", part("extra", `1`), `unknown field "extra"`},
		{"no model", part("model", `null`), `model: missing`},
		{"model of another type", part("model", `{"type": "WordLevel"}`), `model: type "WordLevel" is not supported; supported: BPE, Unigram, WordPiece`},
		{"model that is no object", part("model", `[]`), `model: unexpected array; want an object`},
		{"unknown field of the model", model(`"extra": 1`), `model: unknown field "extra"`},
		{"dropout", model(`"dropout": 0.1`), `model: dropout 0.1 is not supported`},
		{"prefix of subwords", model(`"continuing_subword_prefix": "##"`), `continuing_subword_prefix "##"`},
		{"suffix of words", model(`"end_of_word_suffix": "</w>"`), `end_of_word_suffix "</w>"`},
		{"byte fallback", model(`"byte_fallback": true`), `byte_fallback is not supported with a vocabulary that lacks 254 of the 256 bytes`},
		{"unknown token", model(`"unk_token": "<unk>"`), `unk_token "<unk>" is not in the vocabulary`},
		{"empty vocabulary", bare(`"vocab": {}, "merges": []`), `vocabulary: empty`},
		{"no bytes", bare(`"vocab": {"▁a": 0}, "merges": []`), `only byte-level vocabularies are supported`},
		{"same id", bare(`"vocab": {"a": 0, "b": 0}, "merges": []`), `"a" and "b" both have id 0`},
		{"negative id", bare(`"vocab": {"a": -1}, "merges": []`), `"a" has id -1; ids range from 0`},
		{"huge id", bare(`"vocab": {"a": 2000000000}, "merges": []`), `"a" has id 2000000000; ids range from 0`},
		{"id beyond 32 bits", bare(`"vocab": {"a": 5000000000}, "merges": []`), `unexpected number 5000000000`},
		{"empty piece", bare(`"vocab": {"": 0}, "merges": []`), `id 0 belongs to an empty piece`},
		{"merge of one piece", bare(`"vocab": {"a": 0}, "merges": ["a"]`), `merge "a": want two pieces with a space between them`},
		{"merge of three pieces", bare(`"vocab": {"a": 0}, "merges": [["a", "a", "a"]]`), `want two pieces`},
		{"merge of numbers", bare(`"vocab": {"a": 0}, "merges": [1]`), `merge 1: want two pieces`},
		{"left piece unknown", bare(`"vocab": {"a": 0}, "merges": ["b a"]`), `merge 1, "b" with "a": "b" is not in the vocabulary`},
		{"right piece unknown", bare(`"vocab": {"a": 0}, "merges": ["a b"]`), `merge 1, "a" with "b": "b" is not in the vocabulary`},
		{"merged piece unknown", bare(`"vocab": {"a": 0}, "merges": ["a a"]`), `merge 1, "a" with "a": "aa" is not in the vocabulary`},
		{"added token of an id in use", added(`{"id": 0, "content": "<s>"}`), `added token "<s>" has id 0, which the vocabulary gives to "a"`},
		{"added token of another id", added(`{"id": 9, "content": "ab"}`), `added token "ab" has id 9, but 2 in the vocabulary`},
		{"added token twice", added(`{"id": 9, "content": "x"}, {"id": 8, "content": "x"}`), `added token "x" has two ids, 9 and 8`},
		{"added id twice", added(`{"id": 9, "content": "x"}, {"id": 9, "content": "y"}`), `added tokens "x" and "y" both have id 9`},
		{"empty added token", added(`{"id": 9, "content": ""}`), `id 9 belongs to an empty piece`},
		{"unknown flag of an added token", added(`{"id": 9, "content": "x", "extra": 1}`), `unknown field "extra"`},
		{"normalizer", part("normalizer", `{"type": "Nmt"}`), `normalizer: type "Nmt" is not supported; supported: BertNormalizer, Lowercase, NFC, `},
		{"normalizer in a sequence", part("normalizer", `{"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Nmt"}]}`), `normalizer.normalizers[1]: type "Nmt"`},
		{"no pre-tokenizer", part("pre_tokenizer", `null`), `decoder: type "ByteLevel" is not supported; supported: ByteFallback, Fuse, Metaspace, Replace, Strip; and ByteLevel where pre_tokenizer`},
		{"pre-tokenizer", part("pre_tokenizer", `{"type": "UnicodeScripts"}`), `pre_tokenizer: type "UnicodeScripts" is not supported; supported: BertPreTokenizer, ByteLevel, Digits`},
		{"pre-tokenizer in a sequence", part("pre_tokenizer", `{"type": "Sequence", "pretokenizers": [{"type": "Whitespace"}]}`), `pre_tokenizer.pretokenizers[0]: type "Whitespace"`},
		{"two byte levels", part("pre_tokenizer", `{"type": "Sequence", "pretokenizers": [`+byteLevelPart+`, `+byteLevelPart+`]}`), `pretokenizers[1]: a second ByteLevel step`},
		{"behaviour", part("pre_tokenizer", `{"type": "Punctuation", "behavior": "Kept"}`), `behavior "Kept" is not supported; supported: Contiguous, Isolated`},
		{"no pattern", part("pre_tokenizer", `{"type": "Split", "pattern": {}, "behavior": "Isolated"}`), `pattern: want either String or Regex`},
		{"bad pattern", part("pre_tokenizer", `{"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated"}`), `regular expression "("`},
		{"pattern of another meaning", part("pre_tokenizer", `{"type": "Split", "pattern": {"Regex": "\\w+"}, "behavior": "Isolated"}`), `\w is not supported`},
		{"option in a pattern", part("pre_tokenizer", `{"type": "Split", "pattern": {"Regex": "(?m:a.b)"}, "behavior": "Isolated"}`), `(?m is not supported`},
		{"post-processor", part("post_processor", `{"type": "Other"}`), `post_processor: type "Other" is not supported`},
		{"template without text", part("post_processor", `{"type": "TemplateProcessing", "single": []}`), `post_processor.single: the sequence A is missing`},
		{"template with the text twice", part("post_processor", `{"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]}`), `post_processor.single[1]`},
		{"template with an unknown token", part("post_processor", `{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}]}`), `"<s>" is not among special_tokens`},
		{"frame without token", part("post_processor", `{"type": "RobertaProcessing", "sep": ["</s>", 99], "cls": ["a", 0]}`), `post_processor: id 99 has no token`},
		{"half a frame", part("post_processor", `{"type": "RobertaProcessing", "cls": ["a", 0]}`), `sep and cls are needed`},
		{"no decoder", part("decoder", `null`), `decoder: missing`},
		{"decoder", part("decoder", `{"type": "WordPiece"}`), `decoder: type "WordPiece" is not supported`},
		{"two decoders", part("decoder", `{"type": "Sequence", "decoders": [`+byteLevelPart+`, {"type": "Strip"}]}`), `a sequence of 2 decoders`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tok, err := loadFiles(t, map[string]string{"tokenizer.json": documentWith(test.parts)})
			if tok != nil || err == nil || !strings.Contains(err.Error(), test.want) || !usage.Is(err) {
				t.Errorf("got error %v; want a mistake of the user with %q", err, test.want)
			}
			if err != nil && !strings.Contains(err.Error(), "tokenizer.json: ") {
				t.Errorf("error %v does not name the file", err)
			}
		})
	}
}

func TestDocumentModel(t *testing.T) {
	// With "ba" first, "aba" would be a+ba by the merges.
	const vocabulary = `"vocab": {"a": 0, "b": 1, "ba": 2, "ab": 3, "aba": 4, "<unk>": 5}, "merges": [["b", "a"], ["a", "b"]]`
	tests := []struct {
		name, model, text string
		want              []int32
	}{
		{"merges as lists", vocabulary, "aba", []int32{0, 2}},
		{"whole words", vocabulary + `, "ignore_merges": true`, "aba", []int32{4}},
		{"missing bytes", vocabulary, "xaxx", []int32{0}},
		{"unknown token", vocabulary + `, "unk_token": "<unk>"`, "xaxx", []int32{5, 0, 5, 5}},
		{"unknown token fused", vocabulary + `, "unk_token": "<unk>", "fuse_unk": true`, "xaxx", []int32{5, 0, 5}},
		{"later of two equal merges", `"vocab": {"a": 0, "b": 1, "ab": 2, "bb": 3}, "merges": ["a b", "b b", "a b"]`, "abb", []int32{0, 3}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tok := mustLoadDocument(t, map[string]string{"model": `{"type": "BPE", ` + test.model + `}`})
			if diff := cmp.Diff(test.want, tok.Encode(test.text)); diff != "" {
				t.Errorf("ids of %q (-want +got):\n%s", test.text, diff)
			}
		})
	}
}

func TestDocumentFrame(t *testing.T) {
	const template = `{"type": "TemplateProcessing",
		"single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
		"pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [4], "tokens": ["<s>"]}, "</s>": {"id": "</s>", "ids": [5, 5], "tokens": ["</s>", "</s>"]}}}`
	const roberta = `{"type": "RobertaProcessing", "sep": ["</s>", 5], "cls": ["<s>", 4], "trim_offsets": true, "add_prefix_space": false}`
	tests := []struct {
		name, processor string
		want            []int32
	}{
		{"none", `null`, []int32{2}},
		{"byte level", byteLevelPart, []int32{2}},
		{"template", template, []int32{4, 2, 5, 5}},
		{"classifier", roberta, []int32{4, 2, 5}},
		{"sequence", `{"type": "Sequence", "processors": [` + byteLevelPart + `, ` + roberta + `, ` + template + `]}`, []int32{4, 4, 2, 5, 5, 5}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tok := mustLoadDocument(t, map[string]string{
				"post_processor": test.processor,
				"added_tokens":   `[{"id": 4, "content": "<s>", "special": true}, {"id": 5, "content": "</s>", "special": true}]`,
			})
			if diff := cmp.Diff(test.want, tok.EncodeWithSpecials("ab")); diff != "" {
				t.Errorf("EncodeWithSpecials (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]int32{2}, tok.Encode("ab")); diff != "" {
				t.Errorf("Encode (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEncodePair(t *testing.T) {
	const special = `"special_tokens": {"<s>": {"id": "<s>", "ids": [4], "tokens": ["<s>"]}, "</s>": {"id": "</s>", "ids": [5], "tokens": ["</s>"]}}`
	const single = `"single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]`
	tests := []struct {
		name, processor string
		maxTokens       int
		want            []int32 // of "ab" twice and "a"; nil: no form for pairs
		cut             bool
		types           []int32 // nil: all 0
	}{
		{"RoBERTa", `{"type": "RobertaProcessing", "sep": ["</s>", 5], "cls": ["<s>", 4], "trim_offsets": true, "add_prefix_space": false}`, 7, []int32{4, 2, 2, 5, 5, 0, 5}, false, nil},
		{"cut at the first", `{"type": "RobertaProcessing", "sep": ["</s>", 5], "cls": ["<s>", 4], "trim_offsets": true, "add_prefix_space": false}`, 6, []int32{4, 2, 5, 5, 0, 5}, true, nil},
		{"cut at both", `{"type": "RobertaProcessing", "sep": ["</s>", 5], "cls": ["<s>", 4], "trim_offsets": true, "add_prefix_space": false}`, 4, []int32{4, 5, 5, 5}, true, nil},
		{"no room", `{"type": "RobertaProcessing", "sep": ["</s>", 5], "cls": ["<s>", 4], "trim_offsets": true, "add_prefix_space": false}`, 3, nil, false, nil},
		{"BERT", `{"type": "BertProcessing", "sep": ["</s>", 5], "cls": ["<s>", 4]}`, 9, []int32{4, 2, 2, 5, 0, 5}, false, []int32{0, 0, 0, 0, 1, 1}},
		{
			"template", `{"type": "TemplateProcessing", ` + single + `, "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "<s>", "type_id": 1}}], ` + special + `}`,
			9,
			[]int32{2, 2, 5, 0, 4},
			false,
			[]int32{0, 0, 0, 1, 1},
		},
		{"template without", `{"type": "TemplateProcessing", ` + single + `, "pair": [], ` + special + `}`, 9, nil, false, nil},
		{"template the wrong way round", `{"type": "TemplateProcessing", ` + single + `, "pair": [{"Sequence": {"id": "B", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 1}}], ` + special + `}`, 9, nil, false, nil},
		{"none", `null`, 9, nil, false, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tok := mustLoadDocument(t, map[string]string{
				"post_processor": test.processor,
				"added_tokens":   `[{"id": 4, "content": "<s>", "special": true}, {"id": 5, "content": "</s>", "special": true}]`,
			})
			want := Pair{test.want, test.types, test.cut}
			if test.types == nil && test.want != nil {
				want.Types = make([]int32, len(test.want))
			}
			pair, ok := tok.EncodePair("abab", "a", test.maxTokens)
			if diff := cmp.Diff(want, pair); diff != "" || ok != (test.want != nil) {
				t.Errorf("ok %v, pair (-want +got):\n%s", ok, diff)
			}
		})
	}
}

func FuzzDocument(f *testing.F) {
	f.Add([]byte(documentWith(nil)))
	f.Add([]byte(documentWith(map[string]string{
		"added_tokens":  `[{"id": 4, "content": "<s>", "special": true, "lstrip": true}]`,
		"normalizer":    `{"type": "Sequence", "normalizers": [{"type": "NFKC"}]}`,
		"pre_tokenizer": `{"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "[0-9]"}, "behavior": "MergedWithNext", "invert": true}, ` + byteLevelPart + `, {"type": "Digits", "individual_digits": false}]}`,
	})))
	f.Add([]byte(`{"model": {"vocab": {`))
	f.Fuzz(func(t *testing.T, content []byte) {
		d, err := parseDocument(content)
		if err != nil {
			return
		}
		tok, err := d.build()
		if err != nil {
			if tok != nil {
				t.Fatalf("got a tokenizer with error %v", err)
			}
			return
		}
		for _, text := range []string{"ab <s> 12", "é\xff"} {
			tok.Decode(tok.EncodeWithSpecials(text))
			if pair, ok := tok.EncodePair(text, text, 6); ok && (len(pair.IDs) > 6 || len(pair.Types) != len(pair.IDs)) {
				t.Fatalf("%d ids with %d types, want at most 6 and as many", len(pair.IDs), len(pair.Types))
			}
		}
	})
}
