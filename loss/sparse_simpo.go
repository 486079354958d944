package loss

func init() {
	register(Objective{
		Name:      "sparse-simpo",
		Summary:   "-logσ(β (mean m_u log π(y_c) - mean m_u log π(y_r)) - γ), m_u learned",
		Source:    "SimPO, arXiv 2405.14734, Eq. 6, with a mask of SparsePO, arXiv 2410.05102, as its conclusion suggests; the combination is ours",
		Reads:     append([]string{"beta", "gamma", "l1_u"}, learnedSettings...),
		Mask:      CommonMask,
		Reference: true,
		Pairs:     true,
		Build:     sparseSimPO,
	})
}

// sparseSimPO weights the log-probabilities of SimPO by a learned mask; a mask of ones makes it SimPO. The means divide by the
// number of tokens, not by the mask's sum, so that the mask can make a response count less. The mask reads the reference
// model's hidden states; the loss has no other use for it, and no KL to mask.
func sparseSimPO(t Terms, o Options) Output {
	masked := t
	masked.LogProb = weighted(t.RewardMask, t.LogProb)
	o.L1D = 0
	return addL1(simpo(masked, o), t, o)
}
