package tokenizer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// charsMap is SentencePiece's compiled table of what to write for which characters: a double-array trie (Yata's darts-clone)
// over UTF-8 whose values are places in a text of replacements, each ended by a zero byte.
type charsMap struct {
	units []uint32
	texts []byte
}

// parseCharsMap reads the size of the trie in bytes, the trie's units of 32 bits, little-endian, and the replacements. An empty
// table changes nothing.
func parseCharsMap(content []byte) (*charsMap, error) {
	if len(content) == 0 {
		return &charsMap{}, nil
	}
	if len(content) < 4 {
		return nil, fmt.Errorf("%d bytes; want a trie and its size", len(content))
	}
	size := int64(binary.LittleEndian.Uint32(content))
	content = content[4:]
	if size%4 != 0 || size > int64(len(content)) {
		return nil, fmt.Errorf("a trie of %d bytes in %d; the table is damaged", size, len(content))
	}
	m := &charsMap{units: make([]uint32, size/4), texts: content[size:]}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(content[4*i:])
	}
	if !utf8.Valid(m.texts) {
		return nil, fmt.Errorf("replacements that are not UTF-8; the table is damaged")
	}
	return m, nil
}

// unitOffset is how far a unit's children lie from it.
func unitOffset(unit uint32) uint32 { return unit >> 10 << ((unit & (1 << 9)) >> 6) }

// lookup returns what stands for the shortest entry that piece begins with: for all of piece, as Hugging Face's library has it.
func (m *charsMap) lookup(piece string) (text string, ok bool) {
	if len(m.units) == 0 {
		return "", false
	}
	const (
		leaf   = 1 << 8
		label  = 1<<31 | 0xff
		number = 1<<31 - 1
	)
	node := unitOffset(m.units[0])
	for i := range len(piece) {
		node ^= uint32(piece[i])
		if piece[i] == 0 || int64(node) >= int64(len(m.units)) {
			return "", false
		}
		unit := m.units[node]
		if unit&label != uint32(piece[i]) {
			return "", false
		}
		node ^= unitOffset(unit)
		if unit&leaf == 0 {
			continue
		}
		if int64(node) >= int64(len(m.units)) || int64(m.units[node]&number) > int64(len(m.texts)) {
			return "", false
		}
		rest := m.texts[m.units[node]&number:]
		if end := bytes.IndexByte(rest, 0); end >= 0 {
			rest = rest[:end]
		}
		return string(rest), true
	}
	return "", false
}

// longestGrapheme is how many bytes of a grapheme cluster are looked up as a whole at most, as in Hugging Face's library.
const longestGrapheme = 5

// apply writes the replacements of grapheme clusters, or else of their characters.
func (m *charsMap) apply(text string) string {
	if len(m.units) == 0 {
		return text
	}
	var b strings.Builder
	for state := -1; len(text) > 0; {
		var cluster string
		cluster, text, _, state = uniseg.FirstGraphemeClusterInString(text, state)
		if len(cluster) <= longestGrapheme {
			if found, ok := m.lookup(cluster); ok {
				b.WriteString(found)
				continue
			}
		}
		for len(cluster) > 0 {
			_, size := utf8.DecodeRuneInString(cluster)
			found, ok := m.lookup(cluster[:size])
			if !ok {
				found = cluster[:size]
			}
			b.WriteString(found)
			cluster = cluster[size:]
		}
	}
	return b.String()
}
