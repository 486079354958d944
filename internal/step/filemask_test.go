package step

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/loss"
)

// withMasks gives every response token of the pairs a weight.
func withMasks(pairs []data.TokenPair, weight func(pair, side, token int) float32) []data.TokenPair {
	list := slices.Clone(pairs)
	for i := range list {
		p := &list[i]
		for side, ids := range [][]int32{p.Chosen, p.Rejected} {
			into := []*[]float32{&p.ChosenMask, &p.RejectedMask}[side]
			*into = make([]float32, len(ids))
			for k := range ids {
				(*into)[k] = weight(i, side, k)
			}
		}
	}
	return list
}

// uneven is a weight that tells pairs, sides and tokens apart; some are 0, some negative.
func uneven(pair, side, token int) float32 {
	return float32((5*pair+3*side+7*token)%11)/4 - 0.25
}

func fileMasked(t testing.TB, name string) loss.Objective {
	t.Helper()
	o, ok := loss.Lookup(name)
	if !ok {
		t.Fatalf("no objective %q", name)
	}
	o.Mask = loss.FileMask
	return o
}

// layouts are shapes for invariantPairs: a row each, several in a row, the sides apart, more room than needed.
func layouts() map[string]data.Shape {
	tight := data.Fit(invariantPairs, len(invariantPairs), data.SharedPrompt)
	packed, padded := tight, tight
	packed.Rows, packed.Seq = 2, 17
	padded.Slots, padded.Rows, padded.Seq, padded.Responses = tight.Slots+2, tight.Rows+2, tight.Seq+7, tight.Responses+5
	return map[string]data.Shape{
		"a row each": tight, "two pairs in a row": packed, "padding": padded, "separate rows": data.Fit(invariantPairs, len(invariantPairs), data.Separate),
	}
}

// Masks of ones from a file make the masked objectives TDPO1, in values and gradients, whichever method they are asked of.
func TestFileMaskOfOnes(t *testing.T) {
	ones := withMasks(invariantPairs, func(int, int, int) float32 { return 1 })
	tdpo1, _ := loss.Lookup("tdpo1")
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		plain := smallProgram(t, e, tdpo1, Settings{})
		plainExec := valuesAndGradients(t, e, plain)
		for _, method := range []string{"sparse-common", "mapo"} {
			masked := smallProgram(t, e, fileMasked(t, method), Settings{})
			if len(masked.trained) != len(plain.trained) {
				t.Errorf("%s trains %d parameters, TDPO1 %d: a mask of its own", method, len(masked.trained), len(plain.trained))
			}
			exec := valuesAndGradients(t, e, masked)
			for name, shape := range layouts() {
				if e.Name != "go" && name != "two pairs in a row" {
					continue // preparing a graph takes long
				}
				b := collate(t, ones, shape)
				want := plain.outcome(t, plainExec, b, nil)
				want.tokens["reward mask"] = perToken(b, slices.Repeat([]float32{1}, b.Responses))
				want.tokens["KL mask"] = want.tokens["reward mask"]
				compare(t, method+", "+name, masked.outcome(t, exec, b, nil), want, 1e-7*e.Slack)
			}
		}
	})
}

// Any mask gives what plain arithmetic gives of the models' token values, and every token has its own weight in every layout.
func TestFileMaskArithmetic(t *testing.T) {
	pairs := withMasks(invariantPairs, uneven)
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for _, method := range []string{"sparse-independent", "sparse-dpop", "sparse-simpo"} {
			p := smallProgram(t, e, fileMasked(t, method), Settings{})
			for name, shape := range layouts() {
				if e.Name != "go" && name != "two pairs in a row" {
					continue // preparing a graph takes long
				}
				b := collate(t, pairs, shape)
				v, err := p.Evaluate(b, nil)
				if err != nil {
					t.Fatal(err)
				}
				for token, got := range perToken(b, v.RewardMask) {
					var pair, k int
					var side string
					if _, err := fmt.Sscanf(token, "%s of pair %d, token %d", &side, &pair, &k); err != nil {
						t.Fatal(err)
					}
					if want := uneven(pair, map[string]int{"chosen": 0, "rejected": 1}[side], k); got != float64(want) {
						t.Errorf("%s: mask of %s: %g, want %g", name, token, got, want)
					}
				}
				for slot := range b.Index {
					golden.Close(t, fmt.Sprintf("%s, %s: loss of pair %d", method, name, slot), float64(v.Loss[slot]), arithmetic(method, b, v, slot), 2e-6*e.Slack)
				}
			}
			p.Close()
		}
	})
}

// arithmetic is the loss of a pair from the token values and the weights of the pair, with the options of smallProgram.
func arithmetic(method string, b *data.Batch, v Values, slot int) float64 {
	const beta, gamma, lambda = 0.5, 0.3, 5
	var logRatio, kl, logProb, tokens [2]float64
	var next [2]int
	for i, owner := range b.Owner {
		if int(owner)%b.Pairs != slot || owner >= int64(2*b.Pairs) {
			continue
		}
		side := int(owner) / b.Pairs
		weight := float64(uneven(slot, side, next[side]))
		next[side]++
		tokens[side]++
		logProb[side] += weight * float64(v.LogProb[i])
		logRatio[side] += weight * (float64(v.LogProb[i]) - float64(v.Reference[i]))
		if v.ForwardKL != nil {
			kl[side] += weight * float64(v.ForwardKL[i])
		}
	}
	x := logRatio[0] - logRatio[1] + kl[0] - kl[1]
	switch method {
	case "sparse-dpop":
		x -= lambda * max(0, -logRatio[0])
	case "sparse-simpo":
		x = logProb[0]/tokens[0] - logProb[1]/tokens[1] - gamma/beta
	}
	return math.Log1p(math.Exp(-beta * x))
}

// Batches without masks are refused, and so is a training on them.
func TestFileMaskMissing(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		p := smallProgram(t, e, fileMasked(t, "sparse-common"), Settings{})
		if _, err := p.Evaluate(collate(t, invariantPairs, layouts()["padding"]), nil); err == nil {
			t.Error("a batch without masks was evaluated")
		}
	})
}
