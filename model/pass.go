package model

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/sparsepo/sparsepo/internal/norm"
)

// pass is a forward pass in the making: what the layers of every family share, and what they return.
type pass struct {
	*Config
	w         *weights
	attention *attention
	rotation  *rotation // nil: the family has learned positions
	place     string    // of the layer in the names of activations, "h.3."
	out       Outputs
}

func newPass(c *Config, w *weights) *pass {
	p := &pass{Config: c, w: w, attention: newAttention(w.in)}
	if c.rope.kind != "" {
		p.rotation = c.rope.rotation(w.in.Positions, c.HeadDim)
	}
	return p
}

// block is one layer: two functions that add to the residual stream, each behind a norm.
//
//	every function  [rows, seq, hidden] → [rows, seq, hidden]
type block struct {
	attentionNorm, attention func(x *Node) *Node
	mlpNorm                  func(x *Node) *Node // nil: the MLP reads what the attention reads
	mlp                      func(x *Node) *Node
	parallel                 bool // both read the stream as it enters the layer
}

// layers runs the family's layers over the embeddings and the final norm over their result.
func (p *pass) layers(x *Node, layer func(l int) block, finalNorm func(x *Node) *Node) Outputs {
	p.trace("resid", "embedding", x)
	for l := range p.Layers {
		p.place = fmt.Sprintf("h.%d.", l)
		x = p.layer(p.w.layer(x), layer(l))
		p.out.Hidden = append(p.out.Hidden, x)
	}
	p.place = ""
	p.out.Final = finalNorm(p.w.end(x))
	p.trace("resid", "final", p.out.Final)
	p.out.Hidden[p.Layers-1] = p.out.Final
	return p.out
}

func (p *pass) layer(x *Node, b block) *Node {
	input := b.attentionNorm(x)
	p.trace("resid", "attn.input", input)
	attended := b.attention(input)
	p.trace("resid", "attn.output", attended)
	stream := x
	if !b.parallel {
		stream = Add(x, attended)
		p.trace("resid", "attn.residual", stream)
	}
	if b.mlpNorm != nil {
		input = b.mlpNorm(stream)
		p.trace("resid", "mlp.input", input)
	}
	computed := b.mlp(input)
	p.trace("resid", "mlp.output", computed)
	if b.parallel {
		computed = Add(attended, computed)
	}
	x = Add(stream, computed)
	p.trace("resid", "residual", x)
	return x
}

// attend is attention with the family's positions.
//
//	q        [rows, seq, heads*headDim]
//	k, v     [rows, seq, kvHeads*headDim]
//	returns  [rows, seq, heads*headDim]
func (p *pass) attend(q, k, v *Node) *Node {
	p.trace("attn", "attn.q", q)
	p.trace("attn", "attn.k", k)
	p.trace("attn", "attn.v", v)
	q, k, v = splitHeads(q, p.Heads), splitHeads(k, p.KVHeads), splitHeads(v, p.KVHeads)
	if p.rotation != nil {
		q, k = p.rotation.apply(q), p.rotation.apply(k)
		if p.w.in.Trace {
			p.trace("attn", "attn.q.rotated", joinHeads(q))
			p.trace("attn", "attn.k.rotated", joinHeads(k))
		}
	}
	layer := len(p.out.Keys)
	p.out.Keys, p.out.Values = append(p.out.Keys, k), append(p.out.Values, v)
	o := joinHeads(p.attention.attend(layer, q, k, v))
	p.trace("attn", "attn.heads", o)
	return o
}

// activate is the MLP's activation function.
func (p *pass) activate(x *Node) *Node {
	x = activations[p.Activation](x)
	p.trace("mlp", "mlp.activation", x)
	return x
}

// gate is the activation function of a gated MLP (Shazeer 2020).
func (p *pass) gate(x, up *Node) *Node {
	x = Mul(activations[p.Activation](x), up)
	p.trace("mlp", "mlp.activation", x)
	return x
}

// layerNorm is the LayerNorm of a module.
func (p *pass) layerNorm(module string) func(x *Node) *Node {
	return func(x *Node) *Node {
		return norm.Layer(x, p.w.kept(module+".weight"), p.w.kept(module+".bias"), p.NormEps)
	}
}

// rmsNorm is the RMSNorm of a module.
func (p *pass) rmsNorm(module string) func(x *Node) *Node {
	return func(x *Node) *Node { return norm.RootMeanSquare(x, p.w.kept(module+".weight"), p.NormEps) }
}

// trace returns an activation with the pass, for the activation-based mask.
func (p *pass) trace(group, name string, x *Node) {
	if p.w.in.Trace {
		p.out.Activations = append(p.out.Activations, Activation{group, p.place + name, x})
	}
}

// unembedding is the LM head of a family: a table of its own, or the token embedding where they are tied.
func (c *Config) unembedding(w *weights, hidden *Node, own, embedding string) *Node {
	if c.TieHead {
		own = embedding
	}
	return unembed(hidden, w.value(own))
}
