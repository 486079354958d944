package loss_test

import (
	"math"
	"slices"
	"testing"

	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/loss"
)

func TestRegistry(t *testing.T) {
	wants := []string{
		"sft", "dpo", "simpo", "dpop", "tdpo1", "tdpo2", "mapo", "sparse-common", "sparse-independent", "sparse-binary", "sparse-random",
		"ipo", "robust", "hinge", "kto-pair", "orpo", "sparse-dpop", "sparse-simpo",
	}
	if got := loss.Names(); !slices.Equal(got, wants) {
		t.Errorf("objectives %q, want %q: a new objective belongs in the listing as well", got, wants)
	}
	for _, o := range loss.All() {
		if o.Summary == "" || o.Source == "" || o.Build == nil {
			t.Errorf("%s: Summary, Source or Build is missing", o.Name)
		}
		if o.Name != "sft" && !slices.Contains(o.Reads, "beta") {
			t.Errorf("%s: reads %q, want beta among them", o.Name, o.Reads)
		}
		if got, ok := loss.Lookup(o.Name); !ok || got.Name != o.Name {
			t.Errorf("Lookup(%q) = %q, %v", o.Name, got.Name, ok)
		}
		if o.Mask != loss.NoMask && !(o.Reference && o.Pairs) {
			t.Errorf("%s: a masked objective needs a reference and pairs", o.Name)
		}
		if got := slices.Contains(o.Reads, "rpo_alpha"); got != o.Pairs {
			t.Errorf("%s: reads rpo_alpha: %v, want it of all objectives on pairs", o.Name, got)
		}
	}
	if o, ok := loss.Lookup("dpoo"); ok {
		t.Errorf("Lookup(dpoo) = %q", o.Name)
	}
	all := loss.All()
	all[0].Name = "changed"
	if loss.All()[0].Name == "changed" {
		t.Error("All gives away the registry itself")
	}
}

// atReference are terms of a policy that equals its reference: log-ratios and KL are zero.
func atReference() terms {
	x := sample
	x.logProb = x.reference
	x.forwardKL, x.reverseKL = make([]float32, len(owner)), make([]float32, len(owner))
	return x
}

// compares reports whether the loss measures the policy against the reference.
func compares(o loss.Objective) bool { return o.Reference && o.Name != "sparse-simpo" }

// start is an objective's loss where policy and reference agree, and its slope there in a chosen log-ratio.
type start struct {
	loss, slope float64
	mean        bool // log-ratios are averaged, so that a token's share of the slope is divided by the length
}

// starts are those that are not -logσ at 0.
var starts = map[string]start{
	"ipo":      {loss: 1 / (4 * options.Beta * options.Beta), slope: -1 / options.Beta, mean: true},
	"hinge":    {loss: 1, slope: -options.Beta},
	"kto-pair": {loss: 0.5, slope: -options.Beta / 8},
}

// Where policy and reference agree, the loss of an objective that compares them is ln 2 and its gradient is that of
// -logσ at 0: -β/2 a chosen token, β/2 a rejected one, times the mask. Losses of another form start as the table says.
func TestAtReference(t *testing.T) {
	each(t, func(t *testing.T, e golden.Engine, o loss.Objective) {
		if !compares(o) {
			t.Skip("this objective does not compare with the reference")
		}
		begin, other := starts[o.Name]
		if !other {
			begin = start{loss: math.Ln2, slope: -options.Beta / 2}
		}
		lengths := [2 * pairs]float64{2, 1, 0, 3, 0, 0}
		got := newEvaluator(t, e, o, options).call(t, owner, atReference())
		equal(t, "loss", got.loss, begin.loss, begin.loss, begin.loss)
		equal(t, "reward chosen", got.chosen, zeros(pairs)...)
		equal(t, "reward rejected", got.rejected, zeros(pairs)...)
		want := make([]float64, len(owner))
		for i, who := range owner {
			switch {
			case who < pairs:
				want[i] = begin.slope
			case who < 2*pairs:
				want[i] = -begin.slope
			}
			if begin.mean && who < 2*pairs {
				want[i] /= lengths[who]
			}
			if o.Mask != loss.NoMask {
				want[i] *= float64(sample.rewardMask[i])
			}
		}
		equal(t, "gradient", got.gradient[0], want...)
	})
}

