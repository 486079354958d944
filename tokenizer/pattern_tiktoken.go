package tokenizer

// The split patterns of Llama 3 (cl100k) and of Qwen2; they differ in the length of a number.
const (
	llama3Pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	qwen2Pattern  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// knownPatterns are the patterns with a scanner of their own; all others go through a regular-expression engine.
var knownPatterns = map[string]scanner{
	gpt2Pattern:   scanGPT2,
	llama3Pattern: func(text string, i int) int { return scanTiktoken(text, i, 3) },
	qwen2Pattern:  func(text string, i int) int { return scanTiktoken(text, i, 1) },
}

// scanTiktoken scans by llama3Pattern (maxDigits 3) or qwen2Pattern (maxDigits 1).
func scanTiktoken(text string, i, maxDigits int) int {
	if text[i] == '\'' {
		if end := contractionEnd(text, i, true); end > 0 {
			return end
		}
	}
	kind, size := kindAt(text, i)
	next := i + size
	switch kind {
	case kindLetter:
		return runEnd(text, next, kindLetter)
	case kindNumber:
		return digitsEnd(text, next, maxDigits-1)
	}
	if next < len(text) && !isLineBreak(text[i]) {
		nextKind, nextSize := kindAt(text, next)
		if nextKind == kindLetter {
			return runEnd(text, next+nextSize, kindLetter)
		}
		if text[i] == ' ' && nextKind == kindOther {
			return lineBreaksEnd(text, runEnd(text, next+nextSize, kindOther))
		}
	}
	if kind == kindOther {
		return lineBreaksEnd(text, runEnd(text, next, kindOther))
	}
	if end := lastLineBreakEnd(text, i); end > 0 {
		return end
	}
	return spaceEnd(text, i)
}

// digitsEnd matches up to limit further characters of kind number.
func digitsEnd(text string, i, limit int) int {
	for ; limit > 0 && i < len(text); limit-- {
		kind, size := kindAt(text, i)
		if kind != kindNumber {
			break
		}
		i += size
	}
	return i
}

func isLineBreak(c byte) bool { return c == '\n' || c == '\r' }

func lineBreaksEnd(text string, i int) int {
	for i < len(text) && isLineBreak(text[i]) {
		i++
	}
	return i
}

// lastLineBreakEnd returns the end of the last line break in the run of white space at text[i:], 0 without one.
func lastLineBreakEnd(text string, i int) int {
	found := 0
	for i < len(text) {
		kind, size := kindAt(text, i)
		if kind != kindSpace {
			break
		}
		if isLineBreak(text[i]) {
			found = i + 1
		}
		i += size
	}
	return found
}
