package tokenizer

import "unicode"

// pieceFamily is how a model family uses a SentencePiece model.
type pieceFamily struct {
	owner      string
	file       string
	class      string // of the tokenizer
	modelTypes []string
	specials   map[string]string
	asRoberta  bool // as to what stands around texts
	// vocabulary makes the family's pieces, whose ids are their places, of the model's.
	vocabulary func(m *sentencePiece) []scoredPiece
	// before are the changes to a text before those of the model.
	before func(s *settings) normalizer
}

var pieceFamilies = []pieceFamily{
	{
		owner: "ALBERT", file: "spiece.model", class: "AlbertTokenizer", modelTypes: []string{"albert"},
		specials: map[string]string{
			"bos_token": "[CLS]", "eos_token": "[SEP]", "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "<unk>",
			"pad_token": "<pad>", "mask_token": "[MASK]",
		},
		vocabulary: albertPieces,
		before:     albertChanges,
	},
	{
		owner: "XLM-RoBERTa", file: "sentencepiece.bpe.model", class: "XLMRobertaTokenizer", modelTypes: []string{"xlm-roberta"},
		specials:   robertaTokens,
		asRoberta:  true,
		vocabulary: xlmPieces,
		before:     func(*settings) normalizer { return nil },
	},
	{
		owner: "DeBERTa", file: "spm.model", class: "DebertaV2Tokenizer", modelTypes: []string{"deberta-v2"},
		specials: map[string]string{
			"bos_token": "[CLS]", "eos_token": "[SEP]", "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]",
			"pad_token": "[PAD]", "mask_token": "[MASK]",
		},
		vocabulary: func(m *sentencePiece) []scoredPiece { return append(m.pieces, scoredPiece{piece: "[MASK]"}) },
		before:     deBERTaChanges,
	},
}

// albertPieces makes pieces that end in a digit and a comma improbable, as Hugging Face's library does, so that numbers are cut
// in front of commas.
func albertPieces(m *sentencePiece) []scoredPiece {
	for i, p := range m.pieces {
		chars := []rune(p.piece)
		if n := len(chars); n >= 2 && chars[n-1] == ',' && unicode.IsDigit(chars[n-2]) {
			m.pieces[i].score -= 100
		}
	}
	return m.pieces
}

// albertChanges are what ALBERT does to a text before SentencePiece.
func albertChanges(s *settings) normalizer {
	n := normalizer{
		replacement(literalFinder("``"), `"`),
		replacement(literalFinder("''"), `"`),
	}
	if keep := s.bert.KeepAccents; keep == nil || !*keep {
		n = append(n, compatible, func(text string) string { return without(text, unicode.IsMark) })
	}
	if lower := s.bert.Lowercase; lower == nil || *lower {
		n = append(n, lowerCase)
	}
	return n
}

// deBERTaChanges are what DeBERTa does to a text before SentencePiece.
func deBERTaChanges(s *settings) normalizer {
	if lower := s.bert.Lowercase; lower != nil && *lower {
		return normalizer{lowerCase}
	}
	return nil
}

// xlmPieces puts XLM-RoBERTa's special tokens in place of the model's first three pieces, and the mask at the end.
func xlmPieces(m *sentencePiece) []scoredPiece {
	const replaced = 3 // <unk>, <s> and </s>
	list := []scoredPiece{{piece: "<s>"}, {piece: "<pad>"}, {piece: "</s>"}, {piece: "<unk>"}}
	m.unknown = int32(len(list) - 1)
	return append(append(list, m.pieces[min(replaced, len(m.pieces)):]...), scoredPiece{piece: "<mask>"})
}
