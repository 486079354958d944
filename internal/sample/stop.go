package sample

import (
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Request is a prompt and what ends its responses besides the end-of-sequence token.
type Request struct {
	Prompt []int32
	// Stop are strings that end a response as soon as its text holds one of them, wherever tokens begin and end. They need
	// Options.Decode.
	Stop []string
	// Stream chooses the random numbers of the responses, together with Options.Seed: what is drawn does not depend on the other
	// requests of the call.
	Stream int
}

// checkStop refuses strings that cannot be looked for.
func (o Options) checkStop(stop []string) error {
	for _, s := range stop {
		if s == "" {
			return usage.Errorf("stop: found an empty string, which would end every response before its first token")
		}
	}
	if len(stop) > 0 && o.Decode == nil {
		return usage.Errorf("stop: strings cannot be looked for without a tokenizer")
	}
	return nil
}

// stopAt finds the first place in a text where one of the strings begins; -1 if there is none.
func stopAt(text string, stop []string) int {
	first := -1
	for _, s := range stop {
		if at := strings.Index(text, s); at >= 0 && (first < 0 || at < first) {
			first = at
		}
	}
	return first
}

// stop cuts the response off before the first of the sequence's strings and reports whether there was one. Of the tokens
// those stay that the text before needs; the last of them may reach into the string.
func (q *sequence) stop(decode func([]int32) string, stop []string) bool {
	if len(stop) == 0 {
		return false
	}
	text := decode(q.IDs)
	at := stopAt(text, stop)
	if at < 0 {
		return false
	}
	text = text[:at]
	n := len(q.IDs)
	for n > 0 && strings.HasPrefix(decode(q.IDs[:n-1]), text) {
		n--
	}
	q.IDs, q.LogProbs, q.Text, q.Stopped = q.IDs[:n], q.LogProbs[:n], text, true
	return true
}
