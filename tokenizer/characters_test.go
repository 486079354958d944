package tokenizer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Parts of tokenizer.json with SentencePiece's BPE: as the first writers had them, and as later ones do.
const (
	prependPart = `{"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}`
	firstPart   = `{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false}`
	charDecoder = `{"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}`
	charAdded   = `[{"id": 0, "content": "<unk>", "special": true}, {"id": 1, "content": "<s>", "special": true}, {"id": 2, "content": "</s>", "special": true}]`
	beginPart   = `{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}`
)

var charMerges = [][2]string{
	{"h", "e"},
	{"l", "l"},
	{"ll", "o"},
	{"he", "llo"},
	{"▁", "hello"},
	{"▁", "▁"},
	{"▁▁", "▁▁"},
	{"▁", "w"},
	{"o", "r"},
	{"▁w", "or"},
	{"l", "d"},
	{"a", "b"},
	{"b", "c"},
	{"a", "bc"},
}

// charVocabulary has three special tokens, the bytes, the characters of the merges, and what the merges make.
func charVocabulary(merges [][2]string) (list []string, ids map[string]int32) {
	list = []string{"<unk>", "<s>", "</s>"}
	for b := range 256 {
		list = append(list, bytePiece(byte(b)))
	}
	ids = map[string]int32{}
	for _, m := range merges {
		for _, char := range m[0] + m[1] {
			list = append(list, string(char))
		}
	}
	for _, m := range merges {
		list = append(list, m[0]+m[1])
	}
	kept := list[:0]
	for _, piece := range list {
		if _, ok := ids[piece]; !ok {
			ids[piece] = int32(len(kept))
			kept = append(kept, piece)
		}
	}
	return kept, ids
}

func charModel(tb testing.TB, merges [][2]string, fields string) string {
	tb.Helper()
	_, ids := charVocabulary(merges)
	written, err := json.Marshal(map[string]any{"vocab": ids, "merges": merges})
	if err != nil {
		tb.Fatal(err)
	}
	return `{"type": "BPE", "dropout": null, "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true, ` + fields + strings.TrimPrefix(string(written), "{")
}

// charDocument is a tokenizer.json of the first writers' form, with other parts where they are given.
func charDocument(tb testing.TB, parts map[string]string) map[string]string {
	tb.Helper()
	all := map[string]string{
		"normalizer": prependPart, "pre_tokenizer": "null", "decoder": charDecoder, "added_tokens": charAdded, "post_processor": beginPart,
		"model": charModel(tb, charMerges, ""),
	}
	for name, value := range parts {
		all[name] = value
	}
	return map[string]string{"tokenizer.json": documentWith(all)}
}

func mustLoadFiles(tb testing.TB, files map[string]string) *Tokenizer {
	tb.Helper()
	tok, err := loadFiles(tb, files)
	if err != nil {
		tb.Fatal(err)
	}
	return tok
}

func quoted(tok *Tokenizer, ids []int32) string {
	var list []string
	for _, id := range ids {
		list = append(list, tok.Token(id))
	}
	return strings.Join(list, "|")
}

