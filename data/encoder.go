package data

import "slices"

// encoder adds the tokens that begin a text and end a response to what a tokenizer gives.
type encoder struct {
	tok      Tokenizer
	bos, eos int32
	addBOS   bool // the tokenizer begins texts with bos
	hasEOS   bool
}

func newEncoder(tok Tokenizer) encoder {
	e := encoder{tok: tok}
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

// response gives the ids that follow the prompt's. Where the prompt's ids do not begin those of the whole text, a token
// straddles the border and the response is tokenised alone.
func (e encoder) response(promptIDs []int32, prompt, response string) (ids []int32, straddled bool) {
	whole := e.encode(prompt + response)
	if len(whole) > len(promptIDs) && slices.Equal(whole[:len(promptIDs)], promptIDs) {
		return whole[len(promptIDs):], false
	}
	return e.tok.Encode(response), true
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
