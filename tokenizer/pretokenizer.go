package tokenizer

import (
	"strings"
	"unicode"
)

// A step is one part of the pre-tokenizer: it hands the pieces of a text to emit, in order.
type step interface {
	split(text string, emit func(piece string))
}

// scanStep splits by a scanner, without allocating.
type scanStep struct{ scan scanner }

func (s scanStep) split(text string, emit func(string)) {
	for i := 0; i < len(text); {
		end := s.scan(text, i)
		emit(text[i:end])
		i = end
	}
}

// findStep splits at what a finder finds.
type findStep struct {
	find   finder
	invert bool // the stretches between the finds count as matches
	pieces behaviour
}

func (s findStep) split(text string, emit func(string)) {
	cover := s.find(text)
	if s.invert {
		for i := range cover {
			cover[i].Match = !cover[i].Match
		}
	}
	for _, piece := range s.pieces(cover) {
		emit(text[piece.Start:piece.End])
	}
}

// prefixStep puts a space before a text that does not begin with one.
type prefixStep struct{}

func (prefixStep) split(text string, emit func(string)) {
	if text[0] != ' ' {
		text = " " + text
	}
	emit(text)
}

// wordsApart leaves the white space out.
var wordsApart = findStep{find: charFinder(unicode.IsSpace), pieces: removeMatches}

// metaspace stands for a space in the pieces of SentencePiece.
const metaspace = "\u2581"

// metaspaceStep writes spaces as another string, and cuts before each.
type metaspaceStep struct {
	replacement string
	prefix      bool // a text that does not begin with a space gets one
	cut         bool
}

func (s metaspaceStep) split(text string, emit func(string)) {
	text = strings.ReplaceAll(text, " ", s.replacement)
	if s.prefix && !strings.HasPrefix(text, s.replacement) {
		text = s.replacement + text
	}
	if !s.cut {
		emit(text)
		return
	}
	findStep{find: literalFinder(s.replacement), pieces: mergeWithNext}.split(text, emit)
}

// preTokenizer splits a text into the words that the merges apply to. The steps before ByteLevel work on the text, those
// after it on the byte alphabet: there "½" is 'Â' and '½', and only the second is a number.
type preTokenizer struct {
	text     []step
	alphabet []step
	once     bool // a prefix is for the beginning of the whole text alone, not for what follows an added token
}

// continued is the pre-tokenizer of a text that goes on from another: it puts nothing before it.
func (p preTokenizer) continued() preTokenizer {
	if len(p.text) == 0 {
		return p
	}
	switch first := p.text[0].(type) {
	case prefixStep:
		p.text = p.text[1:]
	case metaspaceStep:
		first.prefix = false
		p.text = append([]step{first}, p.text[1:]...)
	}
	return p
}

// split calls emit for every word of text, as bytes. The text must not be empty.
func (p *preTokenizer) split(text string, emit func(word string)) {
	if len(p.alphabet) == 0 {
		splitAll(p.text, text, emit)
		return
	}
	splitAll(p.text, text, func(piece string) {
		splitAll(p.alphabet, toAlphabet(piece), func(word string) {
			// A step only cuts, so each word is within the alphabet as well.
			word, _ = fromAlphabet(word)
			emit(word)
		})
	})
}

// splitAll passes text through the steps, each splitting the pieces of the one before.
func splitAll(steps []step, text string, emit func(string)) {
	if len(steps) == 0 {
		emit(text)
		return
	}
	if len(steps) == 1 {
		steps[0].split(text, emit)
		return
	}
	steps[0].split(text, func(piece string) { splitAll(steps[1:], piece, emit) })
}

// setPrefixSpace overrides the prefix space of a pre-tokenizer that is one ByteLevel step.
func (p *preTokenizer) setPrefixSpace(on bool) {
	if len(p.text) > 0 {
		if _, ok := p.text[0].(prefixStep); ok {
			p.text = p.text[1:]
		}
	}
	if on {
		p.text = append([]step{prefixStep{}}, p.text...)
	}
}
