package loss_test

import (
	"math"
	"slices"
	"testing"

	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/loss"
)

// nls is -logσ(x).
func nls(x float64) float64 { return math.Log1p(math.Exp(-x)) }

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// odds are the log odds of a log-probability.
func odds(x float64) float64 { return x - math.Log(1-math.Exp(x)) }

// The sums that the wants below are made of, from sample:
//
//	log-ratios  chosen 0: -0.25 + 0.75 = 0.5   rejected 0: -0.5 - 0.25 + 0.5 = -0.25        chosen 1: 1
//	forward KL  chosen 0: 0.5 + 0.125 = 0.625  rejected 0: 0.25 + 0.75 + 0.0625 = 1.0625    chosen 1: 0.375
//
// Pair 1 has no rejected token and slot 2 none at all: their sums are 0.
var closedForms = []closedForm{
	{
		name: "sft", method: "sft",
		loss:   []float64{(1.5 + 0.25) / 2, 0.75, 0},
		chosen: []float64{0.5 * 0.5, 0.5 * 1, 0}, rejected: []float64{0.5 * -0.25, 0, 0},
	},
	{
		name: "dpo", method: "dpo",
		loss:   []float64{nls(0.5 * (0.5 + 0.25)), nls(0.5 * 1), nls(0)},
		chosen: []float64{0.5 * 0.5, 0.5 * 1, 0}, rejected: []float64{0.5 * -0.25, 0, 0},
	},
	{
		name: "simpo", method: "simpo",
		loss:   []float64{nls(0.5*(-1.75/2+3.5/3) - 0.3), nls(0.5*-0.75 - 0.3), nls(-0.3)},
		chosen: []float64{0.5 * -1.75 / 2, 0.5 * -0.75, 0}, rejected: []float64{0.5 * -3.5 / 3, 0, 0},
	},
	{ // no chosen response is less likely than under the reference: no penalty
		name: "dpop without penalty", method: "dpop",
		loss:   []float64{nls(0.5 * (0.5 + 0.25)), nls(0.5 * 1), nls(0)},
		chosen: []float64{0.5 * 0.5, 0.5 * 1, 0}, rejected: []float64{0.5 * -0.25, 0, 0},
	},
	{
		name: "tdpo1", method: "tdpo1",
		loss:   []float64{nls(0.5 * (0.75 - (1.0625 - 0.625))), nls(0.5 * (1 + 0.375)), nls(0)},
		chosen: []float64{0.5 * (0.5 + 0.625), 0.5 * (1 + 0.375), 0}, rejected: []float64{0.5 * (-0.25 + 1.0625), 0, 0},
	},
	{ // the rewards are not scaled by alpha
		name: "tdpo2", method: "tdpo2",
		loss:   []float64{nls(0.5 * (0.75 - 0.25*(1.0625-0.625))), nls(0.5 * (1 + 0.25*0.375)), nls(0)},
		chosen: []float64{0.5 * (0.5 + 0.625), 0.5 * (1 + 0.375), 0}, rejected: []float64{0.5 * (-0.25 + 1.0625), 0, 0},
	},
	masked("mapo"), masked("sparse-common"), masked("sparse-independent"), masked("sparse-binary"), masked("sparse-random"),
	{ // chosen 0: 0.5·-0.25 - 1.25·0.5 = -0.75; rejected 0: 1.5·-0.5 + 0.25·-0.25 - 0.75·0.125 - 0.5·0.3125 = -1.0625
		name: "reverse KL", method: "sparse-independent",
		change: func(o *loss.Options) { o.ReverseKL = true },
		loss:   []float64{nls(0.5 * (-0.75 + 1.0625)), nls(0.5 * (2*1 - 0.5*0.875)), nls(0)},
		chosen: []float64{0.5 * -0.75, 0.5 * (2*1 - 0.5*0.875), 0}, rejected: []float64{0.5 * -1.0625, 0, 0},
	},
	{ // the penalty of pair 0: its chosen side has the log-ratio -0.25
		name: "dpop with penalty, sides exchanged", method: "dpop", swap: true,
		loss:   []float64{nls(0.5 * (-0.25 - 0.5 - 5*0.25)), nls(0.5 * -1), nls(0)},
		chosen: []float64{0.5 * -0.25, 0, 0}, rejected: []float64{0.5 * 0.5, 0.5 * 1, 0},
	},
	withL1("sparse-independent"), withL1("sparse-common"), withL1("sparse-binary"),
	{ // cDPO
		name: "dpo with label smoothing", method: "dpo",
		change: func(o *loss.Options) { o.LabelSmoothing = 0.1 },
		loss:   []float64{0.9*nls(0.375) + 0.1*nls(-0.375), 0.9*nls(0.5) + 0.1*nls(-0.5), nls(0)},
		chosen: []float64{0.5 * 0.5, 0.5 * 1, 0}, rejected: []float64{0.5 * -0.25, 0, 0},
	},
	{
		name: "robust", method: "robust",
		change: func(o *loss.Options) { o.LabelSmoothing = 0.1 },
		loss:   []float64{(0.9*nls(0.375) - 0.1*nls(-0.375)) / 0.8, (0.9*nls(0.5) - 0.1*nls(-0.5)) / 0.8, nls(0)},
		chosen: []float64{0.5 * 0.5, 0.5 * 1, 0}, rejected: []float64{0.5 * -0.25, 0, 0},
	},
	{ // the log-ratios' means: 0.5/2 and -0.25/3, and 1; what they are drawn to is 1/(2·0.5)
		name: "ipo", method: "ipo",
		loss:   []float64{(0.25 + 0.25/3 - 1) * (0.25 + 0.25/3 - 1), 0, 1},
		chosen: []float64{0.5 * 0.25, 0.5 * 1, 0}, rejected: []float64{0.5 * -0.25 / 3, 0, 0},
	},
	{
		name: "hinge", method: "hinge",
		loss:   []float64{1 - 0.375, 1 - 0.5, 1},
		chosen: []float64{0.5 * 0.5, 0.5 * 1, 0}, rejected: []float64{0.5 * -0.25, 0, 0},
	},
	{ // beyond the margin nothing is left of the loss
		name: "hinge, far enough", method: "hinge",
		change: func(o *loss.Options) { o.Beta = 2 },
		loss:   []float64{0, 0, 1},
		chosen: []float64{2 * 0.5, 2 * 1, 0}, rejected: []float64{2 * -0.25, 0, 0},
	},
	{ // rejected 0 is less likely than under the reference: its estimate of the KL is 0
		name: "kto-pair", method: "kto-pair",
		loss:   []float64{1 - sigmoid(0.25)/2 - sigmoid(0.25+0.125)/2, 1 - sigmoid(0.5)/2 - sigmoid(0.5)/2, 0.5},
		chosen: []float64{0.5 * 0.5, 0.5 * 1, 0}, rejected: []float64{0.5 * -0.25, 0, 0},
	},
	{
		name: "kto-pair, sides exchanged", method: "kto-pair", swap: true,
		loss:   []float64{1 - sigmoid(-0.125-0.25)/2 - sigmoid(0-0.25)/2, 1 - sigmoid(0-0.5)/2 - sigmoid(0-0.5)/2, 0.5},
		chosen: []float64{0.5 * -0.25, 0, 0}, rejected: []float64{0.5 * 0.5, 0.5 * 1, 0},
	},
	{ // an empty response counts as certain: its odds are 2^20
		name: "orpo", method: "orpo",
		loss:   []float64{0.875 + 0.5*nls(odds(-0.875)-odds(-3.5/3)), 0.75 + 0.5*nls(odds(-0.75)-20*math.Ln2), 0.5 * nls(0)},
		chosen: []float64{0.5 * odds(-0.875), 0.5 * odds(-0.75), 10 * math.Ln2}, rejected: []float64{0.5 * odds(-3.5/3), 10 * math.Ln2, 10 * math.Ln2},
	},
	{ // the masked log-ratio of chosen 0 is 0.5·-0.25: a penalty of 5·0.125
		name: "sparse-dpop", method: "sparse-dpop",
		loss:   []float64{nls(0.5 * (chosen0 - rejected0 - 5*0.125)), nls(0.5 * chosen1), nls(0)},
		chosen: []float64{0.5 * chosen0, 0.5 * chosen1, 0}, rejected: []float64{0.5 * rejected0, 0, 0},
	},
	{ // both L1 terms, as in withL1
		name: "sparse-dpop with L1 and reverse KL", method: "sparse-dpop",
		change: func(o *loss.Options) { o.ReverseKL, o.L1U, o.L1D = true, 0.125, 0.0625 },
		loss: []float64{
			nls(0.5*(-0.75+1.0625-5*0.125)) + 0.125*2.25 + 0.0625*2.5, nls(0.5*(2*1-0.5*0.875)) + 0.125*2 + 0.0625*0.5, nls(0),
		},
		chosen: []float64{0.5 * -0.75, 0.5 * (2*1 - 0.5*0.875), 0}, rejected: []float64{0.5 * -1.0625, 0, 0},
	},
	{ // chosen 0: 0.5·-1.5; rejected 0: 1.5·-2 + 0.25·-0.5; chosen 1: 2·-0.75
		name: "sparse-simpo", method: "sparse-simpo",
		loss:   []float64{nls(0.5*(-0.75/2+3.125/3) - 0.3), nls(0.5*-1.5 - 0.3), nls(-0.3)},
		chosen: []float64{0.5 * -0.75 / 2, 0.5 * -1.5, 0}, rejected: []float64{0.5 * -3.125 / 3, 0, 0},
	},
	{ // there is no KL mask to shrink
		name: "sparse-simpo with L1", method: "sparse-simpo",
		change: func(o *loss.Options) { o.L1U, o.L1D = 0.125, 0.0625 },
		loss:   []float64{nls(0.5*(-0.75/2+3.125/3)-0.3) + 0.125*2.25, nls(0.5*-1.5-0.3) + 0.125*2, nls(-0.3)},
		chosen: []float64{0.5 * -0.75 / 2, 0.5 * -1.5, 0}, rejected: []float64{0.5 * -3.125 / 3, 0, 0},
	},
}

