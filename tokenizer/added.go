package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedToken is a token that is looked for in the text itself, before the text is split into words.
type addedToken struct {
	ID      int32  `json:"id"`
	Content string `json:"content"`
	// SingleWord tokens match only where no word character touches them.
	SingleWord bool `json:"single_word"`
	// LeftStrip and RightStrip tokens swallow the white space on that side.
	LeftStrip  bool `json:"lstrip"`
	RightStrip bool `json:"rstrip"`
	// Normalized tokens are looked for, in normalised form, after the normaliser.
	Normalized bool `json:"normalized"`
	// Special tokens are left out by DecodePlain and are ordinary text to EncodePlain.
	Special bool `json:"special"`
}

// addedMatcher finds added tokens, the longest of those that start leftmost. The zero value finds none.
type addedMatcher struct {
	tokens []addedToken
	starts [256]bool
	trie   []trieNode
}

type trieNode struct {
	token int // index into tokens, -1 for none
	next  map[byte]int
}

// add puts the token in under its content, which must not be empty.
func (m *addedMatcher) add(content string, token addedToken) {
	if len(m.trie) == 0 {
		m.trie = []trieNode{{token: -1}}
	}
	m.starts[content[0]] = true
	node := 0
	for i := range len(content) {
		child, ok := m.trie[node].next[content[i]]
		if !ok {
			child = len(m.trie)
			m.trie = append(m.trie, trieNode{token: -1})
			if m.trie[node].next == nil {
				m.trie[node].next = map[byte]int{}
			}
			m.trie[node].next[content[i]] = child
		}
		node = child
	}
	m.trie[node].token = len(m.tokens)
	m.tokens = append(m.tokens, token)
}

// longest returns the longest token that starts at text[i:], nil when there is none, and its end.
func (m *addedMatcher) longest(text string, i int) (token *addedToken, end int) {
	node := 0
	for i < len(text) {
		child, ok := m.trie[node].next[text[i]]
		if !ok {
			break
		}
		i++
		node = child
		if t := m.trie[node].token; t >= 0 {
			token, end = &m.tokens[t], i
		}
	}
	return token, end
}

// split calls emit for the stretches of text in order: with a nil token for those between added tokens, which are never
// empty. Special tokens are passed over when plain is true.
func (m *addedMatcher) split(text string, plain bool, emit func(stretch string, token *addedToken)) {
	done := 0 // text[:done] has been emitted
	for i := 0; i < len(text) && len(m.tokens) > 0; {
		if !m.starts[text[i]] {
			i++
			continue
		}
		token, end := m.longest(text, i)
		if token == nil {
			i++
			continue
		}
		start := i
		i = end
		if token.Special && plain || start < done || token.SingleWord && touchesWord(text, start, end) {
			continue
		}
		if token.LeftStrip {
			start = max(done, len(strings.TrimRightFunc(text[:start], unicode.IsSpace)))
		}
		if token.RightStrip {
			end = len(text) - len(strings.TrimLeftFunc(text[end:], unicode.IsSpace))
		}
		if done < start {
			emit(text[done:start], nil)
		}
		emit(text[start:end], token)
		done = end
	}
	if done < len(text) {
		emit(text[done:], nil)
	}
}

// touchesWord reports whether a word character stands right before start or right after end.
func touchesWord(text string, start, end int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:start])
	after, _ := utf8.DecodeRuneInString(text[end:])
	return start > 0 && isWordChar(before) || end < len(text) && isWordChar(after)
}

// isWordChar is `\w` of Unicode regular expressions: alphabetic, mark, decimal number, connector punctuation, join control.
func isWordChar(char rune) bool {
	return unicode.IsLetter(char) || unicode.IsMark(char) || unicode.Is(unicode.Nd, char) || unicode.Is(unicode.Nl, char) ||
		unicode.Is(unicode.Other_Alphabetic, char) || unicode.Is(unicode.Pc, char) || unicode.Is(unicode.Join_Control, char)
}
