package loss

import . "github.com/gomlx/gomlx/core/graph"

func init() {
	register(Objective{
		Name:      "ipo",
		Summary:   "(mean logratio_c - mean logratio_r - 1/(2β))²",
		Source:    "Azar et al. 2023, arXiv 2310.12036, Eq. 17; means over tokens as in TRL",
		Reads:     []string{"beta"},
		Reference: true,
		Pairs:     true,
		Build:     ipo,
	})
}

// ipo draws the difference of the log-ratios to 1/(2β) instead of pushing it without end. The paper's τ is β. It sums the log-ratios
// over a response; TRL, and this objective, average them, so that the margin does not depend on lengths. The logged rewards are β times what is compared.
func ipo(t Terms, o Options) Output {
	chosen, rejected := t.Sides.Mean(t.LogRatio())
	return Output{
		Loss:   Square(AddScalar(Sub(chosen, rejected), -1/(2*o.Beta))),
		Chosen: MulScalar(chosen, o.Beta), Rejected: MulScalar(rejected, o.Beta),
	}
}
