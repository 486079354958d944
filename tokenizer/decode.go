package tokenizer

import "strings"

// Decode returns the text of ids: the inverse of Encode for a byte-level vocabulary. The text may hold bytes that are not UTF-8
// where the ids end in the middle of a character. Ids without a token, such as the rows by which a model pads its embedding, add
// nothing. WordPiece and Unigram do not keep a text as it was: of theirs come the words, with single spaces between them.
func (t *Tokenizer) Decode(ids []int32) string { return string(t.DecodeBytes(ids)) }

// DecodeBytes is Decode for callers who want bytes.
func (t *Tokenizer) DecodeBytes(ids []int32) []byte {
	text := make([]byte, 0, 5*len(ids))
	for _, id := range ids {
		text = t.appendToken(text, id)
	}
	return text
}

// DecodePlain is Decode without the special tokens.
func (t *Tokenizer) DecodePlain(ids []int32) string {
	text := make([]byte, 0, 5*len(ids))
	for _, id := range ids {
		if !t.IsSpecial(id) {
			text = t.appendToken(text, id)
		}
	}
	return string(text)
}

// appendToken appends the text of a token to what stands before it.
func (t *Tokenizer) appendToken(text []byte, id int32) []byte {
	token := t.Token(id)
	switch model := t.vocabulary.model.(type) {
	case *wordPiece:
		rest, continued := strings.CutPrefix(token, model.prefix)
		if continued && !t.IsSpecial(id) {
			return append(text, rest...)
		}
		if len(text) > 0 && token != "" {
			text = append(text, ' ')
		}
	case *unigram:
		token = strings.ReplaceAll(token, metaspace, " ")
		if len(text) == 0 {
			token = strings.TrimPrefix(token, " ")
		}
	}
	return append(text, token...)
}