// closedForm is one row: an objective's values for sample.
type closedForm struct {
	name, method     string
	change           func(o *loss.Options) // of options; nil for none
	swap             bool                  // exchange chosen and rejected
	loss             []float64
	chosen, rejected []float64
}

// The sides' masked scores, Σ m_u logratio + Σ m_d klf.
const (
	chosen0   = 0.5*-0.25 + 0*0.75 + 0*0.5 + 1.25*0.125
	rejected0 = 1.5*-0.5 + 0.25*-0.25 + 0*0.5 + 0.75*0.25 + 0*0.75 + 0.5*0.0625
	chosen1   = 2*1.0 + 0.5*0.375
)

func masked(method string) closedForm {
	return closedForm{
		name: method, method: method,
		loss:   []float64{nls(0.5 * (chosen0 - rejected0)), nls(0.5 * chosen1), nls(0)},
		chosen: []float64{0.5 * chosen0, 0.5 * chosen1, 0}, rejected: []float64{0.5 * rejected0, 0, 0},
	}
}

// withL1 adds the masks' L1 norms, summed over both sides: 0.5 + 1.75 and 2 for rewards, 1.25 + 1.25 and 0.5 for the KL.
func withL1(method string) closedForm {
	c := masked(method)
	c.name += " with L1"
	c.change = func(o *loss.Options) { o.L1U, o.L1D = 0.125, 0.0625 }
	c.loss[0] += 0.125*2.25 + 0.0625*2.5
	c.loss[1] += 0.125*2 + 0.0625*0.5
	return c
}

