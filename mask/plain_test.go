package mask_test

import (
	"math"

	"github.com/sparsepo/sparsepo/mask"
)

// plainLearned computes a learned mask token by token in float64, straight from the definition
// m = ReLU([ReLU(LN(H^(l))·w^(l) + b^(l))]_l · w_o).
//
//	hidden  [layers][tokens][hidden]
func plainLearned(a mask.Learned, tensors map[string][]float32, hidden [][][]float64) []float64 {
	if !a.AllLayers {
		hidden = hidden[len(hidden)-1:]
	}
	out := make([]float64, len(hidden[0]))
	for token := range out {
		sum := 0.0
		for l := range hidden {
			m := max(0, plainScore(a, tensors, l, hidden[l][token]))
			if a.AllLayers {
				m *= float64(tensors["mixer.weight"][l])
			}
			sum += m
		}
		out[token] = max(0, sum)
		if a.Binary && out[token] > 0 {
			out[token] = 1
		}
	}
	return out
}

// plainScore is layer l's value before its ReLU.
func plainScore(a mask.Learned, tensors map[string][]float32, l int, h []float64) float64 {
	if a.Norm {
		h = plainNorm(h, tensors["norm.weight"], tensors["norm.bias"], a.Eps)
	}
	dot := func(w []float32) float64 {
		sum := 0.0
		for i, x := range h {
			sum += x * float64(w[i])
		}
		return sum
	}
	d := a.Hidden
	if a.Depth == 1 {
		return dot(tensors["layer.weight"][l*d:]) + float64(tensors["layer.bias"][l])
	}
	score := float64(tensors["layer.1.bias"][l])
	for w := range a.Width {
		unit := l*a.Width + w
		score += float64(tensors["layer.1.weight"][unit]) * (dot(tensors["layer.0.weight"][unit*d:]) + float64(tensors["layer.0.bias"][unit]))
	}
	return score
}

func plainNorm(h []float64, gain, shift []float32, eps float64) []float64 {
	mean, variance := 0.0, 0.0
	for _, x := range h {
		mean += x / float64(len(h))
	}
	for _, x := range h {
		variance += (x - mean) * (x - mean) / float64(len(h))
	}
	out := make([]float64, len(h))
	for i, x := range h {
		out[i] = (x-mean)/math.Sqrt(variance+eps)*float64(gain[i]) + float64(shift[i])
	}
	return out
}
