// Package memory estimates what a training run takes of the machine's memory before it starts, and finds out what is free.
//
// The estimate adds what is certain (weights, gradients, moments) and what the passes keep, in units of arrays whose sizes
// follow from the model and the batches. How many of them are alive at once was measured with sparsepo bench train on both CPU
// engines; docs/models.md has the figures.
package memory

import (
	"fmt"
	"strings"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/model"
)

// Run is what the estimate depends on.
type Run struct {
	Policy    *model.Checkpoint
	Reference *model.Checkpoint // nil where there is none or it shares the policy's weights
	Compared  bool              // whether there is a reference that runs in training, shared or not
	HeadOnly  bool              // of the reference's weights the LM head alone is there

	Trained   int   // parameters that training changes
	Adapter   bool  // they are an adapter's
	FrozenAs  int64 // bytes of a frozen parameter: 4, or 2 in bfloat16
	FourBit   bool  // frozen linear layers in four bits
	Recompute bool  // gradient checkpointing
	Fused     bool  // the engine computes elementwise operations in one pass, see engine.Fuses

	Shape data.Shape // of the largest batch
}

// Need is an estimate, in bytes.
type Need struct {
	Policy, Reference   int64 // weights
	Gradients, Moments  int64
	Activations, Logits int64
	Base                int64 // the program itself, and what the engine needs besides
}

// arrays that are alive at once.
type arrays struct {
	hidden float64 // [positions, hidden] a layer
	inner  float64 // [positions, inner] a layer
	scores float64 // [rows, heads, seq, seq] a layer
	logits float64 // [response tokens, vocab]
}

// Measured on ONNX Runtime, with fused operations and before there were any; the Go engine takes about as many as the latter.
var (
	fused = arrays{hidden: 9, inner: 2, scores: 2, logits: 3}
	plain = arrays{hidden: 12, inner: 5, scores: 2.5, logits: 7.7}
)

const (
	base             = 75 << 20
	referenceLayers  = 2    // layers of the reference's pass whose arrays are alive at once, though none is kept
	recomputedLayers = 7    // and of the policy's with gradient checkpointing: ONNX Runtime computes weights' gradients late
	adaptedLayers    = 2    // where an adapter is trained
	bytesOfFourBits  = 0.52 // a weight with its scales
)

// Estimate adds a run's needs up.
func Estimate(r Run) Need {
	c := r.Policy.Config
	n := Need{Policy: r.weights(r.Policy, !r.Adapter), Gradients: 4 * int64(r.Trained), Moments: 8 * int64(r.Trained), Base: base}
	if r.Adapter {
		n.Policy += 4 * int64(r.Trained)
	}
	if r.Reference != nil {
		n.Reference = r.weights(r.Reference, false)
		if r.HeadOnly {
			n.Reference = r.FrozenAs * int64(r.Reference.HeadParameters())
		}
	}
	alive := plain
	if r.Fused {
		alive = fused
	}
	positions := float64(r.Shape.Rows * r.Shape.Seq)
	scores := float64(r.Shape.Rows*c.Heads) * float64(r.Shape.Seq) * float64(r.Shape.Seq)
	layer := positions*(alive.hidden*float64(c.Hidden)+alive.inner*float64(c.Inner)) + alive.scores*scores
	kept := float64(c.Layers) * layer
	if r.Recompute {
		again := recomputedLayers * layer
		if r.Adapter {
			again = adaptedLayers * layer
		}
		kept = min(kept, float64(c.Layers)*positions*float64(c.Hidden)+again)
	}
	if r.Compared {
		kept += referenceLayers * layer
	}
	n.Activations = int64(4 * kept)
	n.Logits = int64(4 * alive.logits * float64(r.Shape.Responses) * float64(c.Vocab))
	return n
}

// weights are a model's bytes.
func (r Run) weights(c *model.Checkpoint, trained bool) int64 {
	all, linear := int64(c.NumParameters()), int64(c.LinearParameters())
	switch {
	case trained:
		return 4 * all
	case r.FourBit:
		return int64(bytesOfFourBits*float64(linear)) + r.FrozenAs*(all-linear)
	}
	return r.FrozenAs * all
}

// Total is the whole estimate.
func (n Need) Total() int64 {
	return n.Certain() + n.Activations + n.Logits
}

// Certain is the part that no batch size changes.
func (n Need) Certain() int64 { return n.Policy + n.Reference + n.Gradients + n.Moments + n.Base }

// String gives "14.2 GB: policy 6.1, reference 6.1, …", parts below a hundredth left out.
func (n Need) String() string {
	var parts []string
	for _, p := range []struct {
		name  string
		bytes int64
	}{
		{"policy", n.Policy},
		{"reference", n.Reference},
		{"gradients", n.Gradients},
		{"optimiser", n.Moments},
		{"activations", n.Activations},
		{"logits", n.Logits},
	} {
		if p.bytes > n.Total()/100 {
			parts = append(parts, fmt.Sprintf("%s %s", p.name, size(p.bytes)))
		}
	}
	if len(parts) == 0 {
		return size(n.Total())
	}
	return fmt.Sprintf("%s (%s)", size(n.Total()), strings.Join(parts, ", "))
}

// size writes bytes with the unit people think in.
func size(bytes int64) string {
	if bytes < 1e9 {
		return fmt.Sprintf("%.0f MB", float64(bytes)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
}
