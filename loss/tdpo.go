package loss

import . "github.com/gomlx/gomlx/core/graph"

func init() {
	register(Objective{
		Name:      "tdpo1",
		Summary:   "-logσ(β (Σ logratio_c - Σ logratio_r - (Σ klf_r - Σ klf_c)))",
		Source:    "Zeng et al. 2024, arXiv 2404.11999, Eq. 16",
		Reads:     []string{"beta"},
		Reference: true,
		Pairs:     true,
		TokenKL:   true,
		Build:     tdpo1,
	})
	register(Objective{
		Name:      "tdpo2",
		Summary:   "-logσ(β (Σ logratio_c - Σ logratio_r - α (Σ klf_r - stopgrad(Σ klf_c))))",
		Source:    "Zeng et al. 2024, arXiv 2404.11999, Eq. 17",
		Reads:     []string{"beta", "alpha"},
		Reference: true,
		Pairs:     true,
		TokenKL:   true,
		Build:     tdpo2,
	})
}

// tdpo1 adds the difference of the sequential KL to DPO; the logged reward of a side is β (Σ logratio + Σ klf).
func tdpo1(t Terms, o Options) Output {
	chosen, rejected := scaledSums(Add(t.LogRatio(), t.ForwardKL), t.Sides, o.Beta)
	return Output{Loss: logistic(Sub(chosen, rejected)), Chosen: chosen, Rejected: rejected}
}

// tdpo2 scales the KL difference by α and sends no gradient through the chosen side's KL. Its logged rewards are tdpo1's.
func tdpo2(t Terms, o Options) Output {
	chosen, rejected := t.Sides.Sum(t.LogRatio())
	chosenKL, rejectedKL := t.Sides.Sum(t.ForwardKL)
	argument := Sub(Sub(chosen, rejected), MulScalar(Sub(rejectedKL, StopGradient(chosenKL)), o.Alpha))
	return Output{
		Loss:     logistic(MulScalar(argument, o.Beta)),
		Chosen:   MulScalar(Add(chosen, chosenKL), o.Beta),
		Rejected: MulScalar(Add(rejected, rejectedKL), o.Beta),
	}
}
