package sentence

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Split returns the sentences of a text in order, without the white space between them. An empty text has none.
func Split(text string) []string {
	seen := wordsInLowerCase(text)
	var starts, ends []int
	start := 0
	for _, c := range candidates(text) {
		if !breaks(c.context, seen) {
			continue
		}
		starts, ends = append(starts, start), append(ends, c.end)
		start = c.next
	}
	starts, ends = append(starts, start), append(ends, max(start, len(strings.TrimRightFunc(text, isSpace))))
	return realign(text, starts, ends)
}

// A candidate is a place where a sentence may end.
type candidate struct {
	end, next int    // byte offsets: after the mark that ends the sentence, and where the next one starts
	context   string // the word that ends there, with the mark and what follows it
}

// candidates returns the marks . ? ! that stand before white space or before punctuation, and of several in one word the last.
func candidates(text string) []candidate {
	var list []candidate
	var pending *candidate
	wordStart, wordEnd := 0, 0 // of the word before the previous mark
	for i := 0; i < len(text); i++ {
		if !isMark(text[i]) {
			continue
		}
		follower, next, ok := followerOf(text, i+1)
		if !ok {
			continue
		}
		begin := wordStart
		if space := strings.LastIndexAny(text[wordEnd:i], " \t\n\r\v\f"); space > 0 {
			begin = wordEnd + space + 1
		}
		if pending != nil && wordEnd <= begin {
			list = append(list, *pending)
		}
		wordStart, wordEnd = begin, i
		pending = &candidate{end: i + 1, next: next, context: text[begin:i+1] + follower}
	}
	if pending != nil {
		list = append(list, *pending)
	}
	return list
}

// followerOf returns what stands at an offset if a sentence can end before it: one punctuation mark, or white space and the word
// after it. next is where the following sentence starts.
func followerOf(text string, at int) (follower string, next int, ok bool) {
	if at >= len(text) {
		return "", 0, false
	}
	if isNonWord(rune(text[at])) {
		return text[at : at+1], at, true
	}
	rest := text[at:]
	word := strings.TrimLeftFunc(rest, isSpace)
	if len(word) == len(rest) || word == "" {
		return "", 0, false
	}
	gap := len(rest) - len(word)
	size := strings.IndexFunc(word, isSpace)
	if size < 0 {
		size = len(word)
	}
	return rest[:gap+size], at + gap, true
}

// breaks reports whether a sentence ends inside a candidate's context.
func breaks(context string, seen map[string]bool) bool {
	var tokens []token
	for _, line := range strings.Split(context, "\n") {
		tokens = append(tokens, tokenize(line)...)
	}
	for i := range tokens {
		tokens[i].classify()
	}
	for i := 0; i+1 < len(tokens); i++ {
		tokens[i].reclassify(tokens[i+1], seen)
		if tokens[i].ends {
			return true
		}
	}
	return false
}

// realign moves closing quotes and brackets that follow a sentence's end into that sentence, and drops sentences left empty.
func realign(text string, starts, ends []int) []string {
	var sentences []string
	moved := 0
	for i := range starts {
		start, end := starts[i]+moved, ends[i]
		moved = 0
		if i+1 < len(starts) {
			taken, kept := closing(text[starts[i+1]:ends[i+1]])
			if taken > 0 {
				sentences = append(sentences, text[min(start, starts[i+1]+kept):starts[i+1]+kept])
				moved = taken
				continue
			}
		}
		if start < end {
			sentences = append(sentences, text[start:end])
		}
	}
	return sentences
}

// closing returns how many bytes of closing quotes and brackets a sentence begins with, with the white space after them (taken)
// and without it (kept). They count only where white space, a dash or the end of a line follows.
func closing(sentence string) (taken, kept int) {
	kept = 0
	for kept < len(sentence) && strings.IndexByte(`"')]}`, sentence[kept]) >= 0 {
		kept++
	}
	rest := sentence[kept:]
	gap := len(rest) - len(strings.TrimLeftFunc(rest, isSpace))
	if kept == 0 || (gap == 0 && rest != "" && !strings.HasPrefix(rest, "--")) {
		return 0, 0
	}
	return kept + gap, kept
}

func isMark(b byte) bool { return b == '.' || b == '?' || b == '!' }

// isNonWord reports whether a character never stands inside a word.
func isNonWord(r rune) bool { return r < utf8.RuneSelf && strings.ContainsRune(`)";}]*:@'({[?!`, r) }

// isSpace reports white space as Python's str.isspace has it: Unicode's, and four separators of ASCII.
func isSpace(r rune) bool { return unicode.IsSpace(r) || (r >= 0x1c && r <= 0x1f) }
