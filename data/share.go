package data

import (
	"encoding/binary"
	"hash/fnv"
	"io"
	"math"
)

// Share is a part of a data set, told by a hash of the prompts: records of one prompt are all in it or none. The place of a
// record is a number from 0 to 1 that depends on nothing but its prompt, or its text where it has none.
type Share struct{ From, To float64 }

// holds reports whether a record is in the share. The zero Share holds all.
func (s Share) holds(rec Record) bool {
	if s == (Share{}) {
		return true
	}
	content := rec.Prompt
	if content.IsZero() {
		content = rec.Chosen
	}
	at := content.hash()
	return s.From <= at && at < s.To
}

// hash is a number from 0 to 1, 1 excluded.
func (c Content) hash() float64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, c.Text)
	for _, id := range c.IDs {
		_ = binary.Write(h, binary.LittleEndian, id)
	}
	for _, m := range c.Messages {
		_, _ = io.WriteString(h, m.Role+"\x00"+m.Content+"\x00")
	}
	// Texts that differ at their end differ in the last bits of FNV only; the product and the shift spread them.
	sum := h.Sum64()
	sum = (sum ^ sum>>32) * 0x9e3779b97f4a7c15
	sum = (sum ^ sum>>29) * 0xbf58476d1ce4e5b9
	return float64(sum>>11) / math.Exp2(53)
}
