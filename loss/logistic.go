package loss

import . "github.com/gomlx/gomlx/core/graph"

// logistic is -logσ(x), written so that neither side of 0 overflows: max(-x, 0) + log(1 + exp(-|x|)). The choice between
// the sides is one Where, not Max and Abs, because training starts at x = 0, where the gradients of those two do not add up
// to -1/2.
func logistic(x *Node) *Node {
	positive := GreaterThan(x, ZerosLike(x))
	return Add(Where(positive, ZerosLike(x), Neg(x)), Log1P(Exp(Where(positive, Neg(x), x))))
}

// positivePart is max(x, 0) with the gradient 0 at 0.
func positivePart(x *Node) *Node {
	return Where(GreaterThan(x, ZerosLike(x)), x, ZerosLike(x))
}
