package tokenizer

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// A span is a stretch [Start, End) of a text, in bytes; Match tells a match from the text between matches.
type span struct {
	Start, End int
	Match      bool
}

// A finder covers a text with spans: the matches of something, and the stretches between them.
type finder func(text string) []span

// charFinder finds single characters, each a match of its own.
func charFinder(is func(rune) bool) finder {
	return func(text string) []span {
		var matches []span
		for i := 0; i < len(text); {
			char, size := utf8.DecodeRuneInString(text[i:])
			if is(char) {
				matches = append(matches, span{i, i + size, true})
			}
			i += size
		}
		return withGaps(matches, len(text))
	}
}

// isPunctuation is Unicode's category P together with the ASCII symbols.
func isPunctuation(char rune) bool {
	return unicode.IsPunct(char) || char < utf8.RuneSelf && unicode.IsSymbol(char)
}

// literalFinder finds the occurrences of a string, which must not be empty.
func literalFinder(literal string) finder {
	return func(text string) []span {
		var matches []span
		for i := 0; ; {
			at := strings.Index(text[i:], literal)
			if at < 0 {
				return withGaps(matches, len(text))
			}
			matches = append(matches, span{i + at, i + at + len(literal), true})
			i += at + len(literal)
		}
	}
}

// regexFinder finds the matches of a regular expression in the dialect of Hugging Face's library (Oniguruma, Ruby syntax).
// Patterns whose meaning differs between that dialect and the engine used here are refused.
func regexFinder(pattern string) (finder, error) {
	if scan, ok := knownPatterns[pattern]; ok {
		return scannerFinder(scan), nil
	}
	if construct := foreignConstruct(pattern); construct != "" {
		return nil, fmt.Errorf("regular expression %q: %s is not supported", pattern, construct)
	}
	expression, err := regexp2.Compile(pattern, regexp2.Multiline)
	if err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", pattern, err)
	}
	return func(text string) []span { return regexMatches(expression, text) }, nil
}

func scannerFinder(scan scanner) finder {
	return func(text string) []span {
		var matches []span
		for i := 0; i < len(text); {
			end := scan(text, i)
			matches = append(matches, span{i, end, true})
			i = end
		}
		return matches
	}
}

// regexMatches turns the engine's positions, which count characters, into bytes.
func regexMatches(expression *regexp2.Regexp, text string) []span {
	var matches []span
	char, offset := 0, 0 // the same position, in characters and in bytes
	advance := func(to int) int {
		for ; char < to; char++ {
			_, size := utf8.DecodeRuneInString(text[offset:])
			offset += size
		}
		return offset
	}
	// The only error of the engine is a timeout, and none is set.
	match, _ := expression.FindStringMatch(text)
	for ; match != nil; match, _ = expression.FindNextMatch(match) {
		start := advance(match.Index)
		if end := advance(match.Index + match.Length); end > start {
			matches = append(matches, span{start, end, true})
		}
	}
	return withGaps(matches, len(text))
}

// foreignConstruct names a construct of pattern that Oniguruma and the engine used here read differently, "" for none.
func foreignConstruct(pattern string) string {
	for i := 0; i+1 < len(pattern); i++ {
		two := pattern[i : i+2]
		switch two {
		case `\w`, `\W`, `\b`, `\B`, `\h`, `\H`, `\R`, `\X`, `\K`, `\G`, `\Z`, `\z`, `\A`, `\g`, `\k`, `&&`, `[[`, `[:`:
			return two
		}
		if two[0] == '\\' {
			i++ // the escaped character
			continue
		}
		if strings.HasPrefix(pattern[i:], "(?") && strings.ContainsRune("mxs<", rune(pattern[min(i+2, len(pattern)-1)])) {
			return pattern[i : i+3]
		}
	}
	return ""
}

// withGaps completes sorted matches to a cover of [0, size).
func withGaps(matches []span, size int) []span {
	cover := make([]span, 0, 2*len(matches)+1)
	end := 0
	for _, match := range matches {
		if end < match.Start {
			cover = append(cover, span{end, match.Start, false})
		}
		cover = append(cover, match)
		end = match.End
	}
	if end < size {
		cover = append(cover, span{end, size, false})
	}
	return cover
}

// A behaviour makes the pieces of a text from the spans a finder returned.
type behaviour func(cover []span) []span

// behaviours are named as in tokenizer.json.
var behaviours = map[string]behaviour{
	"Isolated":           func(cover []span) []span { return cover },
	"Removed":            removeMatches,
	"Contiguous":         joinEqual,
	"MergedWithPrevious": mergeWithPrevious,
	"MergedWithNext":     mergeWithNext,
}

func removeMatches(cover []span) []span {
	return slices.DeleteFunc(cover, func(s span) bool { return s.Match })
}

// joinEqual makes one piece of neighbouring matches.
func joinEqual(cover []span) []span {
	var pieces []span
	for _, s := range cover {
		if last := len(pieces) - 1; last >= 0 && pieces[last].Match == s.Match {
			pieces[last].End = s.End
			continue
		}
		pieces = append(pieces, s)
	}
	return pieces
}

// mergeWithPrevious joins a match to the stretch before it; of several matches in a row only the first.
func mergeWithPrevious(cover []span) []span {
	var pieces []span
	previous := false
	for _, s := range cover {
		if last := len(pieces) - 1; s.Match && !previous && last >= 0 {
			pieces[last].End = s.End
		} else {
			pieces = append(pieces, s)
		}
		previous = s.Match
	}
	return pieces
}

// mergeWithNext joins a match to the stretch after it; of several matches in a row only the last.
func mergeWithNext(cover []span) []span {
	var pieces []span
	following := false
	for _, s := range slices.Backward(cover) {
		if last := len(pieces) - 1; s.Match && !following && last >= 0 {
			pieces[last].Start = s.Start
		} else {
			pieces = append(pieces, s)
		}
		following = s.Match
	}
	slices.Reverse(pieces)
	return pieces
}
