package model

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
)

// family is what a model family brings: one value of this type in one file.
type family interface {
	// configure fills c from config.json.
	configure(c *Config, f *fields) error
	// params lists the parameters in the order in which a new checkpoint stores them.
	params(c *Config) []Param
	// forward adds the forward pass to the graph of in.Tokens.
	forward(c *Config, w weights, in Inputs) Outputs
	// head turns hidden states [n, hidden] into logits [n, vocab].
	head(c *Config, w weights, hidden *Node) *Node
	// prefix is what checkpoints of the bare model (without an LM head) leave off the tensor names.
	prefix() string
	// buffer reports whether a tensor of a checkpoint is a constant the family does not need.
	buffer(tensor string) bool
}

var families = map[string]family{}

func register(modelType string, f family) {
	if _, ok := families[modelType]; ok {
		panic(fmt.Sprintf("model: family %q registered twice", modelType))
	}
	families[modelType] = f
}

// Kind says how a parameter is initialised and whether it decays.
type Kind int

// The kinds of parameters.
const (
	KindWeight Kind = iota // a matrix or an embedding: normal initialisation, decays
	KindBias               // zero, does not decay
	KindGain               // a norm's weight: one, does not decay
	KindShift              // a norm's bias: zero, does not decay
)

// Param is one parameter of a network: a whole tensor of the checkpoint, or a part of one. Checkpoints that store several
// projections in one tensor (GPT-2's c_attn) are taken apart on reading and joined on writing, because a slice inside the
// graph has no gradient on every engine.
type Param struct {
	Name   string // name of the variable; unique in the network
	Dims   []int
	Tensor string // name of the checkpoint's tensor
	Part   *Part  // nil: the whole tensor
	Kind   Kind
	Std    float64 // of the initial values, for KindWeight
}

// Decays reports whether weight decay applies: to everything that is neither a bias nor a norm's.
func (p Param) Decays() bool { return p.Kind == KindWeight }

// Part is a range along one axis of a tensor that is seen with dimensions View (the tensor's own, or with axes split).
type Part struct {
	View     []int
	Axis     int
	From, To int
}

// size counts the values of the whole tensor.
func (p *Part) size() int {
	n := 1
	for _, d := range p.View {
		n *= d
	}
	return n
}

// copyPart moves the part between a whole tensor and its own flat values: out of whole when read, into it when not.
func (p *Part) copyPart(whole, part []float32, read bool) {
	inner := 1
	for _, d := range p.View[p.Axis+1:] {
		inner *= d
	}
	axis := p.View[p.Axis]
	run := (p.To - p.From) * inner
	for outer := range len(whole) / (axis * inner) {
		start := (outer*axis + p.From) * inner
		if read {
			copy(part[outer*run:(outer+1)*run], whole[start:start+run])
		} else {
			copy(whole[start:start+run], part[outer*run:(outer+1)*run])
		}
	}
}

// Inputs of a forward pass.
type Inputs struct {
	Tokens    *Node // int64 [rows, seq]
	Positions *Node // int64 [rows, seq]
	Visible   *Node // bool [rows, seq, keys]: which keys each position attends to; with a cache, its past keys, then its recent ones
	Cache     *Cache
	Trace     bool // also return the activations that the activation-based mask averages
}

// Cache holds the keys and values of earlier positions, for sampling one token a row at a time (seq = 1). The past is read
// only, so that a step moves no more than the recent part, a queue: the new position enters at its end, the first one
// leaves. The past keys are transposed because the product with the queries wants them so: several times faster with ONNX
// Runtime.
type Cache struct {
	PastKeys     []*Node // per layer [rows, kvHeads, headDim, past]
	PastValues   []*Node // per layer [rows, kvHeads, past, headDim]
	Keys, Values []*Node // per layer [rows, kvHeads, recent, headDim]; recent is at least 2
}

// Outputs of a forward pass.
type Outputs struct {
	Final        *Node        // [rows, seq, hidden] after the final norm: what the LM head reads
	Hidden       []*Node      // per layer [rows, seq, hidden] the residual stream after the layer; the last one after the final norm
	Activations  []Activation // with Inputs.Trace
	Keys, Values []*Node      // per layer [rows, kvHeads, seq, headDim]; with a cache, its recent part after this pass
}

// Activation is one of the reference model's activations, for the activation-based mask.
type Activation struct {
	Group string // "mlp", "attn" or "resid"
	Name  string // the layer and the place, "h.3.attn.q"
	Value *Node  // [rows, seq, …]; the axes after the second are averaged by the mask
}

// weights finds the node of a parameter.
type weights func(name string) *Node
