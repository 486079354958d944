package step

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/sparsepo/sparsepo/loss"
	"github.com/sparsepo/sparsepo/mask"
	"github.com/sparsepo/sparsepo/model"
)

// inputs are the batch's arrays as graph nodes, in the order in which Program feeds them.
type inputs struct {
	tokens, positions, pair, side *Node   // int64 [rows, seq]
	predict, target, owner        *Node   // int64 [responses]
	weight                        *Node   // float32 [pairs]
	noise                         []*Node // float32 [rows, responses] each; the one of [1, responses] that is the mask, where it is random or from a file
	given                         []*Node // float32 [responses, width] each, see Given
	dropout                       *Node   // int64 scalar, the seed of an adapter's dropout; nil without
}

func (p *Program) newInputs(nodes []*Node) inputs {
	var dropout *Node
	if p.dropout {
		dropout, nodes = nodes[len(nodes)-1], nodes[:len(nodes)-1]
	}
	given := len(nodes) - len(p.fields)
	nodes, fields := nodes[:given], nodes[given:]
	return inputs{
		dropout: dropout, given: fields,
		tokens: nodes[0], positions: nodes[1], pair: nodes[2], side: nodes[3],
		predict: nodes[4], target: nodes[5], owner: nodes[6], weight: nodes[7], noise: nodes[8:],
	}
}

// visible says which keys each position attends to: earlier ones (and itself) of its own segment and of its pair's prompt.
//
//	returns bool [rows, seq, seq]
func (in inputs) visible() *Node {
	g, rows, seq := in.tokens.Graph(), in.tokens.Shape().Dim(0), in.tokens.Shape().Dim(1)
	shape := shapes.Make(dtypes.Int64, rows, seq, seq)
	query := func(x *Node) *Node { return BroadcastToShape(InsertAxes(x, -1), shape) }
	key := func(x *Node) *Node { return BroadcastToShape(InsertAxes(x, 1), shape) }
	earlier := GreaterOrEqual(Iota(g, shape, 1), Iota(g, shape, 2))
	samePair := Equal(query(in.pair), key(in.pair))
	sideKey := key(in.side)
	readable := Or(Equal(sideKey, ZerosLike(sideKey)), Equal(query(in.side), sideKey))
	return And(And(earlier, samePair), readable)
}

// atPredictions gathers x [rows, seq, n] at the positions that predict the response tokens: [responses, n].
func (in inputs) atPredictions(x *Node) *Node {
	return Gather(Reshape(x, x.Shape().Dim(0)*x.Shape().Dim(1), -1), InsertAxes(in.predict, -1))
}

// logits are a network's logits at the predicting positions, and its forward pass. pass says more of that than the batch.
func (in inputs) logits(n *model.Network, pass model.Inputs) (*Node, model.Outputs) {
	pass.Tokens, pass.Positions, pass.Visible = in.tokens, in.positions, in.visible()
	out := n.Forward(pass)
	return n.Logits(in.atPredictions(out.Final)), out
}

// distribution is a vocabulary distribution a token: logits shifted by their maximum, and the log of their exponentials' sum.
type distribution struct {
	shifted *Node // [responses, vocab]
	logSum  *Node // [responses]
}

func newDistribution(logits *Node) distribution {
	shifted := Sub(logits, StopGradient(ReduceAndKeep(logits, ReduceMax, -1)))
	return distribution{shifted, Log(ReduceSum(Exp(shifted), -1))}
}

// logProb is the log-probability of one target a token, [responses]. It compares rather than gathers, so that its gradient
// needs no scattering into a tensor of zeros as large as the logits; a vocabulary's numbers are exact in float32.
func (d distribution) logProb(target *Node) *Node {
	g, shape := target.Graph(), d.shifted.Shape()
	wanted := BroadcastToShape(InsertAxes(ConvertDType(target, shape.DType), -1), shape)
	number := BroadcastToShape(Iota(g, shapes.Make(shape.DType, 1, shape.Dim(1)), 1), shape)
	return Sub(ReduceSum(Where(Equal(wanted, number), d.shifted, ZerosLike(d.shifted)), -1), d.logSum)
}

// kl is KL(d ‖ other) a token, [responses], nats: Σ_v p(v) (z(v) - z'(v)) - (log Z - log Z').
func (d distribution) kl(other distribution) *Node {
	p := Exp(Sub(d.shifted, InsertAxes(d.logSum, -1)))
	return Sub(ReduceSum(Mul(p, Sub(d.shifted, other.shifted)), -1), Sub(d.logSum, other.logSum))
}

