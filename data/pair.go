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
	// ChosenMask and RejectedMask are the weights of the responses' tokens, one each, where the records give them (see
	// LoadOptions.Masks); nil elsewhere.
	ChosenMask, RejectedMask []float32
}

// Length is the number of positions that the prompt and the longer response take.
func (p TokenPair) Length() int { return p.lengths().longest() }

func (p TokenPair) lengths() lengths { return lengths{len(p.Prompt), len(p.Chosen), len(p.Rejected)} }

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
