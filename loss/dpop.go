package loss

import . "github.com/gomlx/gomlx/core/graph"

func init() {
	register(Objective{
		Name:      "dpop",
		Summary:   "-logσ(β (Σ logratio_c - Σ logratio_r - λ max(0, -Σ logratio_c)))",
		Source:    "Pal et al. 2024, arXiv 2402.13228, Eq. 3; λ = 50",
		Reads:     []string{"beta", "lambda"},
		Reference: true,
		Pairs:     true,
		Build:     dpop,
	})
}

// dpop punishes a chosen response that became less likely than under the reference; where both agree, as at the start of a
// training, the penalty has no gradient. The logged rewards leave the penalty out.
func dpop(t Terms, o Options) Output {
	chosen, rejected := t.Sides.Sum(t.LogRatio())
	penalty := positivePart(Neg(chosen))
	argument := Sub(Sub(chosen, rejected), MulScalar(penalty, o.Lambda))
	return Output{
		Loss:     logistic(MulScalar(argument, o.Beta)),
		Chosen:   MulScalar(chosen, o.Beta),
		Rejected: MulScalar(rejected, o.Beta),
	}
}
