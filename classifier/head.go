package classifier

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/sparsepo/sparsepo/encoder"
	"github.com/sparsepo/sparsepo/internal/activation"
)

// head is what stands on the hidden state of the first token: a linear layer of the encoder's width, an activation function and
// a linear layer whose outputs are the logits. Dropout is off.
type head struct {
	dense, labels string // the layers' names in the files
	activation    func(*Node) *Node
}

// heads are by the encoder's type. The first layer of BERT and ALBERT is their pooler.
var heads = map[string]head{
	"roberta":     robertaHead,
	"xlm-roberta": robertaHead,
	"camembert":   robertaHead,
	"bert":        {"bert.pooler.dense", "classifier", Tanh},
	"albert":      {"albert.pooler", "classifier", Tanh},
	"deberta-v2":  {"pooler.dense", "classifier", activation.Functions["gelu"]},
	"distilbert":  {"pre_classifier", "classifier", activation.Functions["relu"]},
}

var robertaHead = head{"classifier.dense", "classifier.out_proj", Tanh}

// headTensors are the tensors of the classification head.
func (c *Config) headTensors() []encoder.Tensor {
	h := heads[c.Type]
	return append(encoder.Linear(h.dense, c.Hidden, c.Hidden), encoder.Linear(h.labels, c.Hidden, len(c.Labels))...)
}
