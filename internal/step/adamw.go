package step

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
)

// trained is one variable that the optimiser updates, with its state.
type trained struct {
	name     string
	variable *gomodel.Variable
	decay    float64 // weight decay coefficient
	mask     bool    // uses the masks' learning rate

	first, second *gomodel.Variable // AdamW's moments
	gradient      *gomodel.Variable // sum over micro-batches; nil without accumulation
}

// rates are the numbers of one optimiser step that change from step to step, as scalar nodes.
type rates struct {
	policy, mask  *Node // learning rates
	first, second *Node // bias corrections 1/(1-β₁^t), 1/(1-β₂^t)
}

// rateInputs computes them for optimiser step t, counted from 1, as tensors (see package device).
func (o Optimiser) rateInputs(policy, mask float64, t int) []any {
	scalar := func(x float64) any { return tensors.FromScalar(float32(x)) }
	return []any{
		scalar(policy), scalar(mask),
		scalar(1 / (1 - math.Pow(o.Beta1, float64(t)))), scalar(1 / (1 - math.Pow(o.Beta2, float64(t)))),
	}
}

func newRates(nodes []*Node) rates {
	return rates{policy: nodes[0], mask: nodes[1], first: nodes[2], second: nodes[3]}
}

const numRateInputs = 4

// apply clips the gradients by their global norm and updates every variable (decoupled weight decay, Loshchilov and Hutter
// 2019, Algorithm 2). It returns the norm before clipping.
func (o Optimiser) apply(vars []trained, gradients []*Node, r rates) (norm *Node) {
	g := r.policy.Graph()
	norm = globalNorm(gradients)
	scale := OnesLike(norm)
	if o.MaxGradNorm > 0 {
		scale = Min(scale, Div(MulScalar(OnesLike(norm), o.MaxGradNorm), AddScalar(norm, 1e-6)))
	}
	for i, t := range vars {
		gradient := Mul(gradients[i], scale)
		first := Add(MulScalar(t.first.NodeValue(g), o.Beta1), MulScalar(gradient, 1-o.Beta1))
		second := Add(MulScalar(t.second.NodeValue(g), o.Beta2), MulScalar(Square(gradient), 1-o.Beta2))
		t.first.SetNodeValue(first)
		t.second.SetNodeValue(second)
		rate := r.policy
		if t.mask {
			rate = r.mask
		}
		w := t.variable.NodeValue(g)
		if t.decay > 0 {
			w = Mul(w, OneMinus(MulScalar(rate, t.decay)))
		}
		update := Div(Mul(first, r.first), AddScalar(Sqrt(Mul(second, r.second)), o.Epsilon))
		t.variable.SetNodeValue(Sub(w, Mul(rate, update)))
	}
	return norm
}

// globalNorm is the L2 norm of all gradients together.
func globalNorm(gradients []*Node) *Node {
	sum := ReduceAllSum(Square(gradients[0]))
	for _, x := range gradients[1:] {
		sum = Add(sum, ReduceAllSum(Square(x)))
	}
	return Sqrt(sum)
}
