package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// The kinds of characters that the split patterns tell apart. A byte that is not UTF-8 is of kind other.
const (
	kindOther  = iota // [^\s\p{L}\p{N}]
	kindLetter        // \p{L}
	kindNumber        // \p{N}
	kindSpace         // \s, line breaks too
)

var asciiKinds [utf8.RuneSelf]uint8

func init() {
	for c := range asciiKinds {
		asciiKinds[c] = runeKind(rune(c))
	}
}

func runeKind(char rune) uint8 {
	switch {
	case unicode.IsLetter(char):
		return kindLetter
	case unicode.IsNumber(char):
		return kindNumber
	case unicode.IsSpace(char):
		return kindSpace
	}
	return kindOther
}

// kindAt returns the kind and the length in bytes of the character at text[i:], which must not be empty.
func kindAt(text string, i int) (kind uint8, size int) {
	if c := text[i]; c < utf8.RuneSelf {
		return asciiKinds[c], 1
	}
	char, size := utf8.DecodeRuneInString(text[i:])
	return runeKind(char), size
}

// runEnd returns the end of the run of characters of the kind that starts at text[i:].
func runEnd(text string, i int, kind uint8) int {
	for i < len(text) {
		k, size := kindAt(text, i)
		if k != kind {
			break
		}
		i += size
	}
	return i
}

// A scanner returns the end of the piece that starts at text[i:]; the pieces of a text cover it without gaps.
type scanner func(text string, i int) int

// gpt2Pattern is the split pattern of GPT-2, which a ByteLevel step implies.
const gpt2Pattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

// scanGPT2 scans by gpt2Pattern.
func scanGPT2(text string, i int) int {
	if text[i] == '\'' {
		if end := contractionEnd(text, i, false); end > 0 {
			return end
		}
	}
	start := i
	if text[i] == ' ' && i+1 < len(text) {
		i++
	}
	kind, size := kindAt(text, i)
	if kind == kindSpace {
		return spaceEnd(text, start)
	}
	return runEnd(text, i+size, kind)
}

// spaceEnd matches `\s+(?!\S)|\s+` at a white space: the whole run at the end of the text, else all but its last
// character, which goes with what follows; a single character is a piece of its own.
func spaceEnd(text string, start int) int {
	last, end := start, start
	for end < len(text) {
		kind, size := kindAt(text, end)
		if kind != kindSpace {
			break
		}
		last = end
		end += size
	}
	if end == len(text) || last == start {
		return end
	}
	return last
}

// contractionEnd matches `'s|'t|'re|'ve|'m|'ll|'d` at an apostrophe and returns the end of the match, 0 without one. With
// fold, letters match in either case, and the long s (U+017F) as an s.
func contractionEnd(text string, i int, fold bool) int {
	letter := func(at int) byte {
		if at >= len(text) {
			return 0
		}
		if c := text[at]; !fold || c < 'A' || c > 'Z' {
			return c
		}
		return text[at] | 0x20
	}
	first, second := letter(i+1), letter(i+2)
	switch {
	case first == 's' || first == 't' || first == 'm' || first == 'd':
		return i + 2
	case first == 'r' && second == 'e', first == 'v' && second == 'e', first == 'l' && second == 'l':
		return i + 3
	case fold && first == 0xc5 && second == 0xbf:
		return i + 3
	}
	return 0
}
