package tokenizer

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalForms are the normalisers, named as in tokenizer.json.
var normalForms = map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}

// A normalizer applies changes to a text one after another; without any it leaves texts as they are.
type normalizer []func(text string) string

func (n normalizer) apply(text string) string {
	for _, change := range n {
		text = change(text)
	}
	return text
}

// graphemeJoiner is the character that package norm puts after each 30 marks in a row (Unicode's stream-safe text), which is
// no part of the normal forms.
const graphemeJoiner = "\u034f"

// normalForm returns the normal form of text, however many marks follow each other in it.
func normalForm(form norm.Form, text string) string {
	normal := form.String(text)
	if strings.Count(normal, graphemeJoiner) == strings.Count(text, graphemeJoiner) {
		return normal
	}
	chars := decompose(form, text)
	if form == norm.NFC || form == norm.NFKC {
		chars = compose(chars)
	}
	var b strings.Builder
	for _, c := range chars {
		b.WriteString(c.text)
	}
	return b.String()
}

// A markedChar is a character, or a byte that is not UTF-8, and its canonical combining class: 0 for all but marks.
type markedChar struct {
	text  string
	class uint8
}

// decompose returns the decomposition of text in canonical order.
func decompose(form norm.Form, text string) []markedChar {
	full := norm.NFD
	if form == norm.NFKC || form == norm.NFKD {
		full = norm.NFKD
	}
	var chars []markedChar
	for len(text) > 0 {
		_, size := utf8.DecodeRuneInString(text)
		for parts := full.String(text[:size]); len(parts) > 0; {
			_, size := utf8.DecodeRuneInString(parts)
			chars = append(chars, markedChar{parts[:size], full.PropertiesString(parts[:size]).CCC()})
			parts = parts[size:]
		}
		text = text[size:]
	}
	for start := 0; start < len(chars); start++ {
		end := start
		for end < len(chars) && chars[end].class > 0 {
			end++
		}
		slices.SortStableFunc(chars[start:end], func(a, b markedChar) int { return int(a.class) - int(b.class) })
		start = end
	}
	return chars
}

// compose joins characters in canonical order with the marks after them, by the canonical composition algorithm.
func compose(chars []markedChar) []markedChar {
	composed := chars[:0]
	starter := none
	for _, c := range chars {
		last := len(composed) - 1
		blocked := last > starter && (composed[last].class == 0 || composed[last].class >= c.class)
		if starter != none && !blocked {
			if joined := norm.NFC.String(composed[starter].text + c.text); utf8.RuneCountInString(joined) == 1 {
				composed[starter].text = joined
				continue
			}
		}
		composed = append(composed, c)
		if c.class == 0 {
			starter = len(composed) - 1
		}
	}
	return composed
}
