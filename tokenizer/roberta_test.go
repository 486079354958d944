package tokenizer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// robertaFiles are a vocabulary like RoBERTa's: its special tokens first and last, GPT-2's end of text among the pieces.
var robertaFiles = map[string]string{
	"vocab.json": `{"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4, "b": 5, "ab": 6, "Ġ": 7, "1": 8, "<": 9, "|": 10, "e": 11, "n": 12, "d": 13,
		"o": 14, "f": 15, "t": 16, "x": 17, ">": 18, "<|endoftext|>": 19, "<mask>": 20, "Ġa": 21, "[": 22, "]": 23, "C": 24, "[C]": 25}`,
	"merges.txt":  "#version: 0.2\na b\nĠ a\n",
	"config.json": `{"model_type": "roberta", "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}`,
}

// Two texts are put together as RoBERTa was trained on them, from a vocabulary too, which does not say so.
func TestRobertaPair(t *testing.T) {
	tok, err := loadFiles(t, robertaFiles)
	if err != nil {
		t.Fatal(err)
	}
	pair, ok := tok.EncodePair("ab", "a", 9)
	if diff := cmp.Diff(Pair{[]int32{0, 6, 2, 2, 4, 2}, make([]int32, 6), false}, pair); diff != "" || !ok {
		t.Errorf("ok %v, pair (-want +got):\n%s", ok, diff)
	}
}

// TestRobertaVocabulary loads a vocabulary with its merges alone, as RoBERTa models have them.
func TestRobertaVocabulary(t *testing.T) {
	named := func(fields string) map[string]string {
		return with(robertaFiles, "tokenizer_config.json", "{"+fields+"}")
	}
	anonymous := maps.Clone(robertaFiles)
	delete(anonymous, "config.json")
	tests := []struct {
		name  string
		files map[string]string
		text  string
		want  []int32
	}{
		{"by the model's type", robertaFiles, "ab a", []int32{0, 6, 21, 2}},
		{"by its class", with(anonymous, "tokenizer_config.json", `{"tokenizer_class": "RobertaTokenizerFast"}`), "ab", []int32{0, 6, 2}},
		{"class before type", named(`"tokenizer_class": "GPT2Tokenizer"`), "ab", []int32{6}},
		{"neither", anonymous, "ab", []int32{6}},
		{"empty", robertaFiles, "", []int32{0, 2}},
		{"special tokens in the text", robertaFiles, "a</s><pad>b", []int32{0, 4, 2, 1, 5, 2}},
		{"mask swallows space before it", robertaFiles, "a \t<mask> a", []int32{0, 4, 20, 21, 2}},
		{"end of text is text", robertaFiles, "<|endoftext|>", []int32{0, 9, 10, 11, 12, 13, 14, 15, 16, 11, 17, 16, 10, 18, 2}},
		{"prefix space", named(`"add_prefix_space": true`), "a", []int32{0, 21, 2}},
		{"other tokens around", named(`"cls_token": "[C]", "sep_token": {"content": "<unk>"}`), "b", []int32{25, 5, 3}},
		{"added tokens", with(robertaFiles, "added_tokens.json", `{"xx": 26}`), "xxb", []int32{0, 26, 5, 2}},
		{"mask by added_tokens_decoder", named(`"added_tokens_decoder": {"20": {"content": "<mask>", "special": true}}`), " <mask>", []int32{0, 7, 20, 2}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tok, err := loadFiles(t, test.files)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, tok.EncodeWithSpecials(test.text)); diff != "" {
				t.Errorf("ids of %q (-want +got):\n%s", test.text, diff)
			}
		})
	}
	tok, err := loadFiles(t, maps.Clone(robertaFiles))
	if err != nil {
		t.Fatal(err)
	}
	checkRole(t, "EOS", tok.EOS, 2)
	checkRole(t, "BOS", tok.BOS, 0)
	checkRole(t, "Pad", tok.Pad, 1)
	_, err = loadFiles(t, with(robertaFiles, "vocab.json", `{"<s>": 0, "a": 1, "b": 2, "ab": 3, "Ġ": 4, "Ġa": 5}`))
	if want := `RoBERTa's eos_token: token "</s>" is not in the vocabulary`; !usage.Is(err) || !strings.Contains(err.Error(), want) {
		t.Errorf("without </s>: got error %v, want %q", err, want)
	}
}

// TestRobertaDocument loads a tokenizer.json with the parts that RoBERTa's has.
func TestRobertaDocument(t *testing.T) {
	tok := mustLoadDocument(t, map[string]string{
		"model": `{"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": false,
			"vocab": {"<s>": 0, "<pad>": 1, "</s>": 2, "a": 3, "Ġ": 4, "Ġa": 5, "<mask>": 6}, "merges": ["Ġ a"]}`,
		"added_tokens": `[{"id": 0, "special": true, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false},
			{"id": 2, "special": true, "content": "</s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false},
			{"id": 6, "special": true, "content": "<mask>", "single_word": false, "lstrip": true, "rstrip": false, "normalized": false}]`,
		"post_processor": `{"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": true, "add_prefix_space": false}`,
	})
	if got, want := tok.EncodeWithSpecials("a a <mask>"), []int32{0, 3, 5, 6, 2}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := tok.DecodePlain([]int32{0, 3, 5, 2}), "a a"; got != want {
		t.Errorf("DecodePlain: got %q, want %q", got, want)
	}
}

