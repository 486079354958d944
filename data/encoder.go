package data

import (
	"slices"
	"strings"
)

// encoder adds the tokens that begin a text and end a response to what a tokenizer gives.
type encoder struct {
	tok      Tokenizer
	bos, eos int32
	addBOS   bool // the tokenizer begins texts with bos
	hasEOS   bool
	// continuation encodes a text that goes on from another.
	continuation func(text string) []int32
}

func newEncoder(tok Tokenizer) encoder {
	e := encoder{tok: tok, continuation: tok.Encode}
	if t, ok := tok.(ContinuingTokenizer); ok {
		e.continuation = t.EncodeContinuation
	}
	e.eos, e.hasEOS = tok.EOS()
	if t, ok := tok.(SpecialsTokenizer); ok {
		bos, has := t.BOS()
		if around := t.EncodeWithSpecials(""); has && len(around) > 0 && around[0] == bos {
			e.bos, e.addBOS = bos, true
		}
	}
	return e
}

// encode gives the ids of a text from its beginning. A text that spells out the beginning-of-sequence token gets no second.
func (e encoder) encode(text string) []int32 {
	ids := e.tok.Encode(text)
	if e.addBOS && (len(ids) == 0 || ids[0] != e.bos) {
		return append([]int32{e.bos}, ids...)
	}
	return ids
}

// pieces gives the ids of the texts that follow a prompt, apart for each. Where the ids of what stands before a text do not
// begin those of the two together, a token straddles the border, and the text is tokenised by itself.
func (e encoder) pieces(promptIDs []int32, prompt string, texts []string) (ids [][]int32, straddled bool) {
	if ids, ok := e.apart(promptIDs, prompt, texts); ok {
		return ids, false
	}
	ids = make([][]int32, len(texts))
	encode, before, known := e.encode, prompt, promptIDs
	for i, text := range texts {
		before += text
		whole := encode(before)
		if len(whole) >= len(known) && slices.Equal(whole[:len(known)], known) && (len(whole) > len(known) || text == "") {
			ids[i], known = whole[len(known):], whole
			continue
		}
		straddled = true
		ids[i] = e.continuation(text)
		encode, before, known = e.continuation, text, ids[i]
	}
	return ids, straddled
}

// apart tokenises several texts each for itself, which takes less time than each with all before it; ok is false where the
// ids are not those of the whole.
func (e encoder) apart(promptIDs []int32, prompt string, texts []string) (ids [][]int32, ok bool) {
	if len(texts) < 2 {
		return nil, false
	}
	ids = make([][]int32, len(texts))
	for i, text := range texts {
		ids[i] = e.continuation(text)
	}
	joined := append(slices.Clone(promptIDs), slices.Concat(ids...)...)
	return ids, slices.Equal(joined, e.encode(prompt+strings.Join(texts, "")))
}

// ended gives a copy of a response's ids that ends with the end-of-sequence token, where there is one.
func (e encoder) ended(ids []int32) []int32 {
	out := make([]int32, len(ids), len(ids)+1)
	copy(out, ids)
	if e.hasEOS && ids[len(ids)-1] != e.eos {
		out = append(out, e.eos)
	}
	return out
}
