package nf4

import (
	"fmt"
	"math"
	"runtime"
	"sync"
)

// Quantise quantises the elements of a tensor of the given dimensions. It is an error that names the element if one of
// them is not finite.
func Quantise(values []float32, dims ...int) (Tensor, error) {
	q, err := NewQuantiser(dims...)
	if err != nil {
		return Tensor{}, err
	}
	if err := q.Add(values); err != nil {
		return Tensor{}, err
	}
	return q.Finish()
}

// Quantiser quantises a tensor whose elements arrive in pieces, so that it never has to be in memory whole. It keeps the
// codes, and the blocks' scales in float32 until Finish knows their mean.
type Quantiser struct {
	dims   []int
	codes  []uint8
	scales []float32
	added  int
}

// NewQuantiser starts a tensor of the given dimensions.
func NewQuantiser(dims ...int) (*Quantiser, error) {
	if err := checkDims(dims); err != nil {
		return nil, err
	}
	blocks := (size(dims) + BlockSize - 1) / BlockSize
	return &Quantiser{
		dims:   append([]int{}, dims...),
		codes:  make([]uint8, blocks*blockBytes),
		scales: make([]float32, blocks),
	}, nil
}

// Add quantises the next elements: a multiple of 64, unless they are the last. It works on all processors. After an error
// the Quantiser is of no further use.
func (q *Quantiser) Add(values []float32) error {
	left := size(q.dims) - q.added
	switch {
	case len(values) > left:
		return fmt.Errorf("nf4: %d elements too many for a tensor of dimensions %v", len(values)-left, q.dims)
	case len(values) < left && len(values)%BlockSize != 0:
		return fmt.Errorf("nf4: a piece of %d elements, %d before the end of the tensor; it must be a multiple of %d",
			len(values), left-len(values), BlockSize)
	}
	start := q.added / BlockSize
	inParallel((len(values)+BlockSize-1)/BlockSize, func(first, end int) {
		for b := first; b < end; b++ {
			block := values[b*BlockSize : min((b+1)*BlockSize, len(values))]
			at := start + b
			q.scales[at] = encodeBlock(q.codes[at*blockBytes:(at+1)*blockBytes], block)
		}
	})
	if err := q.checkFinite(values, start); err != nil {
		return err
	}
	q.added += len(values)
	return nil
}

// checkFinite names the first element that is not finite, of those whose blocks start at the given one.
func (q *Quantiser) checkFinite(values []float32, start int) error {
	for b := 0; b*BlockSize < len(values); b++ {
		if finite(q.scales[start+b]) {
			continue
		}
		for i := b * BlockSize; ; i++ {
			if !finite(values[i]) {
				return fmt.Errorf("nf4: element %d of %d is %v; only finite weights can be quantised", q.added+i, size(q.dims), values[i])
			}
		}
	}
	return nil
}

// Finish quantises the scales and returns the tensor. It is an error if elements are missing.
func (q *Quantiser) Finish() (Tensor, error) {
	if left := size(q.dims) - q.added; left > 0 {
		return Tensor{}, fmt.Errorf("nf4: %d elements missing of a tensor of dimensions %v", left, q.dims)
	}
	codes, groupScales, offset := quantiseScales(q.scales)
	return Tensor{Dims: q.dims, Codes: q.codes, Scales: codes, ScaleScales: groupScales, Offset: offset}, nil
}

// encodeBlock writes the codes of up to 64 elements, and of zeros after them, into 32 bytes. It returns the block's scale,
// which is not finite if an element is not; the codes then mean nothing.
func encodeBlock(codes []uint8, values []float32) (scale float32) {
	scale = largestMagnitude(values)
	if len(values) < BlockSize {
		var whole [BlockSize]float32
		copy(whole[:], values)
		values = whole[:]
	}
	normalised := normaliser(scale)
	for i := range codes {
		codes[i] = nearestLevel(normalised.of(values[2*i]))<<4 | nearestLevel(normalised.of(values[2*i+1]))
	}
	return scale
}

// quantiseScales is the second quantisation: codes of the dynamic map, one for each scale; a float32 for each group of
// scales; and the scales' mean, which is computed in float64.
func quantiseScales(scales []float32) (codes []uint8, groupScales []float32, mean float32) {
	var sum float64
	for _, scale := range scales {
		sum += float64(scale)
	}
	mean = float32(sum / float64(len(scales)))

	codes = make([]uint8, len(scales))
	groupScales = make([]float32, (len(scales)+GroupSize-1)/GroupSize)
	inParallel(len(groupScales), func(first, end int) {
		var centred [GroupSize]float32
		for g := first; g < end; g++ {
			group := scales[g*GroupSize : min((g+1)*GroupSize, len(scales))]
			for i, scale := range group {
				centred[i] = scale - mean
			}
			groupScales[g] = largestMagnitude(centred[:len(group)])
			normalised := normaliser(groupScales[g])
			for i := range group {
				codes[g*GroupSize+i] = nearestDynamic(normalised.of(centred[i]))
			}
		}
	})
	return codes, groupScales, mean
}

// normalisation divides numbers by the largest magnitude among them. Like bitsandbytes it multiplies by the reciprocal,
// unless that overflows.
type normalisation struct {
	factor, divisor float32
}

func normaliser(largest float32) normalisation {
	switch reciprocal := 1 / largest; {
	case largest == 0:
		return normalisation{factor: 1, divisor: 1}
	case finite(reciprocal):
		return normalisation{factor: reciprocal, divisor: 1}
	default:
		return normalisation{factor: 1, divisor: largest}
	}
}

func (n normalisation) of(x float32) float32 { return float32(x*n.factor) / n.divisor }

// largestMagnitude is not finite if one of the values is not.
func largestMagnitude(values []float32) float32 {
	var largest uint32 // magnitudes are ordered as their bits; those of infinity and NaN are the largest
	for _, value := range values {
		largest = max(largest, math.Float32bits(value)&0x7fffffff)
	}
	return math.Float32frombits(largest)
}

func finite(x float32) bool { return x-x == 0 }

// inParallel calls do for parts of [0, n) on all processors.
func inParallel(n int, do func(first, end int)) {
	const least = 1024 // fewer blocks than that are not worth a goroutine
	workers := min(runtime.GOMAXPROCS(0), (n+least-1)/least)
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() { do(n*w/workers, n*(w+1)/workers) })
	}
	group.Wait()
}
