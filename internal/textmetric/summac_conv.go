package textmetric

import (
	"fmt"
	"slices"
	"sort"

	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/safetensors"
)

// convolution is SummaC's trained form: a linear layer over the histogram of each column's entailments, whose mean a second
// one turns into the probability that the summary is consistent.
type convolution struct {
	bins       []float64 // borders, one more than there are bins
	weight     []float64 // by bin
	bias       float64
	lastWeight [2]float64 // by class: inconsistent, consistent
	lastBias   [2]float64
}

// convolvedSentences is how many of a summary's sentences the convolution reads, as in SummaC's program.
const convolvedSentences = 10

// percentiles are the borders of the 23 bins of the published convolution, at percentiles of entailments in a large number
// of summaries (SummaC's program, bins "percentile").
var percentiles = []float64{
	0, 0.01, 0.02, 0.03, 0.04, 0.07, 0.13, 0.37, 0.90, 0.91, 0.92, 0.93, 0.94, 0.95, 0.955, 0.96, 0.965, 0.97, 0.975, 0.98, 0.985, 0.99, 0.995, 1,
}

// Convolution reads the trained form from a safetensors file with the tensors of SummaC's program: mlp.weight [1, bins],
// mlp.bias [1], layer_final.weight [2, 3] and layer_final.bias [2]. It must be trained on entailments alone and take the mean
// over sentences. 23 bins are the program's percentiles, any other number are bins of equal width.
func Convolution(path string) (SummaCForm, error) {
	file, err := safetensors.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read SummaC's convolution: %w", err)
	}
	defer file.Close()
	c, err := readConvolution(file)
	if err != nil {
		return nil, usage.Errorf("%s: %w", path, err)
	}
	return c.score, nil
}

// maxBins bounds the convolution's width; ours: SummaC tries 23 to 200.
const maxBins = 10_000

func readConvolution(file *safetensors.File) (*convolution, error) {
	weight, ok := file.Tensor("mlp.weight")
	if !ok || len(weight.Shape) != 2 || weight.Shape[0] != 1 || weight.Shape[1] < 1 || weight.Shape[1] > maxBins {
		return nil, fmt.Errorf(`tensor "mlp.weight": expected one of shape [1, bins], as in the state of a SummaCConv of one model and entailments alone`)
	}
	numBins := weight.Shape[1]
	c := &convolution{bins: borders(numBins)}
	values := map[string][]float32{}
	for name, dims := range map[string][]int{"mlp.weight": {1, numBins}, "mlp.bias": {1}, "layer_final.weight": {2, 3}, "layer_final.bias": {2}} {
		t, ok := file.Tensor(name)
		if !ok {
			return nil, fmt.Errorf("tensor %q is missing", name)
		}
		if !slices.Equal(t.Shape, dims) {
			return nil, fmt.Errorf("tensor %q is %v, expected %v", name, t.Shape, dims)
		}
		var err error
		if values[name], err = t.Float32(); err != nil {
			return nil, err
		}
	}
	for _, w := range values["mlp.weight"] {
		c.weight = append(c.weight, float64(w))
	}
	c.bias = float64(values["mlp.bias"][0])
	for class := range c.lastWeight {
		for _, w := range values["layer_final.weight"][3*class : 3*class+3] {
			c.lastWeight[class] += float64(w) // its three inputs are the same mean
		}
		c.lastBias[class] = float64(values["layer_final.bias"][class])
	}
	return c, nil
}

func borders(numBins int) []float64 {
	if numBins == len(percentiles)-1 {
		return percentiles
	}
	list := make([]float64, numBins+1)
	for i := range list {
		list[i] = float64(i) * (1 / float64(numBins))
	}
	list[numBins] = 1
	return list
}

// bin is the bin of a number from 0 to 1; a border belongs to the bin above it, 1 to the last.
func (c *convolution) bin(x float64) int {
	above := sort.Search(len(c.bins), func(i int) bool { return c.bins[i] > x })
	return min(max(above-1, 0), len(c.weight)-1)
}

// score is the probability that the summary is consistent.
func (c *convolution) score(verdicts [][]Verdict) float64 {
	columns := min(len(verdicts[0]), convolvedSentences)
	sum := 0.0
	for column := range columns {
		sum += c.bias
		for _, row := range verdicts {
			sum += c.weight[c.bin(row[column].Entailment)]
		}
	}
	feature := sum / float64(columns)
	logits := make([]float64, 2)
	for class := range logits {
		logits[class] = c.lastWeight[class]*feature + c.lastBias[class]
	}
	return softmax(logits)[1]
}
