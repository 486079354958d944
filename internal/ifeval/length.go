package ifeval

import (
	"regexp"
	"strings"

	"github.com/sparsepo/sparsepo/internal/sentence"
	"github.com/sparsepo/sparsepo/internal/usage"
)

func sentences(args arguments, response string) (bool, error) {
	return args.compare(len(sentence.Split(response)), "relation", "num_sentences")
}

// word is a run of letters, numbers and underscores; combining marks are none of these, as in Python's \w.
var word = regexp.MustCompile(`[\pL\p{Nd}\p{Nl}\p{No}_]+`)

func words(args arguments, response string) (bool, error) {
	return args.compare(len(word.FindAllStringIndex(response, -1)), "relation", "num_words")
}

var divider = regexp.MustCompile(space + `?\*\*\*` + space + `?`)

// paragraphs counts what stands between dividers of three asterisks; only the first and the last may be blank, and do not count.
func paragraphs(args arguments, response string) (bool, error) {
	wanted, err := args.number("num_paragraphs")
	if err != nil {
		return false, err
	}
	parts := divider.Split(response, -1)
	n := len(parts)
	for i, part := range parts {
		if strip(part) != "" {
			continue
		}
		if i > 0 && i < len(parts)-1 {
			return false, nil
		}
		n--
	}
	return n == wanted, nil
}

// paragraphFirstWord wants a number of paragraphs with a blank line between them, and a word at the start of one of them. As in
// the reference, blank paragraphs do not count but keep their place in the numbering.
func paragraphFirstWord(args arguments, response string) (bool, error) {
	wanted, err := args.number("num_paragraphs")
	if err != nil {
		return false, err
	}
	nth, err := args.number("nth_paragraph")
	if err != nil {
		return false, err
	}
	if nth < 1 || nth > wanted {
		return false, usage.Errorf("argument %q: %d; it needs a paragraph from 1 to %d", "nth_paragraph", nth, wanted)
	}
	first, err := args.text("first_word")
	if err != nil {
		return false, err
	}
	parts := strings.Split(response, "\n\n")
	n := 0
	for _, part := range parts {
		if strip(part) != "" {
			n++
		}
	}
	return n == wanted && firstWord(parts[nth-1]) == strings.ToLower(first), nil
}

// firstWord returns a paragraph's first word in lower case, up to a punctuation mark; "" if the paragraph is blank.
func firstWord(paragraph string) string {
	fields := strings.FieldsFunc(paragraph, isSpace)
	if len(fields) == 0 {
		return ""
	}
	first := strings.TrimLeft(strings.TrimLeft(fields[0], "'"), `"`)
	if end := strings.IndexAny(first, `.,?!'"`); end >= 0 {
		first = first[:end]
	}
	return strings.ToLower(first)
}
