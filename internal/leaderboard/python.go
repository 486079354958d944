package leaderboard

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// pythonList reads a list of strings as Python's repr writes it.
func pythonList(text string) ([]string, error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), "[")
	if !ok {
		return nil, fmt.Errorf("found %.40q, expected a list that begins with [", text)
	}
	var list []string
	for {
		rest = strings.TrimLeft(rest, " \t\r\n")
		if end, ok := strings.CutPrefix(rest, "]"); ok {
			if strings.TrimSpace(end) != "" {
				return nil, fmt.Errorf("found %.40q after the list", end)
			}
			return list, nil
		}
		one, after, err := pythonString(rest)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
		rest = strings.TrimLeft(after, " \t\r\n")
		if after, ok := strings.CutPrefix(rest, ","); ok {
			rest = after
		} else if !strings.HasPrefix(rest, "]") {
			return nil, fmt.Errorf("found %.40q after a string, expected a comma or ]", rest)
		}
	}
}

// pythonString reads a string in single or double quotes at the beginning of text, and gives what follows it.
func pythonString(text string) (value, rest string, err error) {
	if text == "" || text[0] != '\'' && text[0] != '"' {
		return "", "", fmt.Errorf("found %.40q, expected a string in quotes", text)
	}
	quote := text[0]
	var b strings.Builder
	for i := 1; i < len(text); {
		switch c := text[i]; c {
		case quote:
			return b.String(), text[i+1:], nil
		case '\\':
			piece, n, err := pythonEscape(text[i:])
			if err != nil {
				return "", "", err
			}
			b.WriteString(piece)
			i += n
		default:
			b.WriteByte(c)
			i++
		}
	}
	return "", "", fmt.Errorf("found %.40q, a string without its closing quote", text)
}

// pythonEscape reads an escape sequence and gives its length. An unknown one stands for itself, as in Python.
func pythonEscape(text string) (value string, length int, err error) {
	if len(text) < 2 {
		return "", 0, fmt.Errorf("a backslash at the end")
	}
	switch c := text[1]; c {
	case '\\', '\'', '"':
		return string(c), 2, nil
	case 'n':
		return "\n", 2, nil
	case 't':
		return "\t", 2, nil
	case 'r':
		return "\r", 2, nil
	case 'x', 'u', 'U':
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
		if len(text) < 2+digits {
			return "", 0, fmt.Errorf("found %q, expected %d hexadecimal digits after \\%c", text, digits, c)
		}
		code, err := strconv.ParseUint(text[2:2+digits], 16, 32)
		if err != nil || !utf8.ValidRune(rune(code)) {
			return "", 0, fmt.Errorf("found %q, no character", text[:2+digits])
		}
		return string(rune(code)), 2 + digits, nil
	}
	return text[:2], 2, nil
}
