package likelihood

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/model"
)

// headTokens is the number of tokens whose logits exist at once.
const headTokens = 256

// graph scores the tokens of continuations.
//
//	tokens, positions  int64 [rows, seq]
//	text, branch       int64 [rows, seq]   batch.text, batch.branch
//	predict, target    int64 [n]           batch.predict, batch.target
//	returns float32 [n] log-probabilities of the targets, nats, and float32 [n] how far their logits are from the largest: 0, or less
func (s *Scorer) graph(_ *gomodel.Scope, nodes []*Node) []*Node {
	return s.targets(rowInputs(nodes), nodes[4], nodes[5])
}

// rowInputs are the model's inputs made of the graph's arguments.
func rowInputs(nodes []*Node) model.Inputs {
	return model.Inputs{Tokens: nodes[0], Positions: nodes[1], Visible: visible(nodes[2], nodes[3])}
}

// targets reads rows and scores the targets of their tokens.
func (s *Scorer) targets(in model.Inputs, predict, target *Node) []*Node {
	out := s.network.Forward(in)
	hidden := Gather(Reshape(out.Final, in.Tokens.Shape().Size(), -1), InsertAxes(predict, -1))
	n := predict.Shape().Dim(0)
	var logProbs, leads []*Node
	for from := 0; from < n; from += headTokens {
		part := AxisRange(from, min(n, from+headTokens))
		logProb, lead := score(s.network.Logits(Slice(hidden, part, AxisRange())), Slice(target, part))
		logProbs, leads = append(logProbs, logProb), append(leads, lead)
	}
	if len(logProbs) == 1 {
		return []*Node{logProbs[0], leads[0]}
	}
	return []*Node{Concatenate(logProbs, 0), Concatenate(leads, 0)}
}

// visible says which keys each position attends to: earlier ones, and itself, of its own branch and of its text.
//
//	returns bool [rows, seq, seq]
func visible(text, branch *Node) *Node {
	g, rows, seq := text.Graph(), text.Shape().Dim(0), text.Shape().Dim(1)
	shape := shapes.Make(dtypes.Int64, rows, seq, seq)
	query := func(x *Node) *Node { return BroadcastToShape(InsertAxes(x, -1), shape) }
	key := func(x *Node) *Node { return BroadcastToShape(InsertAxes(x, 1), shape) }
	of := key(branch)
	readable := Or(Equal(of, ZerosLike(of)), Equal(query(branch), of))
	return And(And(GreaterOrEqual(Iota(g, shape, 1), Iota(g, shape, 2)), Equal(query(text), key(text))), readable)
}

// score is the log-probability of a target a row, and its logit less the largest.
//
//	logits  float32 [n, vocab]
//	target  int64 [n]
//	returns float32 [n] each
func score(logits, target *Node) (logProb, lead *Node) {
	n, vocab := logits.Shape().Dim(0), logits.Shape().Dim(1)
	shifted := Sub(logits, ReduceAndKeep(logits, ReduceMax, -1))
	flat := Add(MulScalar(Iota(target.Graph(), shapes.Make(dtypes.Int64, n), 0), int64(vocab)), target)
	lead = Gather(Reshape(shifted, n*vocab), InsertAxes(flat, -1))
	return Sub(lead, Log(ReduceSum(Exp(shifted), -1))), lead
}