// computed is the graph of one batch: the terms the loss was built from, and its output.
type computed struct {
	terms  loss.Terms
	output loss.Output
	mean   *Node // scalar: Σ weight·loss
}

// compute adds forward passes, masks and loss to the graph.
func (p *Program) compute(in inputs, training bool) computed {
	pass := model.Inputs{}
	if training {
		pass.Recompute, pass.Noise = p.settings.Recompute, in.dropout
	}
	logits, _ := in.logits(p.Policy, pass)
	policy := newDistribution(logits)
	real := ConvertDType(LessThan(in.owner, MulScalar(OnesLike(in.owner), int64(2*in.weight.Shape().Dim(0)))), logits.DType())
	terms := loss.Terms{
		LogProb: Mul(policy.logProb(in.target), real),
		Sides:   loss.NewSides(in.owner, in.weight.Shape().Dim(0), logits.DType()),
	}
	if ref := p.reference(in, terms.Sides); ref != nil {
		p.compare(&terms, in, policy, ref, real, training)
		p.addMasks(&terms, in, ref, real, training)
	}
	built := p.settings.Objective.Build(terms, p.settings.Options)
	weighted := Mul(built.Loss, in.weight)
	// A padding slot's loss may be anything finite; its weight is 0.
	return computed{terms: terms, output: built, mean: ReduceAllSum(weighted)}
}

// compare fills the terms that policy and reference have together.
func (p *Program) compare(terms *loss.Terms, in inputs, policy distribution, ref *compared, real *Node, training bool) {
	if ref.logits == nil {
		terms.Reference = Mul(ref.logProb, real)
		return
	}
	reference := newDistribution(ref.logits)
	terms.Reference = Mul(reference.logProb(in.target), real)
	terms.ForwardKL = Mul(reference.kl(policy), real)
	if p.needsReverseKL(training) {
		terms.ReverseKL = Mul(policy.kl(reference), real)
	}
}

// addMasks fills the masks of the terms.
func (p *Program) addMasks(terms *loss.Terms, in inputs, ref *compared, real *Node, training bool) {
	switch kind := p.settings.Objective.Mask; kind {
	case loss.NoMask:
	case loss.ActivationMask:
		terms.RewardMask, terms.KLMask = ref.activation, ref.activation
	case loss.RandomMask, loss.FileMask:
		m := Mul(Reshape(in.noise[0], -1), real)
		terms.RewardMask, terms.KLMask = m, m
	default:
		terms.RewardMask = Mul(p.learned(rewardMask, in, ref.hidden, training), real)
		terms.KLMask = terms.RewardMask
		if kind == loss.IndependentMask {
			terms.KLMask = Mul(p.learned(klMask, in, ref.hidden, training), real)
		}
	}
}

// learned adds one learned mask.
func (p *Program) learned(name string, in inputs, hidden []*Node, training bool) *Node {
	var noise *mask.Noise
	if training && p.settings.Learned.Dropout > 0 {
		first := 0
		if name == klMask {
			first = 2
		}
		noise = &mask.Noise{Layers: in.noise[first], Mask: Reshape(in.noise[first+1], -1)}
	}
	g := in.tokens.Graph()
	return p.settings.Learned.Values(func(tensor string) *Node {
		return p.masks[name+"."+tensor].NodeValue(g)
	}, hidden, noise)
}

// activationMeans averages the reference's activations over their dimensions: per group [activations, responses].
func (p *Program) activationMeans(in inputs, refLogits *Node, ref model.Outputs) []*Node {
	byGroup := map[string][]*Node{}
	for _, a := range ref.Activations {
		rows, seq := a.Value.Shape().Dim(0), a.Value.Shape().Dim(1)
		mean := ReduceMean(Reshape(a.Value, rows, seq, -1), -1)
		gathered := in.atPredictions(InsertAxes(mean, -1)) // [responses, 1]
		byGroup[a.Group] = append(byGroup[a.Group], Reshape(gathered, -1))
	}
	byGroup["logits"] = []*Node{ReduceMean(refLogits, -1)}
	groups := make([]*Node, 0, len(p.settings.Groups))
	for _, name := range p.settings.Groups {
		if len(byGroup[name]) == 0 {
			panic(fmt.Errorf("step: the reference model has no activations of group %q", name))
		}
		groups = append(groups, Stack(byGroup[name], 0))
	}
	return groups
}
