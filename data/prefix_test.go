package data_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// prefixing is a tokenizer of SentencePiece's kind, which puts a space before every text: <s>, </s>, the bytes, "▁", a, b, c, "ab"
// and "▁c".
func prefixing(t *testing.T) *tokenizer.Tokenizer {
	t.Helper()
	ids := map[string]int{"<s>": 0, "</s>": 1}
	for b := range 256 {
		ids[fmt.Sprintf("<0x%02X>", b)] = 2 + b
	}
	for i, piece := range []string{"▁", "a", "b", "c", "ab", "▁c"} {
		ids[piece] = 258 + i
	}
	kind := func(kind string, more ...any) map[string]any {
		object := map[string]any{"type": kind}
		for i := 0; i < len(more); i += 2 {
			object[more[i].(string)] = more[i+1]
		}
		return object
	}
	space := map[string]string{"String": "▁"}
	document, err := json.Marshal(map[string]any{
		"version":       "1.0",
		"added_tokens":  []any{map[string]any{"id": 0, "content": "<s>", "special": true}, map[string]any{"id": 1, "content": "</s>", "special": true}},
		"normalizer":    kind("Sequence", "normalizers", []any{kind("Prepend", "prepend", "▁"), kind("Replace", "pattern", map[string]string{"String": " "}, "content", "▁")}),
		"pre_tokenizer": nil,
		"decoder": kind("Sequence", "decoders", []any{
			kind("Replace", "pattern", space, "content", " "), kind("ByteFallback"), kind("Fuse"),
			kind("Strip", "content", " ", "start", 1, "stop", 0),
		}),
		"model": kind("BPE", "byte_fallback", true, "vocab", ids, "merges", [][2]string{{"a", "b"}, {"▁", "c"}}),
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{"tokenizer.json": string(document), "tokenizer_config.json": `{"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>"}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// TestPrefixedBoundary: no space that is not in the texts comes between a prompt and its response, tokenised together or apart.
func TestPrefixedBoundary(t *testing.T) {
	const bos, eos, space, a, b, c, spaceC = 0, 1, 258, 259, 260, 261, 263
	const accent1, accent2 = 2 + 0xc3, 2 + 0xa9
	tok := prefixing(t)
	for _, test := range []struct {
		name, prompt, chosen string
		promptIDs, ids       []int32
		straddled            bool
	}{
		{"a word of its own", "a", " cb", []int32{bos, space, a}, []int32{spaceC, b, eos}, false},
		{"right behind", "a", "c", []int32{bos, space, a}, []int32{c, eos}, false},
		{"a token over the border", "a", "b", []int32{bos, space, a}, []int32{b, eos}, true},
		{"the space is the prompt's", "a ", "c", []int32{bos, space, a, space}, []int32{c, eos}, true},
		{"a word that begins texts otherwise", "b", "a c", []int32{bos, space, b}, []int32{a, spaceC, eos}, false},
		{"bytes", "a", "é", []int32{bos, space, a}, []int32{accent1, accent2, eos}, false},
		{"a token over the border, then a space", "a", "b c", []int32{bos, space, a}, []int32{b, spaceC, eos}, true},
		{"the end written out", "a", " c</s>", []int32{bos, space, a}, []int32{spaceC, eos}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			pair, out, err := data.Tokenise(textRecord(test.prompt, test.chosen, "cc"), tok, tok.VocabSize(), data.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([][]int32{test.promptIDs, test.ids}, [][]int32{pair.Prompt, pair.Chosen}); diff != "" || out.Straddled != test.straddled {
				t.Errorf("straddled %v; ids (-want +got):\n%s", out.Straddled, diff)
			}
			whole := tok.DecodePlain(slices.Concat(pair.Prompt, pair.Chosen))
			if want := test.prompt + strings.TrimSuffix(test.chosen, "</s>"); whole != want || tok.DecodePlain(pair.Prompt) != test.prompt {
				t.Errorf("prompt and response are %q, want %q", whole, want)
			}
		})
	}
}
