package data

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Tokenizer turns text into ids. It is used by several goroutines at once.
type Tokenizer interface {
	// Encode puts nothing around the text.
	Encode(text string) []int32
	// VocabSize is one more than the largest id Encode gives.
	VocabSize() int
	// EOS is the token that ends a response; ok is false where there is none.
	EOS() (id int32, ok bool)
}

// SpecialsTokenizer is a tokenizer that says which token begins a text. Records in text form begin with it, once, where
// EncodeWithSpecials puts it: with a Llama tokenizer, not with GPT-2's. That a tokenizer merely has such a token means
// nothing; many models were trained without.
type SpecialsTokenizer interface {
	Tokenizer
	BOS() (id int32, ok bool)
	EncodeWithSpecials(text string) []int32
}

// TruncationMode says which end of an overlong prompt is kept.
type TruncationMode string

// The truncation modes. The empty mode is KeepEnd.
const (
	KeepEnd   TruncationMode = "keep_end"
	KeepStart TruncationMode = "keep_start"
)

// Limits bounds the lengths of tokenised records. A limit of 0 does not bound.
type Limits struct {
	MaxLength           int            // ids of prompt and response together; responses are cut at their end
	MaxPromptLength     int            // ids of the prompt, a beginning-of-sequence token included
	MaxCompletionLength int            // ids of a response, the end-of-sequence token included
	TruncationMode      TruncationMode // how prompts are cut; a beginning-of-sequence token stays in either mode
}

// Validate reports every limit that makes no sense, by the name of its setting.
func (l Limits) Validate() error {
	var problems []error
	for _, s := range []struct {
		name  string
		value int
	}{{"max_length", l.MaxLength}, {"max_prompt_length", l.MaxPromptLength}, {"max_completion_length", l.MaxCompletionLength}} {
		if s.value < 0 {
			problems = append(problems, fmt.Errorf("%s: %d is negative; give a number of tokens, or 0 for no limit", s.name, s.value))
		}
	}
	if l.MaxLength == 1 {
		problems = append(problems, errors.New("max_length: 1 leaves no room for a prompt and a response; give at least 2"))
	}
	if l.MaxLength > 0 && l.MaxPromptLength >= l.MaxLength {
		problems = append(problems, fmt.Errorf("max_prompt_length: %d leaves no room for a response in max_length %d; lower it or raise max_length",
			l.MaxPromptLength, l.MaxLength))
	}
	switch l.TruncationMode {
	case "", KeepEnd, KeepStart:
	default:
		problems = append(problems, fmt.Errorf("truncation_mode: unknown mode %q; known: %s, %s", l.TruncationMode, KeepEnd, KeepStart))
	}
	return usage.Wrap(errors.Join(problems...))
}

// Why a record that is right in itself is not trained on.
const (
	// DropPromptTooLong: the prompt alone fills max_length.
	DropPromptTooLong Reason = "prompt fills max_length"
	// DropCutAlike: the two sides are the same ids, or became so when they were cut.
	DropCutAlike Reason = "sides alike as tokens"
	// DropTooShort: running text of a single token, which nothing predicts.
	DropTooShort Reason = "text of one token"
)

// Outcome is what tokenising did to a record.
type Outcome struct {
	Dropped            Reason // "" when the pair is to be used
	PromptTruncated    bool
	ResponsesTruncated int  // 0 to 2
	Straddled          bool // prompt and response were tokenised apart because a token would have straddled their border
}

// Tokenise turns a record into ids within the limits. tok may be nil for records that are ids already. Every id must be
// below vocabSize, the size of the model's vocabulary.
//
// Running text (a supervised record without prompt) becomes a prompt of its first token, the beginning-of-sequence token
// where there is one, and a response of all the others: every token that something predicts is trained on, as TRL does.
//
// When Outcome.Dropped is set the pair is empty. A record that cannot be tokenised gives a *[BadRecord].
func Tokenise(rec Record, tok Tokenizer, vocabSize int, limits Limits) (TokenPair, Outcome, error) {
	t := newTokeniser(LoadOptions{Tokenizer: tok, VocabSize: vocabSize, Limits: limits})
	return t.pair(rec)
}

// tokeniser tokenises the records of a load.
type tokeniser struct {
	LoadOptions
	encoder encoder // without a tokenizer, its zero value
}

func newTokeniser(o LoadOptions) *tokeniser {
	t := &tokeniser{LoadOptions: o}
	if o.Tokenizer != nil {
		t.encoder = newEncoder(o.Tokenizer)
	}
	return t
}

func (t *tokeniser) tokenise(rec Record) (example, Outcome, error) {
	pair, out, err := t.pair(rec)
	return exampleOf(pair), out, err
}

