package prompts

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Unit is what the length of a prefix is counted in.
type Unit string

// The units.
const (
	Tokens Unit = "tokens"
	Words  Unit = "words" // as divided by white space
)

// Prefix is how much of a text becomes the prompt: a number of units drawn evenly from Min to Max. The zero Prefix is the
// whole text.
type Prefix struct {
	Unit     Unit
	Min, Max int
}

// ParsePrefix reads "5:8", or "6" for exactly so many. flag names the value in errors.
func ParsePrefix(flag string, unit Unit, text string) (Prefix, error) {
	low, high, isRange := strings.Cut(text, ":")
	if !isRange {
		high = low
	}
	least, errLow := strconv.Atoi(low)
	most, errHigh := strconv.Atoi(high)
	if errLow != nil || errHigh != nil || least < 1 || most < least {
		return Prefix{}, usage.Errorf("%s: found %q, expected a range of whole numbers of at least 1, such as 5:8", flag, text)
	}
	return Prefix{Unit: unit, Min: least, Max: most}, nil
}

// String gives "5 to 8 tokens".
func (p Prefix) String() string {
	switch {
	case p.Max == 0:
		return "whole texts"
	case p.Min == p.Max:
		return fmt.Sprintf("%d %s", p.Min, p.Unit)
	}
	return fmt.Sprintf("%d to %d %s", p.Min, p.Max, p.Unit)
}

// length draws the length for the record at a place of its file.
func (p Prefix) length(seed uint64, record int) int {
	random := rand.NewPCG(seed, ^uint64(record))
	high, _ := bits.Mul64(random.Uint64(), uint64(p.Max-p.Min+1))
	return p.Min + int(high)
}

// cut gives the first n units of a text; reason says why there is no such prefix.
func (p Prefix) cut(text string, n int, tok Tokenizer) (prefix string, reason Reason) {
	switch p.Unit {
	case Tokens:
		return cutTokens(text, n, tok)
	case Words:
		return cutWords(text, n)
	}
	return text, ""
}

// cutTokens refuses a prefix that ends inside a character, and one whose text alone would be tokenised otherwise: the model
// would be asked to go on from tokens that the text in the file does not stand for.
func cutTokens(text string, n int, tok Tokenizer) (string, Reason) {
	ids := tok.Encode(text)
	if len(ids) < n {
		return "", TooShort
	}
	prefix := tok.Decode(ids[:n])
	if !utf8.ValidString(prefix) || !slices.Equal(tok.Encode(prefix), ids[:n]) {
		return "", Unstable
	}
	return prefix, ""
}

func cutWords(text string, n int) (string, Reason) {
	inside, ended := false, 0
	for i, r := range text {
		space := unicode.IsSpace(r)
		if inside && space {
			if ended++; ended == n {
				return text[:i], ""
			}
		}
		inside = !space
	}
	if inside && ended == n-1 {
		return text, ""
	}
	return "", TooShort
}
