package loss

import . "github.com/gomlx/gomlx/core/graph"

func init() {
	register(Objective{
		Name:      "dpo",
		Summary:   "-logσ(β (Σ logratio_c - Σ logratio_r)); with label_smoothing ε (cDPO): (1-ε) of it and ε of the same with the sides exchanged",
		Source:    "Rafailov et al. 2023, arXiv 2305.18290, Eq. 7",
		Reads:     []string{"beta", "label_smoothing"},
		Reference: true,
		Pairs:     true,
		Build:     dpo,
	})
}

// dpo with a LabelSmoothing ε is cDPO (Mitchell 2023, A note on DPO with noisy preferences), -(1-ε) logσ(x) - ε logσ(-x): a label is taken to be
// right with probability 1-ε only, which keeps the margin finite.
func dpo(t Terms, o Options) Output {
	chosen, rejected := scaledSums(t.LogRatio(), t.Sides, o.Beta)
	out := Output{Loss: logistic(Sub(chosen, rejected)), Chosen: chosen, Rejected: rejected}
	if share := o.LabelSmoothing; share != 0 {
		out.Loss = Add(MulScalar(out.Loss, 1-share), MulScalar(logistic(Sub(rejected, chosen)), share))
	}
	return out
}
