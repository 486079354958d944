package loss

import . "github.com/gomlx/gomlx/core/graph"

func init() {
	register(Objective{
		Name:      "hinge",
		Summary:   "max(0, 1 - β (Σ logratio_c - Σ logratio_r))",
		Source:    "Zhao et al. 2023, SLiC-HF, arXiv 2305.10425, on log-ratios as Liu et al. 2023, RSO, arXiv 2309.06657",
		Reads:     []string{"beta"},
		Reference: true,
		Pairs:     true,
		Build:     hinge,
	})
}

// hinge leaves pairs alone whose rewards differ by 1 or more.
func hinge(t Terms, o Options) Output {
	chosen, rejected := scaledSums(t.LogRatio(), t.Sides, o.Beta)
	return Output{Loss: positivePart(AddScalar(Neg(Sub(chosen, rejected)), 1)), Chosen: chosen, Rejected: rejected}
}
