package loss

import . "github.com/gomlx/gomlx/core/graph"

func init() {
	register(Objective{
		Name:    "simpo",
		Summary: "-logσ(β (mean log π(y_c) - mean log π(y_r)) - γ)",
		Source:  "Meng et al. 2024, arXiv 2405.14734, Eq. 6",
		Reads:   []string{"beta", "gamma"},
		Pairs:   true,
		Build:   simpo,
	})
}

// simpo compares length-normalised log-probabilities and needs no reference model. γ stands outside β, as in the paper;
// TRL's simpo_gamma divides it by β first and multiplies back, which is the same number.
func simpo(t Terms, o Options) Output {
	chosen, rejected := t.Sides.Mean(t.LogProb)
	chosen, rejected = MulScalar(chosen, o.Beta), MulScalar(rejected, o.Beta)
	return Output{Loss: logistic(AddScalar(Sub(chosen, rejected), -o.Gamma)), Chosen: chosen, Rejected: rejected}
}
