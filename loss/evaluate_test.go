package loss_test

import (
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/loss"
)

// terms are the numbers that an objective sees, one a token.
type terms struct {
	logProb, reference, forwardKL, reverseKL, rewardMask, klMask []float32
}

// owner lays out three slots: pair 0 has two chosen tokens and three rejected ones, pair 1 one chosen token and an empty
// rejected response, slot 2 is padding. The last token is padding too.
var owner = []int64{0, 0, 3, 3, 3, 1, 6}

const pairs = 3

// sample are terms in general position. At the padding token everything is zero, as callers see to.
var sample = terms{
	logProb:    []float32{-1.5, -0.25, -2, -0.5, -1, -0.75, 0},
	reference:  []float32{-1.25, -1, -1.5, -0.25, -1.5, -1.75, 0},
	forwardKL:  []float32{0.5, 0.125, 0.25, 0.75, 0.0625, 0.375, 0},
	reverseKL:  []float32{0.25, 0.5, 0.125, 0.625, 0.3125, 0.875, 0},
	rewardMask: []float32{0.5, 0, 1.5, 0.25, 0, 2, 0},
	klMask:     []float32{0, 1.25, 0.75, 0, 0.5, 0.5, 0},
}

// options are settings that matter to every objective that reads them.
var options = loss.Options{Beta: 0.5, Alpha: 0.25, Gamma: 0.3, Lambda: 5}

// result is what an objective gives for terms.
type result struct {
	loss, chosen, rejected []float32
	// gradient of the sum of the losses, in the order of terms' fields
	gradient [6][]float32
}

func (t terms) lists() [6][]float32 {
	return [6][]float32{t.logProb, t.reference, t.forwardKL, t.reverseKL, t.rewardMask, t.klMask}
}

// evaluator is the compiled graph of an objective.
type evaluator struct{ exec *Exec }

func newEvaluator(t testing.TB, e golden.Engine, o loss.Objective, settings loss.Options) evaluator {
	t.Helper()
	exec, err := NewExec(e.Backend, func(in []*Node) []*Node {
		out := o.Build(loss.Terms{
			LogProb: in[1], Reference: in[2], ForwardKL: in[3], ReverseKL: in[4], RewardMask: in[5], KLMask: in[6],
			Sides: loss.NewSides(in[0], pairs, dtypes.Float32),
		}, settings)
		return append([]*Node{out.Loss, out.Chosen, out.Rejected}, Gradient(ReduceAllSum(out.Loss), in[1:]...)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	return evaluator{exec}
}

func (v evaluator) call(t testing.TB, owner []int64, x terms) result {
	t.Helper()
	args := []any{tensors.FromFlatDataAndDimensions(owner, len(owner))}
	for _, list := range x.lists() {
		args = append(args, tensors.FromFlatDataAndDimensions(append([]float32{}, list...), len(list)))
	}
	out, err := v.exec.Call(args...)
	if err != nil {
		t.Fatal(err)
	}
	var r result
	for i, into := range []*[]float32{&r.loss, &r.chosen, &r.rejected} {
		*into = flat(t, out[i], pairs)
	}
	for i := range r.gradient {
		r.gradient[i] = flat(t, out[3+i], len(owner))
	}
	return r
}

// flat copies a node's values and checks that it has the one axis that is wanted.
func flat(t testing.TB, x *tensors.Tensor, want int) []float32 {
	t.Helper()
	if x.Rank() != 1 || x.Shape().Dim(0) != want {
		t.Fatalf("shape %v, want [%d]", x.Shape(), want)
	}
	return tensors.MustCopyFlatData[float32](x)
}

// each runs a test for every objective on every engine.
func each(t *testing.T, test func(t *testing.T, e golden.Engine, o loss.Objective)) {
	if len(loss.All()) < 18 {
		t.Fatalf("%d objectives, want at least 18", len(loss.All()))
	}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for _, o := range loss.All() {
			t.Run(o.Name, func(t *testing.T) { test(t, e, o) })
		}
	})
}

// equal compares values to rounding of float32 arithmetic.
func equal(t testing.TB, what string, got []float32, want ...float64) {
	t.Helper()
	golden.CloseAll(t, what, got, want, 2e-6)
}

// wide turns a list into wants.
func wide(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

func zeros(n int) []float64 { return make([]float64, n) }

var gradientNames = [6]string{"logProb", "reference", "forwardKL", "reverseKL", "rewardMask", "klMask"}

func lookup(t testing.TB, name string) loss.Objective {
	t.Helper()
	o, ok := loss.Lookup(name)
	if !ok {
		t.Fatalf("no objective %q", name)
	}
	return o
}
