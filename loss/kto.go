package loss

import . "github.com/gomlx/gomlx/core/graph"

func init() {
	register(Objective{
		Name:      "kto-pair",
		Summary:   "1 - ½ σ(β (Σ logratio_c - z_r)) - ½ σ(β (z_c - Σ logratio_r)), z = stopgrad(max(0, Σ logratio))",
		Source:    "Ethayarajh et al. 2024, arXiv 2402.01306, on pairs as TRL's former kto_pair",
		Reads:     []string{"beta"},
		Reference: true,
		Pairs:     true,
		Build:     ktoPair,
	})
}

// ktoPair judges each response alone, against the KL of policy and reference, which the other side's log-ratio estimates.
//
// TRL's kto_pair averages the estimate over a batch; here it is the pair's own, as there with a batch of one, because otherwise a pair's loss
// would depend on which pairs share its batch. As in the paper no gradient goes through the estimate.
func ktoPair(t Terms, o Options) Output {
	chosen, rejected := scaledSums(t.LogRatio(), t.Sides, o.Beta)
	estimate := func(side *Node) *Node { return StopGradient(positivePart(side)) }
	good := Sigmoid(Sub(chosen, estimate(rejected)))
	bad := Sigmoid(Sub(estimate(chosen), rejected))
	return Output{Loss: AddScalar(MulScalar(Add(good, bad), -0.5), 1), Chosen: chosen, Rejected: rejected}
}
