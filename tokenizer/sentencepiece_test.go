package tokenizer

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// message is a protocol buffer of fields: whole numbers, text, float32 numbers, and messages as bytes.
func message(fields ...any) []byte {
	var b []byte
	for i := 0; i < len(fields); i += 2 {
		number := protowire.Number(fields[i].(int))
		switch value := fields[i+1].(type) {
		case int:
			b = protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), uint64(value))
		case float32:
			b = protowire.AppendFixed32(protowire.AppendTag(b, number, protowire.Fixed32Type), math.Float32bits(value))
		case string:
			b = protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), value)
		case []byte:
			b = protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), value)
		}
	}
	return b
}

// pieceModel is a SentencePiece model of pieces with the scores 0, -1, -2 and so on from the fourth on.
func pieceModel(t testing.TB, kind int, pieces ...string) string {
	t.Helper()
	var b []byte
	for i, piece := range pieces {
		b = append(b, message(1, message(1, piece, 2, -float32(max(0, i-3)), 3, 1))...)
	}
	b = append(b, message(2, message(3, kind, 40, max(slices.Index(pieces, "<unk>"), slices.Index(pieces, "[UNK]"))))...)
	return string(append(b, message(3, message(1, "nmt_nfkc", 2, compiled(t, map[string]string{"\t": " ", "Ａ": "A"})))...))
}

func TestSentencePiece(t *testing.T) {
	albert := pieceModel(t, 1, "<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]", "▁a", "b", ",", "1", "1,", "▁", "é", "e", "\"", "A")
	deberta := pieceModel(t, 1, "[PAD]", "[CLS]", "[SEP]", "[UNK]", "▁a", "b", "A", "▁")
	xlm := pieceModel(t, 1, "<unk>", "<s>", "</s>", ",", "▁a", "b", "A")
	tests := []struct {
		name, file, model, config, tokenizer, text string
		want                                       string
		pair                                       Pair // of "a" and "b"
	}{
		{"ALBERT", "spiece.model", albert, `"model_type": "albert"`, ``, "A  b\tÉ 1,b ``b''[MASK]", "▁a ▁ b ▁ e ▁ 1 , b ▁ \" b \" [MASK]", Pair{IDs: []int32{2, 5, 3, 10, 6, 3}, Types: []int32{0, 0, 0, 1, 1, 1}}},
		{"ALBERT by its class, accents and case kept", "spiece.model", albert, ``, `"tokenizer_class": "AlbertTokenizerFast", "keep_accents": true, "do_lower_case": false`, "Ａ É é", "▁ A ▁ <unk> ▁ é", Pair{IDs: []int32{2, 5, 3, 10, 6, 3}, Types: []int32{0, 0, 0, 1, 1, 1}}},
		{"XLM-RoBERTa", "sentencepiece.bpe.model", xlm, `"model_type": "xlm-roberta"`, ``, "aＡ, <mask> x", "▁a A , <mask> <unk>", Pair{IDs: []int32{0, 5, 2, 2, 3, 6, 2}, Types: make([]int32, 7)}},
		{"DeBERTa", "spm.model", deberta, `"model_type": "deberta-v2"`, ``, " aＡ \t x[MASK]", "▁a A ▁ [UNK] [MASK]", Pair{IDs: []int32{1, 4, 2, 7, 5, 2}, Types: []int32{0, 0, 0, 1, 1, 1}}},
		{"DeBERTa in lower case", "spm.model", deberta, ``, `"tokenizer_class": "DebertaV2Tokenizer", "do_lower_case": true`, "AB", "▁a b", Pair{IDs: []int32{1, 4, 2, 7, 5, 2}, Types: []int32{0, 0, 0, 1, 1, 1}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tok, err := loadFiles(t, map[string]string{test.file: test.model, "config.json": "{" + test.config + "}", "tokenizer_config.json": "{" + test.tokenizer + "}"})
			if err != nil {
				t.Fatal(err)
			}
			if got := tokens(tok, test.text); got != test.want {
				t.Errorf("%q: got %s, want %s", test.text, got, test.want)
			}
			pair, ok := tok.EncodePair("a", "b", 9)
			if diff := cmp.Diff(test.pair, pair); !ok || diff != "" {
				t.Errorf("pair (-want +got):\n%s", diff)
			}
			if !Exists(folderWith(t, test.file)) {
				t.Errorf("a folder with %s is taken for one without a tokenizer", test.file)
			}
		})
	}
}

func folderWith(t *testing.T, file string) string {
	t.Helper()
	tok, err := loadFiles(t, map[string]string{file: ""})
	if err == nil {
		t.Errorf("an empty %s gave a tokenizer of %d pieces", file, tok.VocabSize())
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, file), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestSentencePieceRefuses(t *testing.T) {
	model := pieceModel(t, 1, "<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]", "▁a")
	tests := []struct{ name, file, model, config, want string }{
		{"of T5", "spiece.model", model, `"model_type": "t5"`, `spiece.model of a "" (model_type "t5") is not supported; supported: that of ALBERT, XLM-RoBERTa, DeBERTa`},
		{"BPE", "spiece.model", pieceModel(t, 2, "<unk>"), `"model_type": "albert"`, "spiece.model: a SentencePiece model of kind 2; ALBERT's is Unigram, 1"},
		{"damaged", "spiece.model", model[:len(model)-5], `"model_type": "albert"`, "spiece.model: not a SentencePiece model: "},
		{"without special tokens", "spiece.model", pieceModel(t, 1, "<unk>", "a"), `"model_type": "albert"`, `ALBERT's eos_token: token "[SEP]" is not in the vocabulary`},
	}
	for _, test := range tests {
		tok, err := loadFiles(t, map[string]string{test.file: test.model, "config.json": "{" + test.config + "}"})
		if tok != nil || !usage.Is(err) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want %q", test.name, err, test.want)
		}
	}
}

func FuzzSentencePiece(f *testing.F) {
	f.Add([]byte(pieceModel(f, 1, "<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]", "▁a", "b")), true)
	f.Add([]byte(pieceModel(f, 1, "<unk>", "<s>", "</s>", "▁a")), false)
	f.Fuzz(func(t *testing.T, content []byte, isALBERT bool) {
		m, err := parseSentencePiece(content)
		if err != nil {
			return
		}
		s := &settings{named: map[string]namedToken{}, numbered: map[string]numberedToken{}, modelType: "xlm-roberta"}
		file := "sentencepiece.bpe.model"
		if isALBERT {
			s.modelType, file = "albert", "spiece.model"
		}
		d := &definition{sentencePiece: m}
		if s.applyPieces(d, file) != nil || s.apply(d) != nil {
			return
		}
		tok, err := d.build()
		if err != nil {
			return
		}
		for _, id := range tok.EncodeWithSpecials("a bＡ\xff") {
			if tok.Token(id) == "" {
				t.Errorf("id %d has no token", id)
			}
		}
	})
}
