package reference

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/sparsepo/sparsepo/data"
)

// Field is one kind of value: Width numbers for every response token.
type Field struct {
	Name  string `json:"name"`
	Width int    `json:"width"`
}

// Key says what values depend on besides the pair. Two keys that differ in anything have nothing in common.
type Key struct {
	Model    string  `json:"model"`    // digest of the reference's weights, see Digests
	Numerics string  `json:"numerics"` // engine and types that they were computed with
	Settings string  `json:"settings"` // of the pass; "" where the fields depend on none
	Fields   []Field `json:"fields"`
}

// text is what a file of values begins with.
func (k Key) text() ([]byte, error) { return json.Marshal(k) }

// folder is the name of the key's folder.
func (k Key) folder() (string, error) {
	text, err := k.text()
	if err != nil {
		return "", fmt.Errorf("name the reference's values: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), nil
}

// width counts the numbers of a token.
func (k Key) width() int {
	n := 0
	for _, f := range k.Fields {
		n += f.Width
	}
	return n
}

// fits reports whether values are those of so many tokens.
func (k Key) fits(values [][]float32, tokens int) bool {
	if len(values) != len(k.Fields) {
		return false
	}
	for i, f := range k.Fields {
		if len(values[i]) != tokens*f.Width {
			return false
		}
	}
	return true
}

// split cuts a pair's numbers into its fields.
func (k Key) split(values []float32, tokens int) [][]float32 {
	list := make([][]float32, len(k.Fields))
	for i, f := range k.Fields {
		list[i], values = values[:tokens*f.Width:tokens*f.Width], values[tokens*f.Width:]
	}
	return list
}

// pairID is the beginning of the SHA-256 of a pair's ids.
type pairID [16]byte

func idOf(p data.TokenPair) pairID {
	lists := [][]int32{p.Prompt, p.Chosen, p.Rejected}
	for _, s := range p.Given { // of most pairs there are none, and nothing is added
		lists = append(lists, []int32{int32(s.First), int32(s.End)})
	}
	size := 0
	for _, list := range lists {
		size += 4 + 4*len(list)
	}
	text := make([]byte, 0, size)
	for _, list := range lists {
		text = binary.LittleEndian.AppendUint32(text, uint32(len(list)))
		for _, id := range list {
			text = binary.LittleEndian.AppendUint32(text, uint32(id))
		}
	}
	sum := sha256.Sum256(text)
	return pairID(sum[:16])
}

// tokensOf counts the response tokens of a pair that are learned and that something predicts: without a prompt nothing predicts
// the first ones.
func tokensOf(p data.TokenPair) int {
	n := 0
	for _, side := range [][]int32{p.Learned(), p.Rejected} {
		n += len(side)
		if len(p.Prompt) == 0 && len(side) > 0 {
			n--
		}
	}
	return n
}
