package loss

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

func init() {
	register(Objective{
		Name:    "orpo",
		Summary: "-mean log π(y_c) - β logσ(log odds(y_c) - log odds(y_r)), log odds(y) = log(p/(1-p)), log p = mean log π(y)",
		Source:  "Hong et al. 2024, arXiv 2403.07691, Eq. 6-7",
		Reads:   []string{"beta"},
		Pairs:   true,
		Build:   orpo,
	})
}

// orpo fine-tunes on the chosen response and adds the log of the odds ratio; it needs no reference model. The paper's λ is β, as in TRL,
// whose likelihood term includes the prompt's tokens and averages over a batch; here it is the response's mean. The logged rewards are β
// times the log odds that are compared.
func orpo(t Terms, o Options) Output {
	meanChosen, meanRejected := t.Sides.Mean(t.LogProb)
	chosen, rejected := logOdds(meanChosen), logOdds(meanRejected)
	ratio := MulScalar(logistic(Sub(chosen, rejected)), o.Beta)
	return Output{Loss: Sub(ratio, meanChosen), Chosen: MulScalar(chosen, o.Beta), Rejected: MulScalar(rejected, o.Beta)}
}

// certain is a log-probability so near to 0 that float32 finds no odds beyond it, and certainOdds its log odds.
const (
	certain     = -1.0 / (1 << 20)
	certainOdds = 20 * math.Ln2
)

// logOdds is log p - log(1-p) of a log-probability. Where that is above certain, as an empty response's is, the odds
// stay what they are there, without a gradient.
func logOdds(logProb *Node) *Node {
	ones := OnesLike(logProb)
	possible := LessThan(logProb, MulScalar(ones, certain))
	logProb = Where(possible, logProb, Neg(ones))
	return Where(possible, Sub(logProb, Log1P(Neg(Exp(logProb)))), MulScalar(ones, certainOdds))
}
