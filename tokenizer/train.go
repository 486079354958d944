package tokenizer

import (
	"iter"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// TrainOptions are the settings of Train.
type TrainOptions struct {
	// VocabSize is the number of tokens to end with: special tokens, the 256 bytes, and merges.
	VocabSize int
	// SpecialTokens get the first ids and are never learned from. The first of them ends and begins a text.
	SpecialTokens []string
	// MinFrequency is how often a pair must occur to be merged; 0 counts as 1.
	MinFrequency int
}

// Train learns a byte-level vocabulary from texts: words by GPT-2's pattern, then the most frequent pair of neighbouring
// tokens becomes a token, again and again. Of equally frequent pairs the one with the lower ids comes first, so the same
// texts, in whatever order, give the same vocabulary. It holds fewer than VocabSize tokens where the texts run out of pairs.
func Train(texts iter.Seq[string], options TrainOptions) (*Tokenizer, error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	trainer := newTrainer(options)
	trainer.addWords(countWords(texts, options.SpecialTokens))
	trainer.learn(options.VocabSize, max(1, options.MinFrequency))
	return trained(trainer.pieces, trainer.merges, options.SpecialTokens)
}

func (o TrainOptions) check() error {
	seen := map[string]bool{}
	for _, token := range o.SpecialTokens {
		_, bytes := fromAlphabet(token)
		switch {
		case token == "":
			return usage.Errorf("train tokenizer: a special token is empty")
		case seen[token]:
			return usage.Errorf("train tokenizer: special token %q is given twice", token)
		case bytes && len([]rune(token)) == 1:
			return usage.Errorf("train tokenizer: special token %q is a single byte, which is a token already", token)
		}
		seen[token] = true
	}
	if least := len(o.SpecialTokens) + 256; o.VocabSize < least || o.VocabSize > maxTokenID {
		return usage.Errorf("train tokenizer: vocabulary size %d: want %d (256 bytes and %d special tokens) to %d",
			o.VocabSize, least, len(o.SpecialTokens), maxTokenID)
	}
	if o.MinFrequency < 0 {
		return usage.Errorf("train tokenizer: minimum frequency %d: want 0 or more", o.MinFrequency)
	}
	return nil
}

// countWords counts the words of all texts, without the special tokens.
func countWords(texts iter.Seq[string], specials []string) map[string]int {
	var matcher addedMatcher
	for _, token := range specials {
		matcher.add(token, addedToken{Content: token, Special: true})
	}
	counts := map[string]*int{}
	words := scanStep{scanGPT2}
	count := func(word string) {
		if known := counts[word]; known != nil {
			*known++
			return
		}
		first := 1
		counts[strings.Clone(word)] = &first
	}
	for text := range texts {
		matcher.split(text, false, func(stretch string, token *addedToken) {
			if token == nil {
				words.split(stretch, count)
			}
		})
	}
	flat := make(map[string]int, len(counts))
	for word, n := range counts {
		flat[word] = *n
	}
	return flat
}
