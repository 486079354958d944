package step

import (
	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/model"
)

// Work tells what the parts of a batch cost, in floating-point operations of one forward pass: the linear layers, the two
// products of attention with every position of a row, and the LM head. Passes back cost a multiple of the same.
func Work(c *model.Config) data.Work {
	return data.Work{
		Position: 2 * float64(c.LinearWeights()),
		Pairing:  4 * float64(c.Layers*c.Heads*c.HeadDim),
		Response: 2 * float64(c.Hidden*c.Vocab),
	}
}
