package loss

import . "github.com/gomlx/gomlx/core/graph"

func init() {
	register(Objective{
		Name:    "sft",
		Summary: "-(1/T) Σ_t log π(y_c^t)",
		Source:  "supervised fine-tuning; the mean over examples of per-example means",
		Reads:   nil,
		Build:   sft,
	})
}

// sft is the negative mean log-likelihood of the chosen response. Others average over the tokens of a batch instead, which
// weights long responses more.
func sft(t Terms, o Options) Output {
	chosen, _ := t.Sides.Mean(t.LogProb)
	out := Output{Loss: Neg(chosen)}
	if t.Reference != nil {
		out.Chosen, out.Rejected = scaledSums(t.LogRatio(), t.Sides, o.Beta)
	}
	return out
}

// scaledSums is β Σ x for each side.
func scaledSums(x *Node, sides Sides, beta float64) (chosen, rejected *Node) {
	chosen, rejected = sides.Sum(x)
	return MulScalar(chosen, beta), MulScalar(rejected, beta)
}
