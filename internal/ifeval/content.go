package ifeval

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func keywords(args arguments, response string) (bool, error) {
	words, err := args.texts("keywords")
	if err != nil {
		return false, err
	}
	for _, word := range words {
		if n, err := countMatches(word, response, true); n == 0 || err != nil {
			return false, err
		}
	}
	return true, nil
}

func keywordFrequency(args arguments, response string) (bool, error) {
	word, err := args.text("keyword")
	if err != nil {
		return false, err
	}
	n, err := countMatches(word, response, true)
	if err != nil {
		return false, err
	}
	return args.compare(n, "relation", "frequency")
}

func forbiddenWords(args arguments, response string) (bool, error) {
	words, err := args.texts("forbidden_words")
	if err != nil {
		return false, err
	}
	for _, word := range words {
		if n, err := countMatches(`\b`+word+`\b`, response, true); n > 0 || err != nil {
			return false, err
		}
	}
	return true, nil
}

// letterFrequency counts a character, whatever its case. The reference takes a random letter where the argument is no letter; here
// the character given is counted.
func letterFrequency(args arguments, response string) (bool, error) {
	letter, err := args.text("letter")
	if err != nil {
		return false, err
	}
	if utf8.RuneCountInString(letter) != 1 {
		return false, usage.Errorf("argument %q: %q; it needs one character", "letter", letter)
	}
	n := strings.Count(strings.ToLower(response), strings.ToLower(letter))
	return args.compare(n, "let_relation", "let_frequency")
}

var placeholder = regexp.MustCompile(`\[.*?\]`)

func placeholders(args arguments, response string) (bool, error) {
	wanted, err := args.number("num_placeholders")
	return err == nil && len(placeholder.FindAllString(response, -1)) >= wanted, err
}

// markers are the patterns of the two usual postscript markers, for a text in lower case.
var markers = map[string]string{
	"P.S.":  `p\.` + space + `?s\.`,
	"P.P.S": `p\.` + space + `?p\.` + space + `?s`,
}

func postscript(args arguments, response string) (bool, error) {
	marker, err := args.text("postscript_marker")
	if err != nil {
		return false, err
	}
	pattern, ok := markers[marker]
	if !ok {
		pattern = strings.ToLower(marker)
	}
	n, err := countMatches(pattern, strings.ToLower(response), false)
	return n > 0, err
}

func repeatPrompt(args arguments, response string) (bool, error) {
	repeated := args.prompt
	if args.has("prompt_to_repeat") {
		text, err := args.text("prompt_to_repeat")
		if err != nil {
			return false, err
		}
		repeated = text
	}
	return strings.HasPrefix(strings.ToLower(strip(response)), strings.ToLower(strip(repeated))), nil
}

func endPhrase(args arguments, response string) (bool, error) {
	phrase, err := args.text("end_phrase")
	ending := strings.ToLower(strings.Trim(strip(response), `"`))
	return err == nil && strings.HasSuffix(ending, strings.ToLower(phrase)), err
}

func quotation(_ arguments, response string) (bool, error) {
	text := strip(response)
	return len(text) > 1 && text[0] == '"' && text[len(text)-1] == '"', nil
}

func noComma(_ arguments, response string) (bool, error) {
	return !strings.Contains(response, ","), nil
}
