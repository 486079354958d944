package data

// TokenPair is a tokenised preference pair. Both responses share the prompt's ids; the end-of-sequence token, where the
// record ended naturally, is the last id of a response.
type TokenPair struct {
	// Source says where the record stands, as "file:line".
	Source string
	// Prompt may be empty only for training on plain text.
	Prompt []int32
	// Chosen has at least one id.
	Chosen []int32
	// Rejected has at least one id in a preference pair and is empty in a supervised example.
	Rejected []int32
	// Given are the stretches of Chosen that the model reads and does not learn, in order: in a supervised example of a
	// conversation, what others say between the assistant's turns. nil where all of Chosen is learned.
	Given []Span
	// ChosenMask and RejectedMask are the weights of the responses' tokens, one each, where the records give them (see
	// LoadOptions.Masks); nil elsewhere.
	ChosenMask, RejectedMask []float32
}

// Length is the number of positions that the prompt and the longer response take.
func (p TokenPair) Length() int { return p.lengths().longest() }

func (p TokenPair) lengths() lengths {
	return lengths{prompt: len(p.Prompt), chosen: len(p.Chosen), rejected: len(p.Rejected), given: tokensIn(p.Given)}
}

// Learned returns the ids of Chosen that are learned: all but those of Given.
func (p TokenPair) Learned() []int32 {
	if len(p.Given) == 0 {
		return p.Chosen
	}
	var ids []int32
	for _, s := range between(p.Given, len(p.Chosen)) {
		ids = append(ids, p.Chosen[s.First:s.End]...)
	}
	return ids
}

func lengthsOfPairs(pairs []TokenPair) []lengths {
	list := make([]lengths, len(pairs))
	for i, p := range pairs {
		list[i] = p.lengths()
	}
	return list
}

// sides returns the responses that are there.
func (p TokenPair) sides() [][]int32 {
	if len(p.Rejected) == 0 {
		return [][]int32{p.Chosen}
	}
	return [][]int32{p.Chosen, p.Rejected}
}

// givenFits reports whether the stretches that are not learned lie in the chosen response and leave some of it to learn.
// Only what a prompt stands before can have any, and only in a supervised example.
func (p TokenPair) givenFits() bool {
	if len(p.Given) == 0 {
		return true
	}
	return len(p.Prompt) > 0 && len(p.Rejected) == 0 && within(p.Given, len(p.Chosen)) && tokensIn(p.Given) < len(p.Chosen)
}
