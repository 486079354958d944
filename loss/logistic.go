package loss

import . "github.com/gomlx/gomlx/core/graph"

// logistic is -logσ(x), written so that neither side of 0 overflows: max(-x, 0) + log(1 + exp(-|x|)).
func logistic(x *Node) *Node {
	return Add(Max(Neg(x), ZerosLike(x)), Log1P(Exp(Neg(Abs(x)))))
}
