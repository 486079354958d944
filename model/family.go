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
	forward(c *Config, w *weights, in Inputs) Outputs
	// head turns hidden states [n, hidden] into logits [n, vocab].
	head(c *Config, w *weights, hidden *Node) *Node
	// prefix is what checkpoints of the bare model (without an LM head) leave off the tensor names.
	prefix() string
	// adapts lists the linear layers, by the end of their names, that a LoRA adapter is put on by default.
	adapts() []string
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

// Inputs of a forward pass.
type Inputs struct {
	Tokens    *Node // int64 [rows, seq]
	Positions *Node // int64 [rows, seq]
	Visible   *Node // bool [rows, seq, keys]: which keys each position attends to; with a cache, its keys, then those of the pass
	Cache     *Cache
	Trace     bool // also return the activations that the activation-based mask averages

	// Recompute computes each layer's activations again for the gradients instead of keeping them (Chen et al. 2016).
	Recompute bool
	// Noise is an int64 scalar that a LoRA adapter's dropout is drawn from; nil turns the dropout off.
	Noise *Node
}

// Cache holds the keys and values of earlier positions, for reading one token a row at a time (seq = 1), or any number of
// tokens after a beginning that all rows share. A pass only reads it: the keys and values of its own positions are among its
// outputs, for the caller to keep. No gradients go through it.
type Cache struct {
	Keys, Values []*Node // per layer [rows, kvHeads, past, headDim], or [1, …] where Shared
	Shared       bool    // the same beginning stands before every row
}

// Outputs of a forward pass.
type Outputs struct {
	Final        *Node        // [rows, seq, hidden] after the final norm: what the LM head reads
	Hidden       []*Node      // per layer [rows, seq, hidden] the residual stream after the layer; the last one after the final norm
	Activations  []Activation // with Inputs.Trace
	Keys, Values []*Node      // per layer [rows, kvHeads, seq, headDim], of this pass alone
}

// Activation is one of the reference model's activations, for the activation-based mask.
type Activation struct {
	Group string // "mlp", "attn" or "resid"
	Name  string // the layer and the place, "h.3.attn.q"
	Value *Node  // [rows, seq, …]; the axes after the second are averaged by the mask
}
