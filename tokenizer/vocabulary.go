package tokenizer

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// maxTokenID bounds the tables that a vocabulary file can make us allocate; real vocabularies end below 2^19.
const maxTokenID = 1<<24 - 1

// A definition is a tokenizer as its files describe it, before any check across its parts.
type definition struct {
	pieces      map[string]int32 // as in the files: in the byte alphabet for byte-level BPE
	merges      [][2]string      // pieces, in order of rank
	unknown     string           // piece for bytes without one, "" for none
	fuseUnknown bool             // one unknown token for several such bytes in a row
	fallback    bool             // byte-level: supported only where no byte is missing
	wholeWords  bool             // a word that is a piece is never cut, whatever the merges say
	rows        int              // ids of the files, where that is more than the pieces show
	model       wordModel        // nil for byte-level BPE
	added       []addedToken
	prepend     string // put before a text, before the normaliser
	normalizer  normalizer
	words       preTokenizer
	frame       frame
	// sentencePiece: read from a SentencePiece model, which does not say how a family numbers its pieces.
	sentencePiece *sentencePiece
	// byteLevelOnly: the pre-tokenizer is one ByteLevel step, whose prefix space tokenizer_config.json may override.
	byteLevelOnly bool
	// fromVocabulary: read from a vocabulary and merges, which do not say how texts are split and what stands around them.
	fromVocabulary bool
}

// A wordModel cuts words otherwise than by merges.
type wordModel interface {
	// setPieces gives it the vocabulary, which it must not change; it reports what the vocabulary lacks.
	setPieces(pieces map[string]int32) error
	appendWord(ids []int32, word string, e *encoder) []int32
}

// vocabulary holds the pieces and merges.
type vocabulary struct {
	model       wordModel        // nil for byte-level BPE, of which alone bytes, merges and words are
	pieces      []string         // id → bytes, "" without a token
	ids         map[string]int32 // inverse of pieces
	special     map[int32]bool
	added       map[int32]bool // special or not
	bytes       [256]int32     // id of the piece of one byte, none where there is none
	merges      map[pair]merge
	words       map[string]int32 // pieces that are never cut; nil unless the definition says so
	unknown     int32            // none where there is none
	fuseUnknown bool
}

// build checks d as a whole and makes the tokenizer of it.
func (d *definition) build() (*Tokenizer, error) {
	t := &Tokenizer{
		prepend:    d.prepend,
		normalizer: d.normalizer,
		cache:      newWordCache(),
		frame:      d.frame,
		roles:      roles{eos: none, bos: none, pad: none},
	}
	if err := t.vocabulary.setPieces(d); err != nil {
		return nil, err
	}
	if err := t.vocabulary.setMerges(d); err != nil {
		return nil, err
	}
	if c, ok := d.model.(*charBPE); ok && c.cutsBeforeSpaces() {
		d.words.text = append(d.words.text, scanStep{scanSpaced})
	}
	t.words, t.continued = d.words, d.words.continued()
	if err := t.setAdded(d); err != nil {
		return nil, err
	}
	for _, id := range d.frame.ids() {
		if t.Token(id) == "" {
			return nil, fmt.Errorf("post_processor: id %d has no token", id)
		}
	}
	return t, nil
}

func (v *vocabulary) setPieces(d *definition) error {
	if len(d.pieces) == 0 {
		return errors.New("vocabulary: empty")
	}
	highest := int32(max(d.rows-1, 0))
	for piece, id := range d.pieces {
		if err := checkID(piece, id); err != nil {
			return err
		}
		highest = max(highest, id)
	}
	for _, token := range d.added {
		if err := checkID(token.Content, token.ID); err != nil {
			return err
		}
		highest = max(highest, token.ID)
	}
	owners := make([]string, highest+1)
	v.pieces = make([]string, highest+1)
	v.ids = make(map[string]int32, len(d.pieces))
	v.model = d.model
	for _, piece := range slices.Sorted(maps.Keys(d.pieces)) {
		id := d.pieces[piece]
		if owners[id] != "" {
			return fmt.Errorf("vocabulary: %q and %q both have id %d", owners[id], piece, id)
		}
		owners[id] = piece
		v.pieces[id] = d.text(piece)
		_, isByte := byteOf(piece)
		if _, taken := v.ids[v.pieces[id]]; !taken || !isByte {
			v.ids[v.pieces[id]] = id
		}
	}
	if d.model != nil {
		return d.model.setPieces(d.pieces)
	}
	return v.setBytes(d)
}

