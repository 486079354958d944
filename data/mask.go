package data

import (
	"encoding/json"
	"fmt"
	"math"
)

// ReasonMask says that the weights of a record's tokens are missing or are not one finite number a token.
const ReasonMask Reason = "wrong mask"

// maskFields are the fields with the weights of the chosen and of the rejected response's tokens.
var maskFields = [2]string{"chosen_mask", "rejected_mask"}

// addMasks reads the weights of a record's response tokens, before responses are cut.
func (t *tokeniser) addMasks(rec Record, made *tokenised) error {
	if len(made.chosen) != 1 || len(made.rejected) != 1 || made.ratings != nil {
		return badRecord(rec.Source, "", ReasonMask, "has no single chosen and rejected response, to whose tokens %q and %q could belong; give pairs", maskFields[0], maskFields[1])
	}
	for i, ids := range [][]int32{made.chosen[0], made.rejected[0]} {
		weights, problem := parseMask(rec.masks[i])
		if problem == "" && len(weights) != len(ids) {
			problem = fmt.Sprintf("%d numbers, but the response has %d tokens%s; give one a token", len(weights), len(ids), t.endText(ids))
		}
		if problem != "" {
			return badRecord(rec.Source, maskFields[i], ReasonMask, "%s", problem)
		}
		made.masks[i] = weights
	}
	return nil
}

// endText says of ids that their last one is the end-of-sequence token, which a user may have forgotten.
func (t *tokeniser) endText(ids []int32) string {
	if t.Tokenizer == nil {
		return ""
	}
	if eos, ok := t.Tokenizer.EOS(); ok && ids[len(ids)-1] == eos {
		return ", the end-of-sequence token included"
	}
	return ""
}

// parseMask reads a list of numbers. A problem comes back as text.
func parseMask(raw json.RawMessage) (weights []float32, problem string) {
	if len(raw) == 0 || kindOf(raw) == "null" {
		return nil, fmt.Sprintf("missing; masks from a file need %q and %q, a list of one number a response token each", maskFields[0], maskFields[1])
	}
	var numbers []*float64
	if err := json.Unmarshal(raw, &numbers); err != nil {
		return nil, fmt.Sprintf("found %s that is no list of numbers; give one number a response token", kindOf(raw))
	}
	weights = make([]float32, len(numbers))
	for i, x := range numbers {
		if x == nil {
			return nil, fmt.Sprintf("number %d is null; give one number a response token", i+1)
		}
		if weights[i] = float32(*x); math.IsInf(float64(weights[i]), 0) {
			return nil, fmt.Sprintf("number %d, %g, is too large", i+1, *x)
		}
	}
	return weights, ""
}

// cutMasks cuts the weights as the responses were cut.
func (e *example) cutMasks() {
	if e.masks[0] != nil {
		e.masks[0], e.masks[1] = e.masks[0][:len(e.chosen[0])], e.masks[1][:len(e.rejected[0])]
	}
}

// masksFit reports whether a pair has no masks, or one weight for every response token.
func (p TokenPair) masksFit() bool {
	return p.ChosenMask == nil && p.RejectedMask == nil || len(p.ChosenMask) == len(p.Chosen) && len(p.RejectedMask) == len(p.Rejected)
}

// bitsOf stores numbers as words.
func bitsOf(numbers []float32) []int32 {
	words := make([]int32, len(numbers))
	for i, x := range numbers {
		words[i] = int32(math.Float32bits(x))
	}
	return words
}

// numbersOf is the inverse of bitsOf.
func numbersOf(words []int32) []float32 {
	numbers := make([]float32, len(words))
	for i, w := range words {
		numbers[i] = math.Float32frombits(uint32(w))
	}
	return numbers
}
