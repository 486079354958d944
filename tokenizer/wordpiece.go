package tokenizer

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// wordPiece cuts a word into the longest piece that it begins with, then the longest with the prefix that the rest begins with,
// and so on (Schuster and Nakajima 2012; Devlin et al. 2019). A word that cannot be cut so is unknown as a whole.
type wordPiece struct {
	prefix   string // of pieces that continue a word
	maxChars int    // longer words are unknown
	unknown  string

	pieces  map[string]int32
	id      int32 // of unknown
	longest int   // bytes of the longest piece
}

func readWordPiece(d *definition, path string, raw json.RawMessage) error {
	m := struct {
		Type       string
		Unknown    string           `json:"unk_token"`
		Prefix     string           `json:"continuing_subword_prefix"`
		MaxChars   int              `json:"max_input_chars_per_word"`
		Vocabulary map[string]int32 `json:"vocab"`
	}{Unknown: "[UNK]", Prefix: "##", MaxChars: 100}
	if err := decodeComponent(path, raw, &m); err != nil {
		return err
	}
	if m.MaxChars < 0 {
		return fmt.Errorf("%s: max_input_chars_per_word: found %d, expected 0 or more", path, m.MaxChars)
	}
	d.pieces = m.Vocabulary
	d.model = &wordPiece{prefix: m.Prefix, maxChars: m.MaxChars, unknown: m.Unknown}
	return nil
}

func (w *wordPiece) setPieces(pieces map[string]int32) error {
	id, ok := pieces[w.unknown]
	if !ok {
		return fmt.Errorf("model: unk_token %q is not in the vocabulary", w.unknown)
	}
	w.id, w.pieces = id, pieces
	for piece := range pieces {
		w.longest = max(w.longest, len(piece))
	}
	return nil
}

func (w *wordPiece) appendWord(ids []int32, word string, _ *encoder) []int32 {
	if utf8.RuneCountInString(word) > w.maxChars {
		return append(ids, w.id)
	}
	first := len(ids)
	prefix := ""
	for len(word) > 0 {
		id, size := w.begin(prefix, word)
		if size == 0 {
			return append(ids[:first], w.id)
		}
		ids = append(ids, id)
		word = word[size:]
		prefix = w.prefix
	}
	return ids
}

// begin finds the longest piece that prefix and word begin with; size is how much of word it takes, 0 where there is none.
func (w *wordPiece) begin(prefix, word string) (id int32, size int) {
	for end := min(len(word), w.longest); end > 0; end-- {
		if end < len(word) && !utf8.RuneStart(word[end]) {
			continue
		}
		if id, ok := w.pieces[prefix+word[:end]]; ok {
			return id, end
		}
	}
	return 0, 0
}
