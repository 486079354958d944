package step

import (
	"github.com/sparsepo/sparsepo/loss"
	"github.com/sparsepo/sparsepo/mask"
)

// Settings of a program.
type Settings struct {
	Objective loss.Objective
	Options   loss.Options
	Map       mask.Map     // activation-based mask
	Groups    []string     // activation groups of that mask
	Learned   mask.Learned // architecture of a learned mask
	Optimiser Optimiser
	Recompute bool  // compute the policy's activations again for the gradients instead of keeping them
	Given     Given // what the reference finds, in place of its pass; nil runs it
}

// Optimiser holds AdamW's settings (Loshchilov and Hutter 2019) and the gradient clipping before it.
type Optimiser struct {
	Beta1, Beta2, Epsilon float64
	WeightDecay           float64 // of the policy's weights; biases and norms do not decay
	MaskWeightDecay       float64 // of the masks' weights
	MaxGradNorm           float64 // global norm that gradients are clipped to; 0 does not clip
}

// Values are what a program computes for a batch. Arrays over tokens follow Batch.Predict, arrays over pairs its slots,
// padding included. A value the objective does not have is nil.
type Values struct {
	Loss             []float32 // [pairs]
	Chosen, Rejected []float32 // [pairs] rewards

	LogProb, Reference   []float32 // [tokens]
	ForwardKL, ReverseKL []float32 // [tokens]; in training the reverse KL only where the loss reads it
	RewardMask, KLMask   []float32 // [tokens]
}
