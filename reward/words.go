package reward

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// eachWord calls yield with each word of text, lower-cased, in order. A word is a run of letters, digits and inner
// apostrophes, or a single exclamation or question mark; everything else separates words, HTML line breaks (<br>, <br/>,
// <br />) included. The slice passed to yield is valid during the call only; buf is scratch memory, returned for reuse.
func eachWord(text string, buf []byte, yield func(word []byte)) []byte {
	buf = buf[:0]
	for i := 0; i < len(text); {
		c, size := rune(text[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(text[i:])
		}
		switch {
		case c == '\'' || c == '’':
			if len(buf) > 0 {
				buf = append(buf, '\'')
			}
		case unicode.IsLetter(c) || unicode.IsDigit(c) || unicode.IsMark(c):
			buf = utf8.AppendRune(buf, unicode.ToLower(c))
		default:
			buf = flushWord(buf, yield)
			if c == '!' || c == '?' {
				yield(append(buf, byte(c)))
			}
			if c == '<' {
				size = max(size, lineBreak(text[i:]))
			}
		}
		i += size
	}
	return flushWord(buf, yield)
}

// flushWord yields the word in buf, if any, without apostrophes at its end, and returns buf emptied.
func flushWord(buf []byte, yield func(word []byte)) []byte {
	word := buf
	for len(word) > 0 && word[len(word)-1] == '\'' {
		word = word[:len(word)-1]
	}
	if len(word) > 0 {
		yield(word)
	}
	return buf[:0]
}

// lineBreak returns the length of the HTML line break that text starts with, 0 if there is none.
func lineBreak(text string) int {
	if len(text) < len("<br>") || !strings.EqualFold(text[:3], "<br") {
		return 0
	}
	rest := strings.TrimLeft(text[3:], " ")
	rest = strings.TrimPrefix(rest, "/")
	if !strings.HasPrefix(rest, ">") {
		return 0
	}
	return len(text) - len(rest) + 1
}
