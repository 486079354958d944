package mathanswer

import (
	"regexp"
	"strings"
)

// Invalid stands for an answer that was not found.
const Invalid = "[invalidanswer]"

// LastBoxed returns the last \boxed{…} of a solution, or else its last \fbox{…}, or [Invalid]. Where the text has a \boxed with a
// space after it, it returns what follows the last of those, up to a dollar sign.
func LastBoxed(solution string) string {
	const spaced = `\boxed `
	if at := strings.LastIndex(solution, spaced); at >= 0 {
		content, _, _ := strings.Cut(solution[at+len(spaced):], "$")
		return spaced + content
	}
	at := max(strings.LastIndex(solution, `\boxed`), -1)
	if at < 0 {
		at = strings.LastIndex(solution, `\fbox`)
	}
	if at < 0 {
		return Invalid
	}
	if end := closingBrace(solution, at); end > 0 {
		return solution[at:end]
	}
	return Invalid
}

// closingBrace returns the offset after the brace that closes the first one opened at or after an offset, 0 if there is none. A
// brace that closes before any was opened counts too, as in the reference.
func closingBrace(text string, from int) int {
	open := 0
	for i := from; i < len(text); i++ {
		switch text[i] {
		case '{':
			open++
		case '}':
			if open--; open == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// Unbox returns what stands in a \boxed that [LastBoxed] found; [Invalid] where it is something else.
func Unbox(boxed string) string {
	if strings.Contains(boxed, `\boxed `) {
		if content, ok := strings.CutPrefix(boxed, `\boxed `); ok {
			return content
		}
		return Invalid
	}
	content, ok := strings.CutPrefix(boxed, `\boxed{`)
	if content, closed := strings.CutSuffix(content, "}"); ok && closed {
		return content
	}
	return Invalid
}

var lastSentence = regexp.MustCompile(`Final Answer: The final answer is(.*?). I hope it is correct\.`)

// FinalAnswer returns the answer of a generation in the form that the few-shot examples show (Lewkowycz et al., "Solving
// Quantitative Reasoning Problems with Language Models", arXiv:2206.14858), or [Invalid].
func FinalAnswer(generation string) string {
	found := lastSentence.FindStringSubmatch(generation + "I hope it is correct.")
	if found == nil {
		return Invalid
	}
	return strings.TrimSpace(found[1])
}
