package loss

import . "github.com/gomlx/gomlx/core/graph"

func init() {
	register(Objective{
		Name:      "dpo",
		Summary:   "-logσ(β (Σ logratio_c - Σ logratio_r))",
		Source:    "Rafailov et al. 2023, arXiv 2305.18290, Eq. 7",
		Reads:     []string{"beta"},
		Reference: true,
		Pairs:     true,
		Build:     dpo,
	})
}

func dpo(t Terms, o Options) Output {
	chosen, rejected := scaledSums(t.LogRatio(), t.Sides, o.Beta)
	return Output{Loss: logistic(Sub(chosen, rejected)), Chosen: chosen, Rejected: rejected}
}