// Exchanging chosen and rejected negates the margin of the rewards.
func TestSwap(t *testing.T) {
	each(t, func(t *testing.T, e golden.Engine, o loss.Objective) {
		v := newEvaluator(t, e, o, options)
		got, exchanged := v.call(t, owner, sample), v.call(t, swapped(owner), sample)
		for i := range pairs {
			margin := float64(got.chosen[i]) - float64(got.rejected[i])
			if i < 2 && margin == 0 {
				t.Errorf("pair %d: the margin is 0, so this test says nothing", i)
			}
			golden.Close(t, "margin", float64(exchanged.chosen[i])-float64(exchanged.rejected[i]), -margin, 1e-6)
		}
	})
}

// exchanges give the difference that exchanging the sides makes to losses that are not -logσ of the difference of the rewards.
var exchanges = map[string]func(chosen, rejected float64, pair int) float64{
	"ipo": func(chosen, rejected float64, _ int) float64 {
		return 2 * (chosen - rejected) / (options.Beta * options.Beta)
	},
	"hinge": func(chosen, rejected float64, _ int) float64 { return 2 * (chosen - rejected) }, // of margins up to 1
	"kto-pair": func(chosen, rejected float64, _ int) float64 {
		return sigmoid(chosen-max(0, rejected)) + sigmoid(max(0, chosen)-rejected) - 1
	},
	"orpo": func(chosen, rejected float64, pair int) float64 { // and the likelihood term, of the other side
		return chosen - rejected + []float64{-1.75/2 + 3.5/3, -0.75, 0}[pair]
	},
}

// The logged rewards are what the loss compares: -logσ(x) - (-logσ(-x)) = -x. Objectives whose loss has more in it do so
// once those parts are off, or as the table says.
func TestRewardsAreWhatTheLossCompares(t *testing.T) {
	settings := loss.Options{Beta: 0.5, Alpha: 1}
	each(t, func(t *testing.T, e golden.Engine, o loss.Objective) {
		if !o.Pairs {
			t.Skip("this objective compares nothing")
		}
		v := newEvaluator(t, e, o, settings)
		got, exchanged := v.call(t, owner, sample), v.call(t, swapped(owner), sample)
		for i := range pairs {
			chosen, rejected := float64(got.chosen[i]), float64(got.rejected[i])
			want := chosen - rejected
			if difference, other := exchanges[o.Name]; other {
				want = difference(chosen, rejected, i)
			}
			golden.Close(t, "argument", float64(exchanged.loss[i])-float64(got.loss[i]), want, 2e-6)
		}
	})
}

// Masks of ones make the masked objectives TDPO1, in value and in gradient; so do no masks. Masked SimPO becomes SimPO. (Masked DPOP becomes
// TDPO1 with a penalty, which nothing in sample is due.)
func TestMasksOfOnes(t *testing.T) {
	ones := sample
	ones.rewardMask = slices.Repeat([]float32{1}, len(owner))
	ones.klMask = ones.rewardMask
	each(t, func(t *testing.T, e golden.Engine, o loss.Objective) {
		if o.Mask == loss.NoMask {
			t.Skip("this objective has no mask")
		}
		plain := "tdpo1"
		if o.Name == "sparse-simpo" {
			plain = "simpo"
		}
		want := newEvaluator(t, e, lookup(t, plain), options).call(t, owner, ones)
		withoutMasks := o
		withoutMasks.Build = func(x loss.Terms, settings loss.Options) loss.Output {
			x.RewardMask, x.KLMask = nil, nil
			return o.Build(x, settings)
		}
		for name, objective := range map[string]loss.Objective{"ones": o, "nil": withoutMasks} {
			got := newEvaluator(t, e, objective, options).call(t, owner, ones)
			equal(t, name+": loss", got.loss, wide(want.loss)...)
			equal(t, name+": chosen", got.chosen, wide(want.chosen)...)
			equal(t, name+": rejected", got.rejected, wide(want.rejected)...)
			for _, i := range []int{0, 2} {
				equal(t, name+": gradient of "+gradientNames[i], got.gradient[i], wide(want.gradient[i])...)
			}
		}
	})
}

