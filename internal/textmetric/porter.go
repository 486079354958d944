package textmetric

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// irregular are the words whose stems are listed, not computed.
var irregular = map[string]string{
	"sky": "sky", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "news": "news",
	"innings": "inning", "inning": "inning", "outings": "outing", "outing": "outing",
	"cannings": "canning", "canning": "canning", "howe": "howe",
	"proceed": "proceed", "exceed": "exceed", "succeed": "succeed",
}

// Stem returns the stem of an English word by Porter's algorithm (An algorithm for suffix stripping, Program 14(3), 1980)
// with the extensions of NLTK's default mode. The word is made lower-case first, except that the irregular words are
// recognised in lower case alone and that words of one or two letters are left as they are.
func Stem(word string) string {
	low := lower(word)
	if stem, ok := irregular[word]; ok {
		return stem
	}
	if utf8.RuneCountInString(word) <= 2 {
		return low
	}
	w := letters(low)
	for _, step := range []func(letters) letters{
		letters.plural, letters.pastAndProgressive, letters.finalY, letters.doubleSuffix, letters.simpleSuffix,
		letters.longSuffix, letters.finalE, letters.finalL,
	} {
		w = step(w)
	}
	return string(w)
}

// lower is the lower-case form of a text by Unicode's full mapping, which can have more letters than the text.
func lower(text string) string {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return cases.Lower(language.Und).String(text)
		}
	}
	return strings.ToLower(text)
}

// letters is a word, or the part of one before a suffix. The comments name the steps of Porter's paper; m is the measure.
type letters []rune

// vowel reports whether a letter is one: a, e, i, o, u, and y after a consonant.
func (w letters) vowel(i int) bool {
	switch w[i] {
	case 'a', 'e', 'i', 'o', 'u':
		return true
	case 'y':
		return i > 0 && !w.vowel(i-1)
	}
	return false
}

// measure counts the consonants that follow a vowel: m in the form [C](VC)^m[V].
func (w letters) measure() int {
	m, after := 0, false
	for i, letter := range w {
		vowel := strings.ContainsRune("aeiou", letter) || letter == 'y' && i > 0 && !after
		if after && !vowel {
			m++
		}
		after = vowel
	}
	return m
}

func (w letters) hasVowel() bool {
	for i := range w {
		if w.vowel(i) {
			return true
		}
	}
	return false
}

// endsDouble is the paper's condition *d: the word ends with two of the same consonant.
func (w letters) endsDouble() bool {
	n := len(w)
	return n >= 2 && w[n-1] == w[n-2] && !w.vowel(n-1)
}

// endsShort is the paper's condition *o, a consonant, a vowel, and a consonant other than w, x and y at the end; or a word
// of a vowel and a consonant.
func (w letters) endsShort() bool {
	n := len(w)
	if n == 2 {
		return w.vowel(0) && !w.vowel(1)
	}
	return n >= 3 && !w.vowel(n-3) && w.vowel(n-2) && !w.vowel(n-1) && !strings.ContainsRune("wxy", w[n-1])
}

// before returns what stands before a suffix, where the word has it.
func (w letters) before(suffix string) (letters, bool) {
	s := letters(suffix)
	if len(w) < len(s) || !slices.Equal(w[len(w)-len(s):], s) {
		return nil, false
	}
	return w[:len(w)-len(s)], true
}

// with is the word with an ending.
func (w letters) with(ending string) letters {
	return append(slices.Clip(slices.Clone(w)), letters(ending)...)
}

// plural is step 1a, where four letters that end with "ies" keep the e.
func (w letters) plural() letters {
	if stem, ok := w.before("ies"); ok && len(stem) == 1 {
		return stem.with("ie")
	}
	return w.apply([]suffixRule{{"sses", "ss", nil}, {"ies", "i", nil}, {"ss", "ss", nil}, {"s", "", nil}})
}

// pastAndProgressive is step 1b.
func (w letters) pastAndProgressive() letters {
	if stem, ok := w.before("ied"); ok {
		if len(stem) == 1 {
			return stem.with("ie")
		}
		return stem.with("i")
	}
	if stem, ok := w.before("eed"); ok {
		if stem.measure() > 0 {
			return stem.with("ee")
		}
		return w
	}
	for _, suffix := range []string{"ed", "ing"} {
		if stem, ok := w.before(suffix); ok && stem.hasVowel() {
			return stem.mended()
		}
	}
	return w
}

// mended gives a stem that has lost "ed" or "ing" its end back.
func (w letters) mended() letters {
	for _, end := range []string{"at", "bl", "iz"} {
		if _, ok := w.before(end); ok {
			return w.with("e")
		}
	}
	switch last := w[len(w)-1]; {
	case w.endsDouble() && strings.ContainsRune("lsz", last):
		return w
	case w.endsDouble():
		return w[:len(w)-1]
	case w.measure() == 1 && w.endsShort():
		return w.with("e")
	}
	return w
}

// finalY is step 1c, which asks for a consonant before the y that is not the word's first letter.
func (w letters) finalY() letters {
	if stem, ok := w.before("y"); ok && len(stem) > 1 && !stem.vowel(len(stem)-1) {
		return stem.with("i")
	}
	return w
}

// finalE is step 5a.
func (w letters) finalE() letters {
	if stem, ok := w.before("e"); ok {
		if m := stem.measure(); m > 1 || m == 1 && !stem.endsShort() {
			return stem
		}
	}
	return w
}

// finalL is step 5b.
func (w letters) finalL() letters {
	if _, ok := w.before("ll"); ok && w[:len(w)-1].measure() > 1 {
		return w[:len(w)-1]
	}
	return w
}
