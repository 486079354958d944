package tokenizer

import (
	"bytes"
	"strings"
)

// Decode returns the text of ids: the inverse of Encode where KeepsTexts. The text may hold bytes that are not UTF-8 where the
// ids end in the middle of a character. Ids without a token, such as the rows by which a model pads its embedding, add nothing.
//
// Of SentencePiece's BPE the space that begins every text is left out, but not those that some vocabularies have after added
// tokens. WordPiece and Unigram do not keep a text as it was: of theirs come the words, with single spaces between them.
func (t *Tokenizer) Decode(ids []int32) string { return string(t.DecodeBytes(ids)) }

// DecodeBytes is Decode for callers who want bytes.
func (t *Tokenizer) DecodeBytes(ids []int32) []byte {
	return t.withoutPrefix(t.appendTokens(make([]byte, 0, 5*len(ids)), ids))
}

// DecodePlain is Decode without the special tokens.
func (t *Tokenizer) DecodePlain(ids []int32) string {
	text := make([]byte, 0, 5*len(ids))
	for _, id := range ids {
		if !t.IsSpecial(id) {
			text = t.appendToken(text, id)
		}
	}
	return string(t.withoutPrefix(text))
}

// DecodeAfter returns the text by which ids go on from a text whose ids are before. It differs from Decode in a space that ids
// begin with: this is left out only where Encode would have put it there by itself. The text of more ids begins with that of
// fewer.
func (t *Tokenizer) DecodeAfter(before, ids []int32) string {
	text := t.appendTokens(make([]byte, 0, 5*len(ids)), ids)
	if t.begins(before) {
		text = t.withoutPrefix(text)
	}
	return string(text)
}

// begins reports whether what follows ids begins a text as Encode sees it.
func (t *Tokenizer) begins(ids []int32) bool {
	switch last := len(ids) - 1; {
	case last < 0, last == 0 && ids[0] == t.roles.bos:
		return true
	case t.words.once:
		return false
	default:
		return t.vocabulary.added[ids[last]] && t.prefixes()
	}
}

// prefixes reports whether Encode puts a space before a text.
func (t *Tokenizer) prefixes() bool {
	if t.prepend != "" {
		return true
	}
	if len(t.words.text) == 0 {
		return false
	}
	first, ok := t.words.text[0].(metaspaceStep)
	return ok && first.prefix
}

// withoutPrefix leaves out the space that Encode puts before a text.
func (t *Tokenizer) withoutPrefix(text []byte) []byte {
	if c, ok := t.vocabulary.model.(*charBPE); ok && c.strips {
		return bytes.TrimPrefix(text, []byte(" "))
	}
	return text
}

func (t *Tokenizer) appendTokens(text []byte, ids []int32) []byte {
	for _, id := range ids {
		text = t.appendToken(text, id)
	}
	return text
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
