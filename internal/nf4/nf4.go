// Package nf4 holds the weights of a frozen model in four bits each: 4-bit NormalFloat with double quantisation, as QLoRA
// describes it (Dettmers et al. 2023, arXiv:2305.14314, §3) and bitsandbytes computes it by default.
//
// A tensor's elements, in the order in which the checkpoint stores them (row-major), form blocks of 64. A block has a scale,
// the largest magnitude in it, and each element is the nearest of 16 levels times that scale. The scales themselves take
// eight bits: their mean, the tensor's Offset, is subtracted, and groups of 256 of them share one float32. Together that is
// 4 + 8/64 + 32/(64·256) = 4.127 bits a weight.
//
//	scale[b]  = dynamicMap[Scales[b]] · ScaleScales[b/256] + Offset
//	weight[i] = levels[code i] · scale[i/64]
//
// Quantise makes a Tensor of a slice, a Quantiser one of a tensor that arrives in pieces. Dequantise computes the weights
// on the host, Weights inside a graph, with the same float32 operations in the same order.
package nf4

import "fmt"

const (
	// BlockSize is the number of elements that share a scale (QLoRA, §3).
	BlockSize = 64
	// GroupSize is the number of scales that share a scale of their own (QLoRA, §3).
	GroupSize = 256

	blockBytes = BlockSize / 2
)

// Tensor is a quantised tensor.
type Tensor struct {
	Dims []int

	// Codes are the elements' levels, two a byte, the first of them in the upper four bits. They fill whole blocks, 32
	// bytes each; after the last element follow zeros (level 7).
	Codes []uint8
	// Scales are the blocks' scales as indices into the dynamic map, one a block.
	Scales []uint8
	// ScaleScales are the largest magnitudes of the blocks' scales minus Offset, one for each group of 256 blocks.
	ScaleScales []float32
	// Offset is the mean of the blocks' scales.
	Offset float32
}

// Size is the number of elements.
func (t Tensor) Size() int { return size(t.Dims) }

// Bytes is the memory that the tensor's values take.
func (t Tensor) Bytes() int { return len(t.Codes) + len(t.Scales) + 4*len(t.ScaleScales) + 4 }

// Words are the codes as Weights takes them: pairs of bytes, the first in the lower eight bits.
func (t Tensor) Words() []uint16 {
	words := make([]uint16, len(t.Codes)/2)
	for i := range words {
		words[i] = uint16(t.Codes[2*i]) | uint16(t.Codes[2*i+1])<<8
	}
	return words
}

// Dequantise returns the elements, in the order in which they were quantised.
func (t Tensor) Dequantise() []float32 {
	values := make([]float32, len(t.Codes)*2)
	inParallel(len(t.Scales), func(first, end int) {
		for b := first; b < end; b++ {
			decodeBlock(values[b*BlockSize:(b+1)*BlockSize], t.Codes[b*blockBytes:(b+1)*blockBytes], t.scale(b))
		}
	})
	return values[:t.Size()]
}

// scale is the scale of one block after double quantisation.
func (t Tensor) scale(block int) float32 {
	// The conversion keeps the product from being fused with the sum, on processors that could.
	return float32(dynamicMap[t.Scales[block]]*t.ScaleScales[block/GroupSize]) + t.Offset
}

func decodeBlock(values []float32, codes []uint8, scale float32) {
	for i, pair := range codes {
		values[2*i] = levels[pair>>4] * scale
		values[2*i+1] = levels[pair&15] * scale
	}
}

func size(dims []int) int {
	product := 1
	for _, dim := range dims {
		product *= dim
	}
	return product
}

func checkDims(dims []int) error {
	for _, dim := range dims {
		if dim < 1 {
			return fmt.Errorf("nf4: dimensions %v: every one must be at least 1", dims)
		}
	}
	return nil
}