func TestEncodeAtMost(t *testing.T) {
	tests := []struct {
		config, text string
		most         int
		want         []int32
		cut          bool
	}{
		{`{}`, "b1x", 5, []int32{0, 5, 8, 17, 2}, false},
		{`{}`, "b1x", 4, []int32{0, 5, 8, 2}, true},
		{`{"truncation_side": "left"}`, "b1x", 4, []int32{0, 8, 17, 2}, true},
		{`{"truncation_side": "right"}`, "b1x", 2, []int32{0, 2}, true},
		{`{}`, "b1x", 1, []int32{0, 2}, true},
		{`{}`, "", 2, []int32{0, 2}, false},
	}
	for _, test := range tests {
		tok, err := loadFiles(t, with(robertaFiles, "tokenizer_config.json", test.config))
		if err != nil {
			t.Fatal(err)
		}
		if got, cut := tok.EncodeAtMost(test.text, test.most); !slices.Equal(got, test.want) || cut != test.cut {
			t.Errorf("%s: at most %d of %q: got %v, %v; want %v, %v", test.config, test.most, test.text, got, cut, test.want, test.cut)
		}
	}
	if _, err := loadFiles(t, with(robertaFiles, "tokenizer_config.json", `{"truncation_side": "top"}`)); !usage.Is(err) || !strings.Contains(err.Error(), `truncation_side: "top" is not supported`) {
		t.Errorf("got error %v", err)
	}
}

func TestMaxTokens(t *testing.T) {
	for config, want := range map[string]int{
		`{}`: 0, `{"model_max_length": 512}`: 512, `{"max_len": 128}`: 128, `{"model_max_length": 1000000000000000019884624838656}`: 0,
		`{"max_len": 128, "model_max_length": 64}`: 64, `{"model_max_length": null}`: 0,
	} {
		tok, err := loadFiles(t, with(robertaFiles, "tokenizer_config.json", config))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := tok.MaxTokens(); got != want || ok != (want > 0) {
			t.Errorf("%s: got %d %v, want %d", config, got, ok, want)
		}
	}
}

// TestRobertaExpectedIDs renumbers GPT-2's vocabulary as RoBERTa did, behind its special tokens: the ids of a text are GPT-2's,
// as Hugging Face's library gives them, renumbered, with <s> and </s> around them.
func TestRobertaExpectedIDs(t *testing.T) {
	dir := sharedData(t, "tokenizers", "gpt2")
	var pieces map[string]int32
	if found, err := readFile(dir, "encoder.json", func(content []byte) error { return json.Unmarshal(content, &pieces) }); !found || err != nil {
		t.Fatal(found, err)
	}
	const shift = 4
	last := int32(len(pieces))
	renumbered := map[string]int32{"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": last + shift}
	for piece, id := range pieces {
		renumbered[piece] = last + shift - 1 - id
	}
	folder := folderOf(t, dir, "vocab.bpe")
	vocabulary, err := json.Marshal(renumbered)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"encoder.json": vocabulary, "tokenizer_config.json": []byte(`{"tokenizer_class": "RobertaTokenizer"}`)} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	tok := mustLoad(t, folder)
	content, err := os.ReadFile(filepath.Join(dir, "expected.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	numCases := 0
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); numCases++ {
		var test struct {
			Text string
			IDs  []int32
		}
		if err := json.Unmarshal(lines.Bytes(), &test); err != nil {
			t.Fatal(err)
		}
		want := []int32{0}
		for _, id := range test.IDs {
			want = append(want, last+shift-1-id)
		}
		if got := tok.EncodeWithSpecials(test.Text); !slices.Equal(got, append(want, 2)) {
			t.Errorf("ids of %q: got %v, want %v", test.Text, got, want)
		}
	}
	if numCases != 47 {
		t.Errorf("%d cases, want 47", numCases)
	}
}

func FuzzRobertaSettings(f *testing.F) {
	f.Add([]byte(`{"cls_token": "a", "sep_token": {"content": "b"}, "mask_token": null}`))
	f.Add([]byte(`{"added_tokens_decoder": {"30": {"content": "<mask>"}, "2": {"content": "</s>"}}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		s := &settings{named: map[string]namedToken{}, numbered: map[string]numberedToken{}}
		if s.readTokenizerConfig(content) != nil {
			return
		}
		d := &definition{}
		if err := json.Unmarshal([]byte(robertaFiles["vocab.json"]), &d.pieces); err != nil {
			t.Fatal(err)
		}
		if s.applyRoberta(d) != nil || s.apply(d) != nil {
			return
		}
		tok, err := d.build()
		if err != nil {
			return
		}
		ids := tok.EncodeWithSpecials("")
		if len(ids) != 2 || tok.Token(ids[0]) == "" || tok.Token(ids[1]) == "" {
			t.Errorf("around an empty text: %v", ids)
		}
	})
}
