package tokenizer

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// vocabularyFiles are a vocabulary with its merges, in which id 3 is a special token.
var vocabularyFiles = map[string]string{
	"vocab.json": `{"a": 0, "b": 1, "ab": 2, "<|endoftext|>": 3, "Ġ": 4, "1": 5, "ĠĠ": 6}`,
	"merges.txt": "#version: 0.2\na b\r\nĠ Ġ\n",
}

func with(files map[string]string, name, content string) map[string]string {
	changed := maps.Clone(files)
	changed[name] = content
	return changed
}

func TestLoadRefuses(t *testing.T) {
	document := map[string]string{"tokenizer.json": documentWith(nil)}
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"nothing", nil, "nothing found; want tokenizer.json, or vocab.json and merges.txt"},
		{"syntax", map[string]string{"tokenizer.json": "{\n\n\"version\" 1}"}, "tokenizer.json: line 3: invalid character '1' after object key"},
		{"cut off", map[string]string{"tokenizer.json": documentWith(nil)[:50]}, "tokenizer.json: ends in the middle of a JSON value"},
		{"empty file", map[string]string{"tokenizer.json": ""}, "tokenizer.json: ends in the middle of a JSON value"},
		{"two values", map[string]string{"tokenizer.json": documentWith(nil) + "{}"}, "tokenizer.json: more than one JSON value"},
		{"no merges", map[string]string{"vocab.json": "{}"}, "merges.txt is missing beside vocab.json"},
		{"merge line", with(vocabularyFiles, "merges.txt", "#version: 0.2\na b\na\n"), `merges.txt: line 3: merge "a": want two pieces`},
		{"merge unknown", with(vocabularyFiles, "merges.txt", "b a\n"), `vocab.json: merge 1, "b" with "a": "ba" is not in the vocabulary`},
		{"vocabulary of strings", with(vocabularyFiles, "vocab.json", `{"a": "b"}`), `vocab.json: unexpected string; want a whole number of 32 bits`},
		{"unknown eos", with(document, "tokenizer_config.json", `{"eos_token": "</s>"}`), `tokenizer_config.json: token "</s>" is not in the vocabulary`},
		{"unknown pad", with(document, "special_tokens_map.json", `{"pad_token": {"content": "<pad>"}}`), `special_tokens_map.json: token "<pad>" is not in the vocabulary`},
		{"unknown eos id", with(document, "config.json", `{"eos_token_id": 50256}`), `config.json: eos_token_id is 50256, which has no token; the vocabulary has 4 ids`},
		{"eos id of another type", with(document, "config.json", `{"eos_token_id": "x"}`), `config.json: field "eos_token_id": "x" is not a token id`},
		{"added id", with(document, "tokenizer_config.json", `{"added_tokens_decoder": {"x": {"content": "<s>"}}}`), `id "x" is not a number`},
		{"special tokens", with(document, "special_tokens.json", `["<s>"]`), `special_tokens.json: unexpected array; want an object`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tok, err := loadFiles(t, test.files)
			if tok != nil || err == nil || !strings.Contains(err.Error(), test.want) || !usage.Is(err) {
				t.Errorf("got error %v; want a mistake of the user with %q", err, test.want)
			}
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); !usage.Is(err) || !strings.Contains(err.Error(), "no such folder") {
		t.Errorf("got error %v, want the mistake that there is no such folder", err)
	}
}

func TestLoadVocabulary(t *testing.T) {
	joined := map[string]string{"vocab.json": `{"a": 0, "1": 1, "11": 2, "Ġ": 3}`, "merges.txt": "1 1\n"}
	tests := []struct {
		name  string
		files map[string]string
		text  string
		want  []int32
	}{
		{"special token", vocabularyFiles, "ab<|endoftext|>ab", []int32{2, 3, 2}},
		{"digits stand alone", vocabularyFiles, "a  1", []int32{0, 6, 5}},
		{"digits join", joined, "a  11", []int32{0, 3, 3, 2}},
		{"added_tokens.json", with(vocabularyFiles, "added_tokens.json", `{"<x>": 7}`), "a<x>", []int32{0, 7}},
		{"special_tokens.json", with(vocabularyFiles, "special_tokens.json", `{"ab": 2}`), "b ab", []int32{1, 4, 2}},
		{"added_tokens_decoder", with(vocabularyFiles, "tokenizer_config.json", `{"added_tokens_decoder": {"8": {"content": "<y>", "lstrip": true}}}`), "a <y>", []int32{0, 8}},
		{"prefix space", with(joined, "tokenizer_config.json", `{"add_prefix_space": true}`), "a", []int32{3, 0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tok, err := loadFiles(t, test.files)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, tok.Encode(test.text)); diff != "" {
				t.Errorf("ids of %q (-want +got):\n%s", test.text, diff)
			}
		})
	}
}