func TestClosedForms(t *testing.T) {
	covered := map[string]bool{}
	for _, c := range closedForms {
		covered[c.method] = true
	}
	for _, name := range loss.Names() {
		if !covered[name] {
			t.Errorf("no closed form of %s", name)
		}
	}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for _, c := range closedForms {
			t.Run(c.name, func(t *testing.T) {
				settings, owners := options, owner
				if c.change != nil {
					c.change(&settings)
				}
				if c.swap {
					owners = swapped(owner)
				}
				got := newEvaluator(t, e, lookup(t, c.method), settings).call(t, owners, sample)
				equal(t, "loss", got.loss, c.loss...)
				equal(t, "reward chosen", got.chosen, c.chosen...)
				equal(t, "reward rejected", got.rejected, c.rejected...)
			})
		}
	})
}

// The likelihood term is α times the chosen response's mean negative log-likelihood, whatever the objective, and rewards leave it out.
func TestRPOAlpha(t *testing.T) {
	each(t, func(t *testing.T, e golden.Engine, o loss.Objective) {
		settings := options
		settings.RPOAlpha = 0.5
		with, without := newEvaluator(t, e, o, settings).call(t, owner, sample), newEvaluator(t, e, o, options).call(t, owner, sample)
		equal(t, "reward chosen", with.chosen, wide(without.chosen)...)
		equal(t, "reward rejected", with.rejected, wide(without.rejected)...)
		for i, likelihood := range []float64{0.875, 0.75, 0} {
			if !o.Pairs {
				likelihood = 0 // it is the loss already
			}
			golden.Close(t, "difference", float64(with.loss[i])-float64(without.loss[i]), 0.5*likelihood, 1e-6)
		}
	})
}

// A KL mask of zeros and a reward mask of ones make masked DPOP DPOP, penalty and gradient included.
func TestMaskedDPOPIsDPOP(t *testing.T) {
	plain := sample
	plain.rewardMask, plain.klMask = slices.Repeat([]float32{1}, len(owner)), make([]float32, len(owner))
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for name, owners := range map[string][]int64{"": owner, " (sides exchanged)": swapped(owner)} {
			got := newEvaluator(t, e, lookup(t, "sparse-dpop"), options).call(t, owners, plain)
			want := newEvaluator(t, e, lookup(t, "dpop"), options).call(t, owners, plain)
			equal(t, "loss"+name, got.loss, wide(want.loss)...)
			equal(t, "gradient"+name, got.gradient[0], wide(want.gradient[0])...)
		}
	})
}

// A common mask is one mask that counts in both L1 terms, with the coefficients as given.
func TestL1OfACommonMask(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		common := sample
		common.klMask = common.rewardMask
		without := newEvaluator(t, e, lookup(t, "sparse-common"), options).call(t, owner, common)
		settings := options
		settings.L1U, settings.L1D = 0.125, 0.0625
		with := newEvaluator(t, e, lookup(t, "sparse-common"), settings).call(t, owner, common)
		for i, size := range []float64{0.5 + 1.75, 2, 0} {
			golden.Close(t, "difference", float64(with.loss[i])-float64(without.loss[i]), (0.125+0.0625)*size, 1e-6)
		}
	})
}

// swapped exchanges the sides of every pair.
func swapped(owner []int64) []int64 {
	out := make([]int64, len(owner))
	for i, o := range owner {
		out[i] = o
		if o < 2*pairs {
			out[i] = (o + pairs) % (2 * pairs)
		}
	}
	return out
}