func checkID(piece string, id int32) error {
	switch {
	case piece == "":
		return fmt.Errorf("vocabulary: id %d belongs to an empty piece", id)
	case id < 0 || id > maxTokenID:
		return fmt.Errorf("vocabulary: %q has id %d; ids range from 0 to %d", piece, id, maxTokenID)
	}
	return nil
}

// text returns what a piece stands for.
func (d *definition) text(piece string) string {
	switch model := d.model.(type) {
	case nil:
		return pieceText(piece)
	case *charBPE:
		return model.text(piece)
	}
	return piece
}

// pieceText returns the bytes of a piece. A piece outside the byte alphabet, which no merge can make, stands for itself.
func pieceText(piece string) string {
	if text, ok := fromAlphabet(piece); ok {
		return text
	}
	return piece
}

func (v *vocabulary) setBytes(d *definition) error {
	missing := 0
	for b := range v.bytes {
		id, ok := d.pieces[string(byteToChar[b])]
		if !ok {
			id = none
			missing++
		}
		v.bytes[b] = id
	}
	if missing == len(v.bytes) {
		return errors.New("vocabulary: no piece stands for a single byte; only byte-level vocabularies are supported")
	}
	if d.fallback && missing > 0 {
		return fmt.Errorf("model: byte_fallback is not supported with a vocabulary that lacks %d of the 256 bytes", missing)
	}
	v.unknown, v.fuseUnknown = none, d.fuseUnknown
	if d.unknown != "" {
		id, ok := d.pieces[d.unknown]
		if !ok {
			return fmt.Errorf("model: unk_token %q is not in the vocabulary", d.unknown)
		}
		v.unknown = id
	}
	return nil
}

func (v *vocabulary) setMerges(d *definition) error {
	var err error
	if v.merges, err = mergeTable(d.pieces, d.merges, nil); err != nil {
		return err
	}
	if d.wholeWords {
		v.words = make(map[string]int32, len(d.pieces))
		for piece, id := range d.pieces {
			if text, ok := fromAlphabet(piece); ok {
				v.words[text] = id
			}
		}
	}
	return nil
}

// setAdded puts the added tokens over the vocabulary.
func (t *Tokenizer) setAdded(d *definition) error {
	v := &t.vocabulary
	v.special, v.added = map[int32]bool{}, map[int32]bool{}
	contents := map[string]int32{}
	owners := map[int32]string{}
	for _, token := range d.added {
		if id, ok := contents[token.Content]; ok && id != token.ID {
			return fmt.Errorf("added token %q has two ids, %d and %d", token.Content, id, token.ID)
		}
		if owner, ok := owners[token.ID]; ok && owner != token.Content {
			return fmt.Errorf("added tokens %q and %q both have id %d", owner, token.Content, token.ID)
		}
		if id, ok := d.pieces[token.Content]; ok && id != token.ID {
			return fmt.Errorf("added token %q has id %d, but %d in the vocabulary", token.Content, token.ID, id)
		} else if old := v.pieces[token.ID]; !ok && old != "" && owners[token.ID] == "" {
			return fmt.Errorf("added token %q has id %d, which the vocabulary gives to %q", token.Content, token.ID, old)
		}
		contents[token.Content], owners[token.ID] = token.ID, token.Content
		v.pieces[token.ID], v.added[token.ID] = token.Content, true
		if c, ok := d.model.(*charBPE); ok {
			v.pieces[token.ID] = c.text(token.Content)
		}
		v.ids[token.Content] = token.ID
		if token.Special {
			v.special[token.ID] = true
		}
		content := token.Content
		if !token.Normalized {
			t.verbatim.add(content, token)
		} else if content = t.normalizer.apply(t.prepend + content); content != "" {
			t.normalized.add(content, token)
		}
	}
	return nil
}