func TestCharacters(t *testing.T) {
	forms := map[string]*Tokenizer{
		"prepend": mustLoadFiles(t, charDocument(t, nil)),
		"first":   mustLoadFiles(t, charDocument(t, map[string]string{"normalizer": "null", "pre_tokenizer": firstPart})),
		"always":  mustLoadFiles(t, charDocument(t, map[string]string{"normalizer": "null", "pre_tokenizer": strings.Replace(firstPart, "first", "always", 1)})),
		"never":   mustLoadFiles(t, charDocument(t, map[string]string{"normalizer": "null", "pre_tokenizer": strings.Replace(firstPart, "first", "never", 1)})),
	}
	tests := []struct{ name, form, text, want, decoded string }{
		{"words", "prepend", "hello world", " hello| wor|ld", ""},
		{"nothing", "prepend", "", "", ""},
		{"the earlier merge first", "prepend", "abc", " |ab|c", ""},
		{"a space is kept", "prepend", " hello", " | hello", ""},
		{"spaces", "prepend", "a    b", " |a|    |b", ""},
		{"spaces alone", "prepend", "   ", "    ", ""},
		{"bytes", "prepend", "é\nh", " |\xc3|\xa9|\n|h", ""},
		{"a byte that is no text", "prepend", "\xffa", " |\xff|a", ""},
		{"a piece of a byte written out", "prepend", "<0x41>", " |<|0|x|4|1|>", ""},
		{"after a special token", "prepend", "hello</s>hello", " hello|</s>| hello", "hello</s> hello"},
		{"special token first", "prepend", "<s>hello", "<s>| hello", "<s> hello"},
		{"words", "first", "hello world", " hello| wor|ld", ""},
		{"a space is the prefix", "first", " hello", " hello", "hello"},
		{"two spaces", "first", "  hello", " | hello", " hello"},
		{"after a special token", "first", "hello</s>hello", " hello|</s>|hello", ""},
		{"special token first", "first", "<s>hello", "<s>|hello", ""},
		{"after a special token", "always", "hello</s>hello", " hello|</s>| hello", "hello</s> hello"},
		{"words", "never", "hello world", "hello| wor|ld", ""},
	}
	for _, test := range tests {
		t.Run(test.form+"/"+test.name, func(t *testing.T) {
			tok := forms[test.form]
			ids := tok.Encode(test.text)
			if got := quoted(tok, ids); got != test.want {
				t.Errorf("%q: got %q, want %q", test.text, got, test.want)
			}
			decoded := test.decoded
			if decoded == "" {
				decoded = test.text
			}
			if got := tok.Decode(ids); got != decoded {
				t.Errorf("%q: decoded %q, want %q", test.text, got, decoded)
			}
		})
	}
	tok := forms["prepend"]
	if got := tok.EncodeWithSpecials("ab"); quoted(tok, got) != "<s>| |ab" || tok.DecodePlain(got) != "ab" {
		t.Errorf("with special tokens %q, plain %q", quoted(tok, got), tok.DecodePlain(got))
	}
	if eos, ok := tok.EOS(); !ok || tok.Token(eos) != "</s>" || tok.Kind() != SentencePieceBPE || !tok.KeepsTexts() {
		t.Errorf("end %d, %v, a %s tokenizer that keeps texts: %v", eos, ok, tok.Kind(), tok.KeepsTexts())
	}
}

func TestContinuation(t *testing.T) {
	prepend := mustLoadFiles(t, charDocument(t, nil))
	first := mustLoadFiles(t, charDocument(t, map[string]string{"normalizer": "null", "pre_tokenizer": firstPart}))
	spaced := mustLoadDocument(t, map[string]string{"pre_tokenizer": `{"type": "ByteLevel", "add_prefix_space": true}`})
	tests := []struct {
		name          string
		tok           *Tokenizer
		before, after string // texts
		want          string // tokens of after
	}{
		{"a word of its own", prepend, "hello", " hello", " hello"},
		{"within a word", prepend, "hello", "hello", "hello"},
		{"two spaces", prepend, "hello", "  hello", " | hello"},
		{"the beginning", prepend, "<s>", "hello", "hello"},
		{"a special token within", prepend, "ab", "c</s>", "c|</s>"},
		{"a word of its own", first, "hello", " hello", " hello"},
		{"within a word", first, "hello", "hello", "hello"},
		{"after a special token", first, "ab</s>", "hello", "hello"},
		{"after a special token, a space", first, "ab</s>", " hello", " hello"},
		{"a prefix in a vocabulary of bytes", spaced, "a", "b", "b"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ids := test.tok.EncodeContinuation(test.after)
			if got := quoted(test.tok, ids); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			before := test.tok.Encode(test.before)
			if got := test.tok.DecodeAfter(before, ids); got != test.after {
				t.Errorf("decoded %q, want %q", got, test.after)
			}
		})
	}
	hello := prepend.Encode("hello")
	for name, test := range map[string]struct {
		tok    *Tokenizer
		before string
		want   string
	}{
		"nothing":               {prepend, "", "hello"},
		"beginning":             {prepend, "<s>", "hello"},
		"special token":         {prepend, "ab</s>", "hello"},
		"text":                  {prepend, "ab", " hello"},
		"beginning, first":      {first, "<s>", "hello"},
		"special token, first":  {first, "ab</s>", " hello"},
		"two of them, first":    {first, "<s></s>", " hello"},
		"special token, prefix": {prepend, "<s></s>", "hello"},
	} {
		if got := test.tok.DecodeAfter(test.tok.Encode(test.before), hello); got != test.want {
			t.Errorf("after %s: %q, want %q", name, got, test.want)
		}
	}
}

