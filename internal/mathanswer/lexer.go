package mathanswer

import (
	"fmt"
	"strings"
)

// A token is a number, a letter, a command (with its backslash) or a mark of LaTeX.
type token struct {
	kind byte // 'n' number, 'a' letter or letters that are one name, 'c' command, 't' a command's text, else the mark itself
	text string
}

// blank are commands that only move or size what is printed.
var blank = map[string]bool{
	`\,`: true, `\:`: true, `\;`: true, `\!`: true, `\-`: true, `\quad`: true, `\qquad`: true, `\left`: true, `\right`: true,
	`\thinspace`: true, `\medspace`: true, `\thickspace`: true, `\negthinspace`: true, `\displaystyle`: true, `\big`: true,
	`\Big`: true, `\bigl`: true, `\bigr`: true, `\limits`: true,
}

// tokenize splits LaTeX into tokens.
func (d dialect) tokenize(latex string) ([]token, error) {
	var tokens []token
	for i := 0; i < len(latex); {
		c := latex[i]
		switch {
		case strings.IndexByte(" \t\r\n~", c) >= 0:
			i++
		case isDigitByte(c) || (d.verify && c == '.' && i+1 < len(latex) && isDigitByte(latex[i+1])):
			number := d.number(latex[i:])
			tokens = append(tokens, token{'n', number})
			i += len(number)
		case isLetter(c):
			name := latex[i : i+1]
			if !d.verify && c == 'd' && i+1 < len(latex) && isLetter(latex[i+1]) {
				name = latex[i : i+2] // a differential, such as dx
			}
			tokens = append(tokens, token{'a', name})
			i += len(name)
		case c == '\\':
			command := command(latex[i:])
			i += len(command)
			if d.verify && (command == `\text` || command == `\mbox`) {
				text, end := braced(latex, i)
				tokens = append(tokens, token{'t', text})
				i = end
			} else if !blank[command] {
				if !isLetter(command[len(command)-1]) && !strings.Contains(d.marks(), command[1:]) {
					return nil, fmt.Errorf("%q is not known", command)
				}
				tokens = append(tokens, token{'c', command})
			}
		case strings.IndexByte(`+-*/(){}[]|_^:=<>!,.'&;%`, c) >= 0 && (d.verify || strings.IndexByte("&;%", c) < 0):
			tokens = append(tokens, token{c, string(c)})
			i++
		default:
			return nil, fmt.Errorf("character %q is not known", latex[i:min(i+4, len(latex))])
		}
	}
	return tokens, nil
}

// marks are those that stand after a backslash.
func (d dialect) marks() string {
	if d.verify {
		return `{}|%\`
	}
	return `{}|`
}

// number returns the number that a text starts with: digits, groups of three after commas, decimals.
func (d dialect) number(text string) string {
	end := digits(text)
	for end > 0 && end < len(text) && text[end] == ',' && digits(text[end+1:]) == 3 && (!d.verify || end <= 3 || isGrouped(text[:end])) {
		end += 4
	}
	if end < len(text) && text[end] == '.' && digits(text[end+1:]) > 0 {
		end += 1 + digits(text[end+1:])
	}
	return text[:end]
}

func isGrouped(number string) bool { return strings.Contains(number, ",") }

func digits(text string) int {
	n := 0
	for n < len(text) && isDigitByte(text[n]) {
		n++
	}
	return n
}

// command returns the command that a text starts with: a backslash and letters, or one other character.
func command(text string) string {
	end := 1
	for end < len(text) && isLetter(text[end]) {
		end++
	}
	if end == 1 && len(text) > 1 {
		end = 2
	}
	return text[:end]
}

// braced returns what stands between the braces at an offset, and the offset after them.
func braced(text string, at int) (content string, end int) {
	for at < len(text) && text[at] == ' ' {
		at++
	}
	if at >= len(text) || text[at] != '{' {
		return "", at
	}
	end = closingBrace(text, at)
	if end == 0 {
		return text[at+1:], len(text)
	}
	return text[at+1 : end-1], end
}

func isDigitByte(c byte) bool { return c >= '0' && c <= '9' }
func isLetter(c byte) bool    { return (c|0x20) >= 'a' && (c|0x20) <= 'z' }