func (t *tokeniser) pair(rec Record) (TokenPair, Outcome, error) {
	var out Outcome
	limits := t.Limits
	if err := rec.check(); err != nil {
		return TokenPair{}, out, err
	}
	pair, bos, err := t.encodeRecord(rec, &out)
	if err != nil {
		return TokenPair{}, Outcome{}, err
	}
	if err := checkVocabulary(rec, pair, t.VocabSize); err != nil {
		return TokenPair{}, Outcome{}, err
	}
	if rec.Prompt.IsZero() {
		pair, limits = splitText(pair), Limits{MaxLength: limits.MaxLength}
	}
	if len(pair.Chosen) == 0 {
		return TokenPair{}, Outcome{Dropped: DropTooShort}, nil
	}
	if reason := truncate(&pair, bos, limits, &out); reason != "" {
		return TokenPair{}, Outcome{Dropped: reason}, nil
	}
	return pair, out, nil
}

// encodeRecord gives the whole ids of all fields. bos tells whether the prompt begins with the beginning-of-sequence token.
func (t *tokeniser) encodeRecord(rec Record, out *Outcome) (pair TokenPair, bos bool, err error) {
	pair.Source = rec.Source
	if rec.Chosen.Form == IDs {
		pair.Prompt, pair.Chosen, pair.Rejected = rec.Prompt.IDs, rec.Chosen.IDs, rec.Rejected.IDs
		return pair, false, nil
	}
	if t.Tokenizer == nil {
		return TokenPair{}, false, usage.Errorf("%s: field %q is text, but there is no tokenizer; give a model folder with a tokenizer, or records of token ids",
			rec.Source, rec.response())
	}
	e := t.encoder
	pair.Prompt = e.encode(rec.Prompt.Text)
	if len(pair.Prompt) == 0 && !rec.Prompt.IsZero() {
		return TokenPair{}, false, badRecord(rec.Source, "prompt", ReasonEmpty,
			"no tokens, and the tokenizer begins texts with no token either; nothing would predict the first token of the response")
	}
	for _, side := range []struct {
		field   string
		content Content
		ids     *[]int32
	}{{rec.response(), rec.Chosen, &pair.Chosen}, {"rejected", rec.Rejected, &pair.Rejected}} {
		if side.content.IsZero() {
			continue
		}
		ids, straddled := e.response(pair.Prompt, rec.Prompt.Text, side.content.Text)
		if len(ids) == 0 {
			return TokenPair{}, false, badRecord(rec.Source, side.field, ReasonEmpty, "no tokens; a record needs a response")
		}
		*side.ids = e.ended(ids)
		out.Straddled = out.Straddled || straddled
	}
	return pair, e.addBOS, nil
}

// splitText makes the first token of running text the prompt, unless a beginning-of-sequence token is that already.
func splitText(pair TokenPair) TokenPair {
	if len(pair.Prompt) == 0 {
		pair.Prompt, pair.Chosen = pair.Chosen[:1], pair.Chosen[1:]
	}
	return pair
}

func checkVocabulary(rec Record, pair TokenPair, vocabSize int) error {
	for _, f := range []struct {
		name string
		ids  []int32
	}{{"prompt", pair.Prompt}, {rec.response(), pair.Chosen}, {"rejected", pair.Rejected}} {
		i := slices.IndexFunc(f.ids, func(id int32) bool { return id < 0 || int(id) >= vocabSize })
		if i >= 0 {
			return badRecord(rec.Source, f.name, ReasonVocabulary, "id %d is outside the model's vocabulary of %d entries (0 to %d); use the model's own tokenizer",
				f.ids[i], vocabSize, vocabSize-1)
		}
	}
	return nil
}

// truncate cuts the pair to the limits. It gives a reason where nothing fit to train on is left.
func truncate(pair *TokenPair, bos bool, limits Limits, out *Outcome) Reason {
	if most := limits.MaxPromptLength; most > 0 && len(pair.Prompt) > most {
		pair.Prompt = cutPrompt(pair.Prompt, most, bos, limits.TruncationMode)
		out.PromptTruncated = true
	}
	if limits.MaxLength > 0 && len(pair.Prompt) >= limits.MaxLength {
		return DropPromptTooLong
	}
	for _, side := range []*[]int32{&pair.Chosen, &pair.Rejected} {
		room := len(*side)
		if limits.MaxLength > 0 {
			room = min(room, limits.MaxLength-len(pair.Prompt))
		}
		if limits.MaxCompletionLength > 0 {
			room = min(room, limits.MaxCompletionLength)
		}
		if room < len(*side) {
			*side = (*side)[:room:room]
			out.ResponsesTruncated++
		}
	}
	if slices.Equal(pair.Chosen, pair.Rejected) {
		return DropCutAlike
	}
	return ""
}

func cutPrompt(ids []int32, most int, bos bool, mode TruncationMode) []int32 {
	if mode == KeepStart {
		return slices.Clone(ids[:most])
	}
	cut := slices.Clone(ids[len(ids)-most:])
	if bos {
		cut[0] = ids[0]
	}
	return cut
}
