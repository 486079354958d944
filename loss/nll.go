package loss

import . "github.com/gomlx/gomlx/core/graph"

// withNLL adds rpo_alpha times the chosen response's mean negative log-likelihood to the loss of any objective on pairs, which keeps
// the chosen responses likely (Pang et al. 2024, arXiv 2404.19733, Eq. 1; TRL's rpo_alpha). The mean is over the tokens of a response;
// TRL's is over those of a batch. The logged rewards leave it out.
func withNLL(build func(Terms, Options) Output) func(Terms, Options) Output {
	return func(t Terms, o Options) Output {
		out := build(t, o)
		if o.RPOAlpha != 0 {
			chosen, _ := t.Sides.Mean(t.LogProb)
			out.Loss = Sub(out.Loss, MulScalar(chosen, o.RPOAlpha))
		}
		return out
	}
}
