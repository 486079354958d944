package step

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/loss"
)

// Two pairs of hand-sized responses over a vocabulary of four, a padding token at the end.
var (
	handOwner  = []int64{0, 0, 2, 1, 3, 3, 4}
	handTarget = []int64{1, 3, 0, 2, 2, 1, 0}
	handPolicy = [][]float64{
		{0.5, -1, 0.25, 2}, {1, 0, -0.5, 0.75}, {-2, 0.5, 0, 1}, {0.25, 0.5, 0.75, 1}, {3, -3, 0, 0}, {0, 0, 0, 0}, {1, 2, 3, 4},
	}
	handReference = [][]float64{
		{0, -0.5, 0.5, 1}, {0.5, 0.5, -1, 0}, {-1, 1, 0.25, 0}, {1, 0.75, 0.5, 0.25}, {1, -1, 0.5, 0}, {0.5, 0, -0.5, 1}, {4, 3, 2, 1},
	}
	handRewardMask = []float64{0.5, 0, 1.5, 1, 0.25, 2, 0}
	handKLMask     = []float64{1, 0.75, 0, 0.5, 1.25, 0, 0}
)

// distributionOf is the softmax of logits.
func distributionOf(logits []float64) []float64 {
	p, sum := make([]float64, len(logits)), 0.0
	for i, z := range logits {
		p[i] = math.Exp(z)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// handGradient is the closed form: with x the loss's argument, a chosen token's logit z_v has the derivative
// -βσ(-x)·[m_u (1[v=y] - π_v) + m_d (π_v - π_ref,v)], a rejected one's the opposite, because K = KL(π_ref ‖ π) has
// ∂K/∂z_v = π_v - π_ref,v.
func handGradient(beta float64, rewardMask, klMask []float64) [][]float64 {
	policy, reference := make([][]float64, len(handOwner)), make([][]float64, len(handOwner))
	var argument [2]float64
	sign := func(owner int64) float64 {
		switch {
		case owner < 2:
			return 1
		case owner < 4:
			return -1
		}
		return 0
	}
	for i, owner := range handOwner {
		policy[i], reference[i] = distributionOf(handPolicy[i]), distributionOf(handReference[i])
		kl := 0.0
		for v := range policy[i] {
			kl += reference[i][v] * math.Log(reference[i][v]/policy[i][v])
		}
		y := handTarget[i]
		argument[owner%2] += sign(owner) * beta * (rewardMask[i]*math.Log(policy[i][y]/reference[i][y]) + klMask[i]*kl)
	}
	gradient := make([][]float64, len(handOwner))
	for i, owner := range handOwner {
		gradient[i] = make([]float64, len(handPolicy[i]))
		slope := -beta / (1 + math.Exp(argument[owner%2])) * sign(owner)
		for v, p := range policy[i] {
			target := 0.0
			if int64(v) == handTarget[i] {
				target = 1
			}
			gradient[i][v] = slope * (rewardMask[i]*(target-p) + klMask[i]*(p-reference[i][v]))
		}
	}
	return gradient
}

func TestLogitGradient(t *testing.T) {
	ones, none := []float64{1, 1, 1, 1, 1, 1, 0}, make([]float64, len(handOwner))
	tests := []struct {
		method             string
		rewardMask, klMask []float64
	}{
		{"dpo", ones, none},
		{"tdpo1", ones, ones},
		{"mapo", handRewardMask, handRewardMask},
		{"sparse-common", handKLMask, handKLMask},
		{"sparse-independent", handRewardMask, handKLMask},
		{"sparse-binary", ones, ones},
		{"sparse-random", handRewardMask, handRewardMask},
	}
	const beta = 0.7
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for _, test := range tests {
			t.Run(test.method, func(t *testing.T) {
				objective, _ := loss.Lookup(test.method)
				exec, err := NewExec(e.Backend, func(in []*Node) []*Node {
					owner, target, real := in[0], in[1], in[6]
					policy, reference := newDistribution(in[2]), newDistribution(StopGradient(in[3]))
					terms := loss.Terms{
						LogProb: Mul(policy.logProb(target), real), Reference: Mul(reference.logProb(target), real),
						ForwardKL: Mul(reference.kl(policy), real), RewardMask: in[4], KLMask: in[5],
						Sides: loss.NewSides(owner, 2, dtypes.Float32),
					}
					out := objective.Build(terms, loss.Options{Beta: beta})
					return Gradient(ReduceAllSum(out.Loss), in[2], in[3])
				})
				if err != nil {
					t.Fatal(err)
				}
				list := func(x []float64) any {
					narrow := make([]float32, len(x))
					for i, v := range x {
						narrow[i] = float32(v)
					}
					return narrow
				}
				table := func(x [][]float64) any {
					flat := make([]float32, 0, 4*len(x))
					for _, row := range x {
						flat = append(flat, list(row).([]float32)...)
					}
					return tensors.FromFlatDataAndDimensions(flat, len(x), 4)
				}
				out, err := exec.Call(handOwner, handTarget, table(handPolicy), table(handReference), list(test.rewardMask), list(test.klMask), list(ones))
				if err != nil {
					t.Fatal(err)
				}
				got, reference := tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[float32](out[1])
				for i, row := range handGradient(beta, test.rewardMask, test.klMask) {
					golden.CloseAll(t, fmt.Sprintf("token %d", i), got[4*i:4*i+4], row, 2e-6)
				}
				for i, x := range reference {
					if x != 0 {
						t.Errorf("gradient of the reference's logit %d is %g, want none", i, x)
					}
				}
			})
		}
	})
}
