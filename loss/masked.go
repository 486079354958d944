package loss

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
)

func init() {
	const formula = "-logσ(β (Σ m_u logratio_c - Σ m_u logratio_r + Σ m_d klf_c - Σ m_d klf_r))"
	const paper = "Christopoulou et al. 2024, arXiv 2410.05102, "
	shared := []string{"beta", "kl"}
	learned := append(append(slices.Clone(shared), "l1_u", "l1_d"), learnedSettings...)
	for _, o := range []Objective{
		{
			Name: "mapo", Mask: ActivationMask, Reads: append(slices.Clone(shared), "mask.map", "mask.groups"), Source: paper + "Eq. 9-10",
			Summary: formula + ", m_u = m_d from the reference's activations",
		},
		{
			Name: "sparse-common", Mask: CommonMask, Reads: learned, Source: paper + "Eq. 6-8, 11",
			Summary: formula + ", m_u = m_d learned",
		},
		{
			Name: "sparse-independent", Mask: IndependentMask, Reads: learned, Source: paper + "Eq. 6-8, 11",
			Summary: formula + ", m_u and m_d learned",
		},
		{
			Name: "sparse-binary", Mask: BinaryMask, Reads: learned, Source: paper + "D.3",
			Summary: formula + ", m_u = m_d learned and rounded to 0 or 1 (straight-through gradient)",
		},
		{
			Name: "sparse-random", Mask: RandomMask, Reads: shared, Source: paper + "D.3",
			Summary: formula + ", m_u = m_d uniform on [0,1], drawn anew at every step",
		},
	} {
		o.Reference, o.Pairs, o.TokenKL, o.Build = true, true, true, masked
		register(o)
	}
}

// masked is the objective of SparsePO and MaPO, -logσ(β (u - δ)) plus the masks' L1 norms (Eq. 6-8, 18-21; L1 from B.4).
//
// By default δ = -(Σ m_d klf_c - Σ m_d klf_r), the sign and direction that the derivation gives (A.2, Eq. 15) and that make
// masks of ones TDPO1. With ReverseKL, δ = Σ m_d klr_c - Σ m_d klr_r, Eq. 8 as printed. A common mask counts in both L1
// terms, with the coefficients as given.
func masked(t Terms, o Options) Output {
	chosen, rejected := scaledSums(maskedScores(t, o), t.Sides, o.Beta)
	return addL1(Output{Loss: logistic(Sub(chosen, rejected)), Chosen: chosen, Rejected: rejected}, t, o)
}

// maskedScores are a token's masked log-ratio and KL, m_u logratio + m_d klf, [tokens]; with ReverseKL m_u logratio - m_d klr.
func maskedScores(t Terms, o Options) *Node {
	score := weighted(t.RewardMask, t.LogRatio())
	if o.ReverseKL {
		return Sub(score, weighted(t.KLMask, t.ReverseKL))
	}
	return Add(score, weighted(t.KLMask, t.ForwardKL))
}

// addL1 adds the masks' L1 norms to the loss (B.4).
func addL1(out Output, t Terms, o Options) Output {
	for _, norm := range []struct {
		mask        *Node
		coefficient float64
	}{{t.RewardMask, o.L1U}, {t.KLMask, o.L1D}} {
		if norm.coefficient == 0 {
			continue
		}
		mask := norm.mask
		if mask == nil {
			mask = OnesLike(t.LogProb)
		}
		chosenSize, rejectedSize := t.Sides.Sum(mask)
		out.Loss = Add(out.Loss, MulScalar(Add(chosenSize, rejectedSize), norm.coefficient))
	}
	return out
}

// weighted is mask·x; a nil mask stands for ones.
func weighted(mask, x *Node) *Node {
	if mask == nil {
		return x
	}
	return Mul(mask, x)
}
