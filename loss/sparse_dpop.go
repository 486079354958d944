package loss

import . "github.com/gomlx/gomlx/core/graph"

func init() {
	register(Objective{
		Name:      "sparse-dpop",
		Summary:   "-logσ(β (Σ m_u logratio_c - Σ m_u logratio_r + Σ m_d klf_c - Σ m_d klf_r - λ max(0, -Σ m_u logratio_c))), m_u and m_d learned",
		Source:    "DPOP, arXiv 2402.13228, Eq. 3, with the masks of SparsePO, arXiv 2410.05102, as its conclusion suggests; the combination is ours",
		Reads:     append([]string{"beta", "lambda", "kl", "l1_u", "l1_d"}, learnedSettings...),
		Mask:      IndependentMask,
		Reference: true,
		Pairs:     true,
		TokenKL:   true,
		Build:     sparseDPOP,
	})
}

// learnedSettings are the keys of a learned mask's architecture and training.
var learnedSettings = []string{
	"mask.layers", "mask.depth", "mask.width", "mask.norm", "mask.dropout", "mask.init", "mask.weight_decay", "mask.learning_rate",
}

// sparseDPOP is the masked objective with DPOP's penalty, on the masked log-ratios. A KL mask of zeros and a reward mask of ones make
// it DPOP; λ = 0 makes it sparse-independent. The logged rewards leave the penalty out.
func sparseDPOP(t Terms, o Options) Output {
	scores := maskedScores(t, o)
	chosen, rejected := scaledSums(scores, t.Sides, o.Beta)
	masked, _ := scaledSums(weighted(t.RewardMask, t.LogRatio()), t.Sides, o.Beta)
	argument := Sub(Sub(chosen, rejected), MulScalar(positivePart(Neg(masked)), o.Lambda))
	return addL1(Output{Loss: logistic(argument), Chosen: chosen, Rejected: rejected}, t, o)
}
