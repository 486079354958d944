package loss

import . "github.com/gomlx/gomlx/core/graph"

func init() {
	register(Objective{
		Name:      "robust",
		Summary:   "(-(1-ε) logσ(x) + ε logσ(-x)) / (1-2ε), x = β (Σ logratio_c - Σ logratio_r)",
		Source:    "Chowdhury et al. 2024, arXiv 2403.00409",
		Reads:     []string{"beta", "label_smoothing"},
		Reference: true,
		Pairs:     true,
		Build:     robust,
	})
}

// robust is an estimate of DPO's loss on the true labels from labels of which the share ε is exchanged: on average over
// the exchanges it is what DPO would be without them. ε = 0 is DPO itself.
func robust(t Terms, o Options) Output {
	chosen, rejected := scaledSums(t.LogRatio(), t.Sides, o.Beta)
	margin, share := Sub(chosen, rejected), o.LabelSmoothing
	corrected := Sub(MulScalar(logistic(margin), 1-share), MulScalar(logistic(Neg(margin)), share))
	return Output{Loss: DivScalar(corrected, 1-2*share), Chosen: chosen, Rejected: rejected}
}
