package tokenizer

import (
	"slices"
	"sync"
)

// encoder is the scratch space of one call.
type encoder struct {
	merger merger
	bytes  []int32
}

var encoders = sync.Pool{New: func() any { return new(encoder) }}

// Encode returns the ids of text. Added and special tokens that stand in the text are recognised; nothing is put around
// the text. Words, or in a byte-level vocabulary bytes (see Missing), for which there is no piece become the unknown token, or
// nothing where there is none, as in Hugging Face's library.
func (t *Tokenizer) Encode(text string) []int32 {
	return t.Append(make([]int32, 0, len(text)/4+4), text)
}

// Append appends the ids that Encode returns to ids.
func (t *Tokenizer) Append(ids []int32, text string) []int32 { return t.encode(ids, text, reading{}) }

// EncodeContinuation is Encode for a text that goes on from another: without the space that some tokenizers put before a text.
func (t *Tokenizer) EncodeContinuation(text string) []int32 {
	return t.encode(make([]int32, 0, len(text)/4+4), text, reading{continued: true})
}

// EncodePlain is Encode for text of unknown origin: a special token written out in it is ordinary text.
func (t *Tokenizer) EncodePlain(text string) []int32 {
	return t.encode(make([]int32, 0, len(text)/4+4), text, reading{plain: true})
}

// EncodeWithSpecials is Encode with what the tokenizer's post-processor puts around a text, such as the token that begins
// it.
func (t *Tokenizer) EncodeWithSpecials(text string) []int32 {
	ids := append(make([]int32, 0, len(text)/4+8), t.frame.prefix...)
	return append(t.Append(ids, text), t.frame.suffix...)
}

// EncodeAtMost is EncodeWithSpecials for at most maxTokens ids: of a longer text the end is left out, or the beginning where
// the tokenizer's files say so (truncation_side), and cut is true. What stands around the text always stays.
func (t *Tokenizer) EncodeAtMost(text string, maxTokens int) (ids []int32, cut bool) {
	ids = t.EncodeWithSpecials(text)
	surplus := len(ids) - maxTokens
	if surplus <= 0 {
		return ids, false
	}
	first, last := len(t.frame.prefix), len(ids)-len(t.frame.suffix)
	surplus = min(surplus, last-first)
	if t.cutsLeft {
		return slices.Delete(ids, first, first+surplus), true
	}
	return slices.Delete(ids, last-surplus, last), true
}

// Pair is two texts as a model reads them together.
type Pair struct {
	IDs   []int32
	Types []int32 // of each id, 1 where it belongs to the second text and the model tells them apart so, otherwise 0
	Cut   bool    // the texts had more ids than were asked for
}

// EncodePair returns the ids that a model reads of two texts, such as a premise and a hypothesis, in at most maxTokens ids: the
// end of the first text is left out where they have more, then that of the second. ok is false where the tokenizer's files do
// not say how two texts are put together, or leave no room for them.
func (t *Tokenizer) EncodePair(first, second string, maxTokens int) (pair Pair, ok bool) {
	f := t.frame.pair
	if f == nil {
		return Pair{}, false
	}
	room := maxTokens - len(f.prefix) - len(f.middle) - len(f.suffix)
	if room < 0 {
		return Pair{}, false
	}
	a, b := t.Encode(first), t.Encode(second)
	if surplus := len(a) + len(b) - room; surplus > 0 {
		pair.Cut = true
		a = a[:max(0, len(a)-surplus)]
		b = b[:min(len(b), room)]
	}
	of := func(kind int32, ids []int32) []int32 { return slices.Repeat([]int32{kind}, len(ids)) }
	pair.IDs = slices.Concat(f.prefix, a, f.middle, b, f.suffix)
	pair.Types = slices.Concat(f.prefixTypes, of(f.firstType, a), f.middleTypes, of(f.secondType, b), f.suffixTypes)
	return pair, true
}

// Missing returns the first byte of text that Encode cannot represent. Byte-level vocabularies learned from UTF-8 often lack the
// bytes that never occur in it, and some lack control characters; in others no byte is missing, only words are unknown.
func (t *Tokenizer) Missing(text string) (b byte, missing bool) {
	if t.Kind() != ByteLevelBPE {
		return 0, false
	}
	text = t.normalizer.apply(text)
	for i := range len(text) {
		if t.vocabulary.bytes[text[i]] == none {
			return text[i], true
		}
	}
	return 0, false
}

// reading is how a text is taken.
type reading struct {
	plain     bool // a special token written out is ordinary text
	continued bool // the text goes on from another
}

func (t *Tokenizer) encode(ids []int32, text string, how reading) []int32 {
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	word := func(word string) { ids = t.appendWord(ids, word, e) }
	anew := !how.continued // what follows begins a text
	t.verbatim.split(text, how.plain, func(stretch string, token *addedToken) {
		if token != nil {
			ids, anew = append(ids, token.ID), !t.words.once
			return
		}
		if anew {
			stretch = t.prepend + stretch
		}
		t.normalized.split(t.normalizer.apply(stretch), how.plain, func(stretch string, token *addedToken) {
			switch {
			case token != nil:
				ids = append(ids, token.ID)
			case anew:
				t.words.split(stretch, word)
			default:
				t.continued.split(stretch, word)
			}
			anew = !t.words.once
		})
	})
	return ids
}

// appendWord appends the ids of one word, from the cache if it is there.
func (t *Tokenizer) appendWord(ids []int32, word string, e *encoder) []int32 {
	if len(word) > maxCachedWord {
		return t.vocabulary.appendWord(ids, word, e)
	}
	slot := t.cache.slot(word)
	if known := slot.Load(); known != nil && known.word == word {
		return append(ids, known.ids...)
	}
	start := len(ids)
	ids = t.vocabulary.appendWord(ids, word, e)
	t.cache.store(slot, word, ids[start:])
	return ids
}

// appendWord appends the ids of one word.
func (v *vocabulary) appendWord(ids []int32, word string, e *encoder) []int32 {
	if v.model != nil {
		return v.model.appendWord(ids, word, e)
	}
	if id, ok := v.words[word]; ok {
		return append(ids, id)
	}
	e.bytes = e.bytes[:0]
	fused := false // the last byte became the unknown token
	for i := range len(word) {
		id := v.bytes[word[i]]
		unknown := id == none
		if unknown {
			id = v.unknown
		}
		if id != none && !(unknown && fused && v.fuseUnknown) {
			e.bytes = append(e.bytes, id)
		}
		fused = unknown
	}
	e.merger.start(e.bytes)
	return e.merger.run(v.merges, ids)
}
