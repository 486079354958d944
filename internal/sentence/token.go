package sentence

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A token is a word, a number or a mark of a candidate's context.
type token struct {
	text         string
	ends         bool // a sentence ends after it
	abbreviation bool
	ellipsis     bool
}

const number = "##number##"

var numeric = regexp.MustCompile(`^-?[.,]?\p{Nd}[\p{Nd},.-]*\.?$`)

// kind returns the token in lower case, and one name for all numbers.
func (t token) kind() string {
	lower := strings.ToLower(t.text)
	if numeric.MatchString(lower) {
		return number
	}
	return lower
}

func (t token) kindWithoutPeriod() string {
	kind := t.kind()
	if len(kind) > 1 {
		kind = strings.TrimSuffix(kind, ".")
	}
	return kind
}

// isInitial reports a single letter with a period.
func (t token) isInitial() bool {
	r, size := utf8.DecodeRuneInString(t.text)
	return t.text[size:] == "." && (unicode.IsLetter(r) || r == '_')
}

func (t token) first() rune {
	r, _ := utf8.DecodeRuneInString(t.text)
	return r
}

// classify decides from the token alone (section 3 of the paper).
func (t *token) classify() {
	switch {
	case t.text == "." || t.text == "?" || t.text == "!":
		t.ends = true
	case strings.HasSuffix(t.text, ".."):
		t.ellipsis = strings.Trim(t.text, ".") == ""
	case strings.HasSuffix(t.text, "."):
		word := strings.ToLower(strings.TrimSuffix(t.text, "."))
		t.abbreviation = abbreviations[word] || abbreviations[word[strings.LastIndexByte(word, '-')+1:]]
		t.ends = !t.abbreviation
	}
}

// reclassify decides again with the token that follows (section 4 of the paper). seen holds the words that the text has in lower
// case.
func (t *token) reclassify(next token, seen map[string]bool) {
	if !strings.HasSuffix(t.text, ".") {
		return
	}
	initial := t.isInitial()
	start := opens(next, seen)
	switch {
	case (t.abbreviation || t.ellipsis) && !initial:
		t.ends = start == yes
	case (initial || t.kindWithoutPeriod() == number) && start == no:
		t.ends = false
	case initial && start == unknown && unicode.IsUpper(next.first()) && !isCommon(next, seen):
		t.ends = false
	}
}

// An answer is what the case of a word says about a sentence starting with it.
type answer int

const (
	unknown answer = iota
	yes
	no
)

// opens tells from a word's case whether it opens a sentence (section 4.1.1 of the paper): a word that is common in lower case
// does where it has a capital; a word in lower case does not.
func opens(next token, seen map[string]bool) answer {
	if len(next.text) == 1 && strings.Contains(";:,.!?", next.text) {
		return no
	}
	switch first := next.first(); {
	case unicode.IsLower(first):
		return no
	case unicode.IsUpper(first) && isCommon(next, seen) && !names[next.kindWithoutPeriod()]:
		return yes
	}
	return unknown
}

func isCommon(t token, seen map[string]bool) bool {
	kind := t.kindWithoutPeriod()
	return openers[kind] || seen[kind]
}

// wordsInLowerCase returns the words of a text that stand in it in lower case.
func wordsInLowerCase(text string) map[string]bool {
	seen := map[string]bool{}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' }) {
		if unicode.IsLower([]rune(word)[0]) {
			seen[word] = true
		}
	}
	return seen
}

// tokenize splits a line into words and marks; a period stays with its word.
func tokenize(line string) []token {
	var tokens []token
	for line != "" {
		r, size := utf8.DecodeRuneInString(line)
		if isSpace(r) {
			line = line[size:]
			continue
		}
		if run := markRun(line); run > 0 {
			size = run
		} else if !strings.ContainsRune("(\"`{[:;&#*@)}]-,", r) {
			size = wordLength(line)
		}
		tokens = append(tokens, token{text: line[:size]})
		line = line[size:]
	}
	return tokens
}

// wordLength returns how far the word goes that a line starts with.
func wordLength(line string) int {
	_, at := utf8.DecodeRuneInString(line)
	for at < len(line) {
		rest := line[at:]
		if endsWord(rest) || (rest[0] == ',' && (len(rest) == 1 || endsWord(rest[1:]))) {
			return at
		}
		_, size := utf8.DecodeRuneInString(rest)
		at += size
	}
	return at
}

func endsWord(rest string) bool {
	r, _ := utf8.DecodeRuneInString(rest)
	return isSpace(r) || isNonWord(r) || markRun(rest) > 0
}

var runs = regexp.MustCompile(`^(?:-{2,}|\.{2,}|(?:\.[\s\pZ]){2,}\.)`)

// markRun returns the length of the dashes or the ellipsis that a text starts with, 0 if there are none.
func markRun(text string) int {
	if text[0] != '-' && text[0] != '.' {
		return 0
	}
	return len(runs.FindString(text))
}
