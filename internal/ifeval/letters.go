package ifeval

import (
	"strings"
	"unicode"

	"github.com/sparsepo/sparsepo/internal/sentence"
)

// space is a class of white space as Python has it.
const space = `[\t-\r\x1c-\x1f\x85\p{Z}]`

func isSpace(r rune) bool { return unicode.IsSpace(r) || (r >= 0x1c && r <= 0x1f) }

func strip(text string) string { return strings.TrimFunc(text, isSpace) }

// isUpper and isLower know, beside letters, signs such as ª and Ⓐ, as Python's str.isupper and str.islower do.
func isUpper(r rune) bool { return unicode.IsUpper(r) || unicode.Is(unicode.Other_Uppercase, r) }
func isLower(r rune) bool { return unicode.IsLower(r) || unicode.Is(unicode.Other_Lowercase, r) }

// isCapital reports whether a text has letters with case, and all of them are capitals.
func isCapital(text string) bool {
	return strings.IndexFunc(text, isUpper) >= 0 &&
		strings.IndexFunc(text, func(r rune) bool { return isLower(r) || unicode.IsTitle(r) }) < 0
}

// isLowercase reports whether a text has letters with case, and none of them is a capital.
func isLowercase(text string) bool {
	return strings.IndexFunc(text, isLower) >= 0 &&
		strings.IndexFunc(text, func(r rune) bool { return isUpper(r) || unicode.IsTitle(r) }) < 0
}

func capitalWords(args arguments, response string) (bool, error) {
	n := 0
	for _, word := range sentence.Words(response) {
		if isCapital(word) {
			n++
		}
	}
	return args.compare(n, "capital_relation", "capital_frequency")
}

func englishCapital(_ arguments, response string) (bool, error) {
	return isCapital(response) && speaks(response, "en"), nil
}

func englishLowercase(_ arguments, response string) (bool, error) {
	return isLowercase(response) && speaks(response, "en"), nil
}

func responseLanguage(args arguments, response string) (bool, error) {
	code, err := args.text("language")
	return err == nil && speaks(response, code), err
}