func TestLoadRoles(t *testing.T) {
	const absent = none
	tests := []struct {
		name          string
		name1, file1  string
		name2, file2  string
		eos, bos, pad int32
	}{
		{name: "by convention", eos: 3, bos: absent, pad: absent},
		{name: "strings", name1: "tokenizer_config.json", file1: `{"eos_token": "ab", "bos_token": "a", "pad_token": null}`, eos: 2, bos: 0, pad: absent},
		{name: "objects", name1: "special_tokens_map.json", file1: `{"eos_token": {"content": "b", "lstrip": false}, "pad_token": "a"}`, eos: 1, bos: absent, pad: 0},
		{name: "ids", name1: "config.json", file1: `{"eos_token_id": [2, 1], "bos_token_id": 0, "pad_token_id": -1}`, eos: 2, bos: 0, pad: absent},
		{name: "null ids", name1: "config.json", file1: `{"eos_token_id": null, "bos_token_id": []}`, eos: 3, bos: absent, pad: absent},
		{
			name: "first file counts", name1: "tokenizer_config.json", file1: `{"eos_token": "a"}`,
			name2: "config.json", file2: `{"eos_token_id": 1, "pad_token_id": 2}`, eos: 0, bos: absent, pad: 2,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := maps.Clone(vocabularyFiles)
			for name, content := range map[string]string{test.name1: test.file1, test.name2: test.file2} {
				if name != "" {
					files[name] = content
				}
			}
			tok, err := loadFiles(t, files)
			if err != nil {
				t.Fatal(err)
			}
			checkRole(t, "EOS", tok.EOS, test.eos)
			checkRole(t, "BOS", tok.BOS, test.bos)
			checkRole(t, "Pad", tok.Pad, test.pad)
		})
	}
}

func checkRole(t *testing.T, name string, role func() (int32, bool), want int32) {
	t.Helper()
	if id, ok := role(); id != want || ok != (want != none) {
		t.Errorf("%s: got %d %v, want %d %v", name, id, ok, want, want != none)
	}
}

// TestSaveCopies saves a loaded tokenizer elsewhere and in its own folder: the files stay as they were.
func TestSaveCopies(t *testing.T) {
	files := with(vocabularyFiles, "tokenizer_config.json", `{  "eos_token": "ab" }`)
	dir := t.TempDir()
	for name, content := range with(files, "model.safetensors", "weights") {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	tok := mustLoad(t, dir)
	if diff := cmp.Diff([]string{"tokenizer_config.json", "vocab.json", "merges.txt"}, tok.Files()); diff != "" {
		t.Errorf("Files (-want +got):\n%s", diff)
	}
	for _, target := range []string{filepath.Join(t.TempDir(), "a", "b"), dir} {
		if err := tok.Save(target); err != nil {
			t.Fatal(err)
		}
		for name, want := range files {
			got, err := os.ReadFile(filepath.Join(target, name))
			if err != nil || !bytes.Equal(got, []byte(want)) {
				t.Errorf("%s: got %q, %v; want %q", name, got, err, want)
			}
		}
	}
}

func FuzzMerges(f *testing.F) {
	f.Add("#version: 0.2\na b\n")
	f.Add("a b c\n\n d")
	f.Fuzz(func(t *testing.T, content string) {
		d := &definition{}
		if err := readMerges(d, content); err == nil {
			for i, m := range d.merges {
				if m[0] == "" || m[1] == "" || strings.Contains(m[0]+m[1], " ") {
					t.Errorf("merge %d: got %q", i, m)
				}
			}
		} else if !strings.HasPrefix(err.Error(), "line ") {
			t.Errorf("error %v does not name the line", err)
		}
	})
}

func FuzzSettings(f *testing.F) {
	f.Add([]byte(`{"eos_token": {"content": "a"}, "additional_special_tokens": ["b"], "added_tokens_decoder": {"9": {"content": "x"}}}`))
	f.Add([]byte(`{"eos_token_id": [1, null], "pad_token_id": -1}`))
	f.Add([]byte(`{"<s>": 7}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		s := &settings{named: map[string]namedToken{}, numbered: map[string]numberedToken{}}
		parsers := []func([]byte) error{
			s.readTokenizerConfig, s.readSpecialTokensMap, s.readModelConfig,
			func(content []byte) error { return s.readTokenIDs(content, true) },
		}
		for _, parse := range parsers {
			if parse(content) != nil {
				return
			}
		}
		d, err := parseDocument([]byte(documentWith(nil)))
		if err != nil {
			t.Fatal(err)
		}
		if s.apply(d) != nil {
			return
		}
		if tok, err := d.build(); err == nil {
			if roles, err := s.roles(tok); err == nil && roles.eos != none && tok.Token(roles.eos) == "" {
				t.Errorf("the end of text %d has no token", roles.eos)
			}
		}
	})
}
