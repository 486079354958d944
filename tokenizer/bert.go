package tokenizer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// bertNormalizer is what BERT does to a text before it is split into words.
type bertNormalizer struct {
	Type         string
	Clean        bool  `json:"clean_text"`           // leave control characters out, and make all white space spaces
	Chinese      bool  `json:"handle_chinese_chars"` // spaces around Chinese characters
	StripAccents *bool `json:"strip_accents"`        // null: where Lowercase
	Lowercase    bool  `json:"lowercase"`
}

func readBertNormalizer(path string, raw json.RawMessage) (func(text string) string, error) {
	n := bertNormalizer{Clean: true, Chinese: true, Lowercase: true}
	err := decodeComponent(path, raw, &n)
	return n.apply, err
}

func (n bertNormalizer) apply(text string) string {
	if n.Clean {
		text = strings.Map(cleanChar, text)
	}
	if n.Chinese {
		text = spaceChinese(text)
	}
	if n.StripAccents != nil && *n.StripAccents || n.StripAccents == nil && n.Lowercase {
		text = without(decomposed(text), func(char rune) bool { return unicode.Is(unicode.Mn, char) })
	}
	if n.Lowercase {
		text = lowerCase(text)
	}
	return text
}

// cleanChar is the character that stands for char, -1 for none.
func cleanChar(char rune) rune {
	switch {
	case char == '\t', char == '\n', char == '\r':
		return ' '
	case char == 0, char == unicode.ReplacementChar, unicode.In(char, unicode.Cc, unicode.Cf, unicode.Co):
		return -1
	case unicode.IsSpace(char):
		return ' '
	}
	return char
}

// chinese are the characters that BERT takes for words. One block of them begins later than Unicode's, at U+2B920, as in
// Hugging Face's library.
var chinese = &unicode.RangeTable{
	R16: []unicode.Range16{{Lo: 0x3400, Hi: 0x4dbf, Stride: 1}, {Lo: 0x4e00, Hi: 0x9fff, Stride: 1}, {Lo: 0xf900, Hi: 0xfaff, Stride: 1}},
	R32: []unicode.Range32{
		{Lo: 0x20000, Hi: 0x2a6df, Stride: 1},
		{Lo: 0x2a700, Hi: 0x2b73f, Stride: 1},
		{Lo: 0x2b740, Hi: 0x2b81f, Stride: 1},
		{Lo: 0x2b920, Hi: 0x2ceaf, Stride: 1},
		{Lo: 0x2f800, Hi: 0x2fa1f, Stride: 1},
	},
}

func spaceChinese(text string) string {
	if strings.IndexFunc(text, func(char rune) bool { return unicode.Is(chinese, char) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, char := range text {
		if unicode.Is(chinese, char) {
			b.WriteByte(' ')
			b.WriteRune(char)
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(char)
	}
	return b.String()
}

// bertTokens are the special tokens of BERT, by role, where no file names others.
var bertTokens = map[string]string{
	"cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]", "pad_token": "[PAD]", "mask_token": "[MASK]",
}

// bertClasses are the classes of tokenizers that a list of pieces, vocab.txt, may belong to.
var bertClasses = []string{"BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer", "SqueezeBertTokenizer"}

// bertSettings are the fields of tokenizer_config.json that vocab.txt and SentencePiece models need.
type bertSettings struct {
	Lowercase   *bool `json:"do_lower_case"`
	KeepAccents *bool `json:"keep_accents"` // of ALBERT
	// SplitPunctuation is of DeBERTa.
	SplitPunctuation *bool           `json:"split_by_punct"`
	Chinese          *bool           `json:"tokenize_chinese_chars"`
	StripAccents     *bool           `json:"strip_accents"`
	Basic            *bool           `json:"do_basic_tokenize"`
	NeverSplit       json.RawMessage `json:"never_split"`
}

// readPieces reads a list of pieces, one a line, whose ids are the lines' numbers from 0; of equal ones the last counts.
func readPieces(d *definition, dir string) (found bool, err error) {
	return readFile(dir, "vocab.txt", func(content []byte) error {
		lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
		if len(lines) > maxTokenID {
			return fmt.Errorf("%d lines; a vocabulary has at most %d pieces", len(lines), maxTokenID)
		}
		d.pieces = make(map[string]int32, len(lines))
		for id, piece := range lines {
			piece = strings.TrimSuffix(piece, "\r")
			if piece != "" { // an empty line has an id that nothing is written with
				d.pieces[piece] = int32(id)
			}
		}
		d.rows = len(lines)
		d.model = &wordPiece{prefix: "##", maxChars: 100}
		return nil
	})
}

// applyBERT makes of a list of pieces what BERT's tokenizer is.
func (s *settings) applyBERT(d *definition) error {
	class := strings.TrimSuffix(s.class, "Fast")
	b := s.bert
	switch {
	case class != "" && class != "PreTrainedTokenizer" && !slices.Contains(bertClasses, class):
		return fmt.Errorf("vocab.txt of a %s is not supported; supported: that of %s; or write tokenizer.json (save_pretrained of the fast tokenizer)", s.class, strings.Join(bertClasses, ", "))
	case b.Basic != nil && !*b.Basic:
		return fmt.Errorf("tokenizer_config.json: do_basic_tokenize: false is not supported")
	case !isNull(b.NeverSplit) && string(b.NeverSplit) != "[]":
		return fmt.Errorf("tokenizer_config.json: never_split: %s is not supported", b.NeverSplit)
	}
	yes := func(setting *bool) bool { return setting == nil || *setting }
	change := bertNormalizer{Clean: true, Chinese: yes(b.Chinese), StripAccents: b.StripAccents, Lowercase: yes(b.Lowercase)}
	d.normalizer = normalizer{change.apply}
	d.words = preTokenizer{text: []step{wordsApart, findStep{find: charFinder(isPunctuation), pieces: behaviours["Isolated"]}}}
	ids, err := s.specials(d, "BERT", bertTokens, false)
	if err != nil {
		return err
	}
	d.model.(*wordPiece).unknown = s.named["unk_token"].content
	d.frame.classify(ids["cls_token"], ids["sep_token"], false)
	return nil
}
