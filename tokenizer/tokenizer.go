// Package tokenizer turns text into token ids and back by byte-level byte-pair encoding, the method of GPT-2 and its
// successors, or by SentencePiece's, that of Llama 2; and, for encoders, into ids by WordPiece, as BERT does, or SentencePiece's
// Unigram, as ALBERT does.
//
// [Load] reads the tokenizer of a model folder in Hugging Face layout and gives the ids that Hugging Face's library gives;
// what it cannot reproduce it refuses by name. [Train] learns a vocabulary from text. A [Tokenizer] is safe for concurrent
// use.
package tokenizer

// Tokenizer maps text to token ids and back.
type Tokenizer struct {
	prepend    string // put before a text, before the normaliser
	normalizer normalizer
	verbatim   addedMatcher // added tokens looked for in the text as it is
	normalized addedMatcher // and those looked for after the normaliser
	words      preTokenizer
	continued  preTokenizer // of a text that goes on from another
	vocabulary vocabulary
	cache      *wordCache
	frame      frame
	roles      roles
	files      []savedFile
	maxTokens  int  // 0 where no file limits it
	cutsLeft   bool // EncodeAtMost leaves out the beginning of a text
}

// roles are the tokens with a part in a sequence, none where the tokenizer's files name no such token.
type roles struct{ eos, bos, pad int32 }

// Kind is a method of cutting words into tokens.
type Kind string

// The kinds of tokenizers.
const (
	ByteLevelBPE     Kind = "byte-level BPE"
	SentencePieceBPE Kind = "SentencePiece BPE"
	WordPiece        Kind = "WordPiece"
	Unigram          Kind = "Unigram"
)

// Kind is the tokenizer's method.
func (t *Tokenizer) Kind() Kind {
	switch t.vocabulary.model.(type) {
	case *charBPE:
		return SentencePieceBPE
	case *wordPiece:
		return WordPiece
	case *unigram:
		return Unigram
	}
	return ByteLevelBPE
}

// KeepsTexts reports whether the text of ids is what was encoded, as language models need it. So it is with byte-level BPE, and
// with SentencePiece's BPE where characters without a piece are written as bytes.
func (t *Tokenizer) KeepsTexts() bool {
	if c, ok := t.vocabulary.model.(*charBPE); ok {
		return c.keepsTexts()
	}
	return t.vocabulary.model == nil
}

// VocabSize is the highest id plus one: the number of rows an embedding needs at least.
func (t *Tokenizer) VocabSize() int { return len(t.vocabulary.pieces) }

// EOS is the id of the token that ends a text. Where no file names it, it is the special token <|endoftext|>, or </s> of
// SentencePiece's BPE, if any.
func (t *Tokenizer) EOS() (id int32, ok bool) { return t.roles.eos, t.roles.eos != none }

// BOS is the id of the token that begins a text. Encode never adds it.
func (t *Tokenizer) BOS() (id int32, ok bool) { return t.roles.bos, t.roles.bos != none }

// Pad is the id of the token that fills a batch up.
func (t *Tokenizer) Pad() (id int32, ok bool) { return t.roles.pad, t.roles.pad != none }

// MaxTokens is the longest sequence that the tokenizer's files allow (model_max_length), what stands around a text included.
func (t *Tokenizer) MaxTokens() (n int, ok bool) { return t.maxTokens, t.maxTokens > 0 }

// Token returns the text of one token: its bytes, which may be a part of a character, or an added token's content. It is ""
// for an id without a token.
func (t *Tokenizer) Token(id int32) string {
	if id < 0 || int(id) >= len(t.vocabulary.pieces) {
		return ""
	}
	return t.vocabulary.pieces[id]
}

// ID is the inverse of Token: the id of the token whose text is token, an added token before a piece of the vocabulary.
func (t *Tokenizer) ID(token string) (id int32, ok bool) {
	id, ok = t.vocabulary.ids[token]
	return id, ok
}

// IsSpecial reports whether id is a special token, such as the one that ends a text.
func (t *Tokenizer) IsSpecial(id int32) bool { return t.vocabulary.special[id] }