func TestUnknownCharacters(t *testing.T) {
	model := func(fuse, fallback bool) string {
		return fmt.Sprintf(`{"type": "BPE", "unk_token": "<unk>", "fuse_unk": %v, "byte_fallback": %v, "vocab": {"<unk>": 0, "▁": 1, "a": 2, "<0xC3>": 3, "<0xA9>": 4}, "merges": []}`, fuse, fallback)
	}
	withoutBytes := strings.Replace(charDecoder, `{"type": "ByteFallback"}, `, "", 1)
	tests := []struct {
		fuse, fallback bool
		text           string
		want           []int32
	}{
		{true, false, "xya", []int32{1, 0, 2}},
		{false, false, "xya", []int32{1, 0, 0, 2}},
		{true, true, "aé", []int32{1, 2, 3, 4}},
		{true, true, "xéya", []int32{1, 3, 4, 0, 2}}, // as in Hugging Face's library, which appends unknown tokens late
		{false, true, "xéy", []int32{1, 3, 4, 0, 0}},
	}
	for _, test := range tests {
		decoder := withoutBytes
		if test.fallback {
			decoder = charDecoder
		}
		tok := mustLoadFiles(t, charDocument(t, map[string]string{
			"model": model(test.fuse, test.fallback), "decoder": decoder, "added_tokens": "[]", "post_processor": "null",
		}))
		if got := tok.Encode(test.text); !slices.Equal(got, test.want) || tok.KeepsTexts() {
			t.Errorf("%q, fused %v, bytes %v: %v, want %v; keeps texts: %v", test.text, test.fuse, test.fallback, got, test.want, tok.KeepsTexts())
		}
	}
}

func TestCharactersRefuse(t *testing.T) {
	decoder := func(parts string) map[string]string {
		return map[string]string{"decoder": `{"type": "Sequence", "decoders": [` + parts + `]}`}
	}
	const replace, bytes = `{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}`, `{"type": "ByteFallback"}`
	split := func(step string) map[string]string {
		return map[string]string{"pre_tokenizer": step}
	}
	tests := []struct {
		parts map[string]string
		want  string
	}{
		{map[string]string{"decoder": "null"}, "decoder: missing; without a ByteLevel step in pre_tokenizer"},
		{map[string]string{"decoder": `{"type": "BPEDecoder", "suffix": "</w>"}`}, `decoder: type "BPEDecoder" is not supported; supported: ByteFallback, Fuse`},
		{decoder(bytes), "decoder: neither Replace nor Metaspace"},
		{decoder(replace), "decoder: ByteFallback and the model's byte_fallback belong together; the model's is true"},
		{decoder(bytes + "," + replace), "decoder.decoders[1]: Replace after another decoder"},
		{decoder(`{"type": "Replace", "pattern": {"String": "_"}, "content": " "},` + bytes), `decoder.decoders[0]: supported: "▁" replaced by a space`},
		{decoder(replace + "," + bytes + `, {"type": "Strip", "content": " ", "start": 1, "stop": 0}`), "decoder.decoders[2]: supported: one space at the start, after Fuse"},
		{decoder(replace + "," + bytes + `, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 2, "stop": 0}`), "decoder.decoders[3]: supported: one space"},
		{map[string]string{"decoder": `{"type": "Metaspace", "replacement": "_"}`}, `decoder: replacement "_" is not supported`},
		{split(`{"type": "WhitespaceSplit"}`), "pre_tokenizer: WhitespaceSplit without a ByteLevel step is not supported with BPE"},
		{split(`{"type": "Split", "pattern": {"String": "▁"}, "behavior": "Removed", "invert": false}`), "pre_tokenizer: behavior Removed without"},
		{split(`{"type": "Sequence", "pretokenizers": [{"type": "Digits"}, ` + firstPart + `]}`), "pretokenizers[1]: prepend_scheme first is supported as the first step alone"},
		{map[string]string{"normalizer": `{"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Prepend", "prepend": "▁"}]}`}, "normalizer.normalizers[1]: Prepend after another normalizer"},
		{map[string]string{"model": `{"type": "BPE", "unk_token": "?", "byte_fallback": true, "vocab": {"a": 3}, "merges": []}`}, `unk_token "?" is not in the vocabulary`},
		{map[string]string{"model": `{"type": "BPE", "byte_fallback": true, "vocab": {"a": 3, "b": 4}, "merges": ["a b"]}`}, `merge 1, "a" with "b": "ab" is not in the vocabulary`},
	}
	for _, test := range tests {
		if tok, err := loadFiles(t, charDocument(t, test.parts)); tok != nil || !usage.Is(err) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got error %v, want %q", err, test.want)
		}
	}
}
