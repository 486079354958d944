package tokenizer

// Decode returns the text of ids: the inverse of Encode. The text may hold bytes that are not UTF-8 where the ids end in the
// middle of a character. Ids without a token, such as the rows by which a model pads its embedding, add nothing.
func (t *Tokenizer) Decode(ids []int32) string { return string(t.DecodeBytes(ids)) }

// DecodeBytes is Decode for callers who want bytes.
func (t *Tokenizer) DecodeBytes(ids []int32) []byte {
	text := make([]byte, 0, 5*len(ids))
	for _, id := range ids {
		text = append(text, t.Token(id)...)
	}
	return text
}

// DecodePlain is Decode without the special tokens.
func (t *Tokenizer) DecodePlain(ids []int32) string {
	text := make([]byte, 0, 5*len(ids))
	for _, id := range ids {
		if !t.IsSpecial(id) {
			text = append(text, t.Token(id)...)
		}
	}
	return string(text)
}