// reads lists the terms that each kind of objective sends gradients to, by their place in terms.
func reads(o loss.Objective, term int) bool {
	switch term {
	case 0:
		return true
	case 2:
		return o.TokenKL
	case 4:
		return o.Mask != loss.NoMask
	case 5:
		return o.Mask != loss.NoMask && o.TokenKL
	}
	return false
}

// Gradients reach the policy's terms and the masks: never the reference, never padding, and never terms that the objective
// does not read.
func TestGradientReach(t *testing.T) {
	each(t, func(t *testing.T, e golden.Engine, o loss.Objective) {
		got := newEvaluator(t, e, o, options).call(t, owner, sample)
		for term, gradient := range got.gradient {
			some := slices.ContainsFunc(gradient, func(x float32) bool { return x != 0 })
			if some != reads(o, term) {
				t.Errorf("gradient of %s is %v; want one: %v", gradientNames[term], gradient, reads(o, term))
			}
			if last := gradient[len(gradient)-1]; last != 0 {
				t.Errorf("gradient of %s at padding is %g, want 0", gradientNames[term], last)
			}
		}
		for i, who := range owner {
			if o.Name == "tdpo2" && who < pairs && got.gradient[2][i] != 0 {
				t.Errorf("token %d: the chosen side's KL gets the gradient %g, want 0", i, got.gradient[2][i])
			}
		}
	})
}

// Losses and gradients stay finite with masks of zeros and with log-ratios that no exponential can hold.
func TestFinite(t *testing.T) {
	scaled := func(by float32) terms {
		x := sample
		x.logProb = make([]float32, len(owner))
		for i := range x.logProb[:len(owner)-1] {
			x.logProb[i] = by
			if owner[i] >= pairs {
				x.logProb[i] = -by
			}
		}
		return x
	}
	dead := sample
	dead.rewardMask, dead.klMask = make([]float32, len(owner)), make([]float32, len(owner))
	each(t, func(t *testing.T, e golden.Engine, o loss.Objective) {
		settings := options
		settings.L1U, settings.L1D = 0.1, 0.1
		v := newEvaluator(t, e, o, settings)
		for name, x := range map[string]terms{"masks of zeros": dead, "log-ratios of 1e4": scaled(1e4), "log-ratios of -1e4": scaled(-1e4)} {
			got := v.call(t, owner, x)
			for _, list := range append([][]float32{got.loss, got.chosen, got.rejected}, got.gradient[:]...) {
				if slices.ContainsFunc(list, func(v float32) bool { return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) }) {
					t.Errorf("%s: %v", name, list)
				}
			}
		}
		if !o.Reference || o.Mask != loss.NoMask || o.Name == "ipo" || o.Name == "kto-pair" {
			return // no loss that grows with the argument
		}
		// Far on the wrong side the loss is the argument itself and its slope β a token; far on the right side both vanish.
		wrong, right := v.call(t, owner, scaled(-1e4)), v.call(t, owner, scaled(1e4))
		if wrong.loss[0] < 1e4 || right.loss[0] > 1e-6 {
			t.Errorf("loss %g on the wrong side and %g on the right one", wrong.loss[0], right.loss[0])
		}
		if o.Name != "dpop" { // whose penalty adds to the slope
			golden.Close(t, "slope on the wrong side", float64(wrong.gradient[0][0]), -options.Beta, 1e-6)
		}
		golden.Close(t, "slope on the right side", float64(right.gradient[0][0]), 0, 1e-6)
	})
}
