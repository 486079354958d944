package prompts

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/data"
)

// Prompt is a text for a model to go on with.
type Prompt struct {
	Source string // "file:line"
	Text   string
	// IDs are the tokens of Text, after the token that begins a text where the tokenizer puts one.
	IDs []int32
}

// Tokenizer turns text into ids and back.
type Tokenizer interface {
	Encode(text string) []int32
	EncodeWithSpecials(text string) []int32
	BOS() (id int32, ok bool)
	Decode(ids []int32) string
}

// Options says which prompts are made of a file.
type Options struct {
	// TextField is the field of running text that prompts are the beginnings of; "" reads whole prompts from "prompt".
	TextField string
	// Template writes prompts of chat messages; nil writes a plain dialogue.
	Template data.Template
	// Prefix is how much of a text becomes the prompt; only with TextField.
	Prefix Prefix
	// Distinct skips a prompt that was read before.
	Distinct bool
	// Limit is the number of prompts wanted, taken from random places of the file; 0 takes all.
	Limit int
	// Seed of the lengths and of the places.
	Seed uint64
}

// Reason is why a record gave no prompt.
type Reason string

// The reasons.
const (
	TooShort  Reason = "text shorter than the prefix"
	Unstable  Reason = "prefix not the same tokens on its own"
	Duplicate Reason = "prompt read before"
	NoTokens  Reason = "prompt without tokens"
	NoRecord  Reason = "record that training passes over"
)

// Report counts what reading did.
type Report struct {
	Records int            `json:"records"` // in the file
	Looked  int            `json:"looked_at"`
	Kept    int            `json:"kept"`
	Skipped map[Reason]int `json:"skipped,omitempty"`
}

// String gives the counts in a line, leaving out what did not happen.
func (r *Report) String() string {
	text := fmt.Sprintf("%d prompts of %d records", r.Kept, r.Records)
	if len(r.Skipped) == 0 {
		return text
	}
	var parts []string
	for _, reason := range slices.SortedFunc(maps.Keys(r.Skipped), func(a, b Reason) int {
		return cmp.Or(cmp.Compare(r.Skipped[b], r.Skipped[a]), cmp.Compare(a, b))
	}) {
		parts = append(parts, fmt.Sprintf("%d: %s", r.Skipped[reason], reason))
	}
	return text + "; skipped " + strings.Join(parts, ", ")
}
