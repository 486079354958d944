package tokenizer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// charBPE merges the characters of a word, in which spaces are written as metaspace: byte-pair encoding as SentencePiece and the
// Llama models of the first two generations have it. Characters without a piece are written as their bytes, <0x..>.
type charBPE struct {
	merges      [][2]string
	ranks       []int32 // of the merges; nil where these are their places
	unknown     string  // piece for characters without one, "" for none
	fuseUnknown bool    // one unknown token for several characters in a row
	fallback    bool    // characters without a piece are written as bytes, where there are pieces for these
	wholeWords  bool    // a word that is a piece is never cut
	strips      bool    // the space that begins a text is no part of it

	table     map[pair]merge
	pieces    map[string]int32
	ascii     [utf8.RuneSelf]int32 // ids of the pieces of one character
	bytes     [256]int32           // ids of the pieces of bytes
	unknownID int32
}

// takeMerges makes the definition's model one of characters.
func (d *definition) takeMerges() *charBPE {
	c := &charBPE{
		merges: d.merges, unknown: d.unknown, fuseUnknown: d.fuseUnknown, fallback: d.fallback, wholeWords: d.wholeWords,
	}
	d.model, d.merges = c, nil
	return c
}

// bytePiece is the piece of a byte.
func bytePiece(b byte) string { return fmt.Sprintf("<0x%02X>", b) }

// byteOf is the inverse of bytePiece.
func byteOf(piece string) (b byte, ok bool) {
	if len(piece) != len("<0x00>") || !strings.HasPrefix(piece, "<0x") || piece[5] != '>' {
		return 0, false
	}
	value, err := strconv.ParseUint(piece[3:5], 16, 8)
	return byte(value), err == nil
}

// text is what a piece stands for.
func (c *charBPE) text(piece string) string {
	if b, ok := byteOf(piece); ok && c.fallback {
		return string([]byte{b})
	}
	return strings.ReplaceAll(piece, metaspace, " ")
}

func (c *charBPE) setPieces(pieces map[string]int32) error {
	find := func(piece string) int32 {
		if id, ok := pieces[piece]; ok {
			return id
		}
		return none
	}
	c.pieces = pieces
	for b := range c.bytes {
		c.bytes[b] = find(bytePiece(byte(b)))
	}
	for char := range c.ascii {
		c.ascii[char] = find(string(rune(char)))
	}
	if c.unknownID = find(c.unknown); c.unknown != "" && c.unknownID == none {
		return fmt.Errorf("model: unk_token %q is not in the vocabulary", c.unknown)
	}
	var err error
	c.table, err = mergeTable(pieces, c.merges, c.ranks)
	return err
}

// keepsTexts reports whether every text has ids of its own.
func (c *charBPE) keepsTexts() bool {
	_, space := c.pieces[metaspace]
	return c.fallback && space && !slices.Contains(c.bytes[:], none)
}

// cutsBeforeSpaces reports whether no token goes on over a space after another character, so that a text can be cut there.
func (c *charBPE) cutsBeforeSpaces() bool {
	if _, ok := c.pieces[metaspace]; !ok || c.wholeWords {
		return false
	}
	for _, m := range c.merges {
		if strings.HasPrefix(m[1], metaspace) && !strings.HasSuffix(m[0], metaspace) {
			return false
		}
	}
	return true
}

// scanSpaced scans spaces and what follows them, up to the next space.
func scanSpaced(text string, i int) int {
	for strings.HasPrefix(text[i:], metaspace) {
		i += len(metaspace)
	}
	if at := strings.Index(text[i:], metaspace); at >= 0 {
		return i + at
	}
	return len(text)
}

func (c *charBPE) appendWord(ids []int32, word string, e *encoder) []int32 {
	if c.wholeWords {
		if id, ok := c.pieces[word]; ok {
			return append(ids, id)
		}
	}
	e.bytes = c.appendChars(e.bytes[:0], word)
	e.merger.start(e.bytes)
	return e.merger.run(c.table, ids)
}

// appendChars appends the ids of single characters. As in Hugging Face's library, an unknown token comes after the bytes of the
// characters that follow it.
func (c *charBPE) appendChars(ids []int32, word string) []int32 {
	unknown := false // an unknown token is still to be appended
	for i, size := 0, 0; i < len(word); i += size {
		var id int32
		id, size = c.char(word[i:])
		if id != none {
			if unknown {
				ids, unknown = append(ids, c.unknownID), false
			}
			ids = append(ids, id)
			continue
		}
		if longer, ok := c.appendBytes(ids, word[i:i+size]); ok {
			ids = longer
			continue
		}
		if unknown && !c.fuseUnknown {
			ids = append(ids, c.unknownID)
		}
		unknown = c.unknownID != none
	}
	if unknown {
		ids = append(ids, c.unknownID)
	}
	return ids
}

// char returns the id of the character that text begins with, none where there is none, and its length in bytes.
func (c *charBPE) char(text string) (id int32, size int) {
	if text[0] < utf8.RuneSelf {
		return c.ascii[text[0]], 1
	}
	_, size = utf8.DecodeRuneInString(text)
	if id, ok := c.pieces[text[:size]]; ok {
		return id, size
	}
	return none, size
}

// appendBytes appends the ids of the bytes of a character; ok is false where one has none.
func (c *charBPE) appendBytes(ids []int32, char string) (longer []int32, ok bool) {
	if !c.fallback {
		return ids, false
	}
	longer = ids
	for i := range len(char) {
		id := c.bytes[char[i]]
		if id == none {
			return ids, false
		}
		longer = append(longer, id)
	}
	return longer, true
}
