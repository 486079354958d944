package data

import (
	"cmp"
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

// ContinuingTokenizer is a tokenizer that puts a space before a text, as Llama's does, but can leave it out.
type ContinuingTokenizer interface {
	Tokenizer
	// EncodeContinuation is Encode for a text that goes on from another.
	EncodeContinuation(text string) []int32
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
	// DropTooManyWords: a response is longer than max_response_words.
	DropTooManyWords Reason = "response of too many words"
	// DropNoPair: no answer passed, or none failed, or a prompt's responses are fewer than two or rated alike.
	DropNoPair Reason = "no pair among the responses"
)

// Outcome is what tokenising did to a record.
type Outcome struct {
	Dropped            Reason // "" when the pair is to be used
	PromptTruncated    bool
	ResponsesTruncated int
	Straddled          bool // prompt and response were tokenised apart because a token would have straddled their border
	PlainDialogue      bool // messages were written as a plain dialogue, as there is no chat template
	WordsJoined        bool // a response begins with a letter or digit right where the prompt ends with one
	TurnsMissed        int  // turns of the assistant's that are not learned, as the chat template writes them otherwise when more follows
	TemplateCut        bool // the chat template renders the prompt otherwise when a response follows; what both share was taken
}

// Tokenise turns a record into ids within the limits. tok may be nil for records that are ids already. Every id must be
// below vocabSize, the size of the model's vocabulary. Messages are written as a plain dialogue; of many answers the first
// that passed and the first that failed are taken.
//
// Of the messages in a supervised record's response all turns of the assistant's are learned, and no others.
//
// Running text (a supervised record without prompt) becomes a prompt of its first token, the beginning-of-sequence token
// where there is one, and a response of all the others: every token that something predicts is trained on, as TRL does.
//
// When Outcome.Dropped is set the pair is empty. A record that cannot be tokenised gives a *[BadRecord].
func Tokenise(rec Record, tok Tokenizer, vocabSize int, limits Limits) (TokenPair, Outcome, error) {
	t := newTokeniser(LoadOptions{Tokenizer: tok, VocabSize: vocabSize, Limits: limits})
	made, out, err := t.tokenise(rec)
	if err != nil || out.Dropped != "" {
		return TokenPair{}, out, err
	}
	pair := TokenPair{Source: made.source, Prompt: made.prompt, Chosen: made.chosen[0], Given: made.given}
	if len(made.rejected) > 0 {
		pair.Rejected = made.rejected[0]
	}
	return pair, out, nil
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

// tokenised is what tokenising makes of a record. Rated responses stand in chosen, and pairs are still to be made of them.
type tokenised struct {
	example
	ratings []float64
}

func (t *tokeniser) tokenise(rec Record) (tokenised, Outcome, error) {
	none := tokenised{}
	if err := rec.check(); err != nil {
		return none, Outcome{}, err
	}
	w, out, err := t.written(rec)
	if err != nil {
		return none, Outcome{}, err
	}
	if out.Dropped = cmp.Or(out.Dropped, t.dropLong(&w)); out.Dropped != "" {
		return none, Outcome{Dropped: out.Dropped}, nil
	}
	out.WordsJoined = w.joinsWords()
	made, err := t.encode(rec, w, &out)
	if err != nil {
		return none, Outcome{}, err
	}
	if err := checkVocabulary(rec, made.example, t.VocabSize); err != nil {
		return none, Outcome{}, err
	}
	if t.Masks {
		if err := t.addMasks(rec, &made); err != nil {
			return none, Outcome{}, err
		}
	}
	if reason := t.fit(rec, &made, &out); reason != "" {
		return none, Outcome{Dropped: reason}, nil
	}
	made.cutMasks()
	return made, out, nil
}

// fit cuts to the limits and drops what then prefers nothing.
func (t *tokeniser) fit(rec Record, made *tokenised, out *Outcome) Reason {
	limits := t.Limits
	if rec.Prompt.IsZero() {
		limits = Limits{MaxLength: limits.MaxLength}
		if splitText(&made.example); len(made.chosen[0]) == 0 {
			return DropTooShort
		}
	}
	bos := t.encoder.addBOS && rec.Chosen.Form != IDs
	if reason := truncate(&made.example, bos, limits, out); reason != "" {
		return reason
	}
	if len(made.rejected) == 0 {
		return ""
	}
	made.rejected = slices.DeleteFunc(made.rejected, func(ids []int32) bool {
		return slices.ContainsFunc(made.chosen, func(other []int32) bool { return slices.Equal(ids, other) })
	})
	if len(made.rejected) == 0 {
		return DropCutAlike
	}
	return ""
}

// encode gives the whole ids of all parts.
func (t *tokeniser) encode(rec Record, w written, out *Outcome) (tokenised, error) {
	made := tokenised{example: example{source: rec.Source}, ratings: w.ratings}
	if rec.Chosen.Form == IDs {
		made.prompt, made.chosen = rec.Prompt.IDs, [][]int32{rec.Chosen.IDs}
		if !rec.Rejected.IsZero() {
			made.rejected = [][]int32{rec.Rejected.IDs}
		}
		return made, nil
	}
	if t.Tokenizer == nil {
		return tokenised{}, usage.Errorf("%s: field %q is text, but there is no tokenizer; give a model folder with a tokenizer, or records of token ids",
			rec.Source, rec.response())
	}
	made.prompt = t.encoder.encode(w.prompt)
	if len(made.prompt) == 0 && !rec.Prompt.IsZero() {
		return tokenised{}, badRecord(rec.Source, "prompt", ReasonEmpty,
			"no tokens, and the tokenizer begins texts with no token either; nothing would predict the first token of the response")
	}
	var err error
	if w.turns != nil {
		return made, t.conversation(rec, &made.example, w, out)
	}
	if made.chosen, err = t.responses(rec, rec.response(), made.prompt, w, w.chosen, out); err != nil {
		return tokenised{}, err
	}
	made.rejected, err = t.responses(rec, "rejected", made.prompt, w, w.rejected, out)
	return made, err
}

// responses tokenises the responses of one side.
func (t *tokeniser) responses(rec Record, field string, prompt []int32, w written, texts []string, out *Outcome) ([][]int32, error) {
	var list [][]int32
	for _, text := range texts {
		pieces, straddled := t.encoder.pieces(prompt, w.prompt, []string{text})
		ids := pieces[0]
		if len(ids) == 0 {
			return nil, badRecord(rec.Source, field, ReasonEmpty, "no tokens; a record needs a response")
		}
		if !w.ended {
			ids = t.encoder.ended(ids)
		}
		list = append(list, ids)
		out.Straddled = out.Straddled || straddled
	}
	return list, nil
}

// conversation tokenises the turns after a prompt as one response, of which those of others are not learned.
func (t *tokeniser) conversation(rec Record, e *example, w written, out *Outcome) error {
	pieces, straddled := t.encoder.pieces(e.prompt, w.prompt, w.turns)
	var ids []int32
	learned := 0
	for i, piece := range pieces {
		switch others := i%2 == 1; {
		case !others:
			learned += len(piece)
		case len(piece) > 0:
			e.given = append(e.given, Span{len(ids), len(ids) + len(piece)})
		}
		ids = append(ids, piece...)
	}
	if learned == 0 {
		return badRecord(rec.Source, rec.response(), ReasonEmpty, "no tokens; a record needs a response")
	}
	if !w.ended {
		ids = t.encoder.ended(ids)
	}
	e.chosen, out.Straddled = [][]int32{ids}, straddled
	return nil
}

// splitText makes the first token of running text the prompt, unless a beginning-of-sequence token is that already.
func splitText(e *example) {
	if len(e.prompt) == 0 {
		e.prompt, e.chosen[0] = e.chosen[0][:1], e.chosen[0][1:]
	}
}

func checkVocabulary(rec Record, e example, vocabSize int) error {
	check := func(field string, ids []int32) error {
		i := slices.IndexFunc(ids, func(id int32) bool { return id < 0 || int(id) >= vocabSize })
		if i < 0 {
			return nil
		}
		return badRecord(rec.Source, field, ReasonVocabulary, "id %d is outside the model's vocabulary of %d entries (0 to %d); use the model's own tokenizer",
			ids[i], vocabSize, vocabSize-1)
	}
	err := check("prompt", e.prompt)
	for _, ids := range e.chosen {
		err = cmp.Or(err, check(rec.response(), ids))
	}
	for _, ids := range e.rejected {
		err = cmp.Or(err, check("rejected", ids))
	}
	return err
}

// truncate cuts prompt and responses to the limits. It gives a reason where nothing fit to train on is left.
func truncate(e *example, bos bool, limits Limits, out *Outcome) Reason {
	if most := limits.MaxPromptLength; most > 0 && len(e.prompt) > most {
		e.prompt = cutPrompt(e.prompt, most, bos, limits.TruncationMode)
		out.PromptTruncated = true
	}
	if limits.MaxLength > 0 && len(e.prompt) >= limits.MaxLength {
		return DropPromptTooLong
	}
	for _, side := range [][][]int32{e.chosen, e.rejected} {
		for i, ids := range side {
			room := len(ids)
			if limits.MaxLength > 0 {
				room = min(room, limits.MaxLength-len(e.prompt))
			}
			if limits.MaxCompletionLength > 0 {
				room = min(room, limits.MaxCompletionLength)
			}
			if room < len(ids) {
				side[i], e.given = cutResponse(ids, e.given, room)
				out.ResponsesTruncated++
			}
			if len(side[i]) == tokensIn(e.given) {
				return DropPromptTooLong
			}
		}
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
