package model

import (
	"fmt"
	"math"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/sparsepo/sparsepo/internal/norm"
)

func init() { register("gpt2", gpt2{}) }

// gpt2 is Radford et al. 2019: learned positions, norms before the blocks, one tensor for query, key and value, weights
// stored [in, out] (Hugging Face's Conv1D).
type gpt2 struct{}

func (gpt2) prefix() string { return "transformer." }

// adapts: PEFT's default.
func (gpt2) adapts() []string { return []string{"c_attn"} }

// buffer: causal masks that older writers stored.
func (gpt2) buffer(tensor string) bool {
	return strings.HasSuffix(tensor, ".attn.bias") || strings.HasSuffix(tensor, ".attn.masked_bias")
}

func (gpt2) configure(c *Config, f *fields) error {
	c.Hidden = f.size("n_embd", 768)
	c.Layers = f.size("n_layer", 12)
	c.Heads = f.size("n_head", 12)
	c.KVHeads = c.Heads
	c.HeadDim = c.Hidden / max(c.Heads, 1)
	c.Inner = f.size("n_inner", 4*c.Hidden)
	c.MaxPositions = f.size("n_positions", 1024)
	c.NormEps = f.number("layer_norm_epsilon", 1e-5)
	c.Activation = f.text("activation_function", "gelu_new")
	c.TieHead = f.flag("tie_word_embeddings", true)
	if f.flag("scale_attn_by_inverse_layer_idx", false) || f.flag("reorder_and_upcast_attn", false) || !f.flag("scale_attn_weights", true) {
		return fmt.Errorf("scale_attn_by_inverse_layer_idx, reorder_and_upcast_attn and scale_attn_weights=false are not supported")
	}
	return nil
}

func (gpt2) params(c *Config) []Param {
	residual := 0.02 / math.Sqrt(2*float64(c.Layers)) // of projections into the residual stream
	d := c.Hidden
	l := layout{std: 0.02, inOut: true}
	l.table("transformer.wte.weight", c.Vocab, d)
	l.table("transformer.wpe.weight", c.MaxPositions, d)
	for i := range c.Layers {
		p := fmt.Sprintf("transformer.h.%d.", i)
		l.norm(p+"ln_1", d)
		l.fused(p+"attn.c_attn", d, 3*d, true, 0, []int{3, d}, 0, []section{{"q", 0, 1}, {"k", 1, 2}, {"v", 2, 3}})
		l.linear(p+"attn.c_proj", d, d, true, residual)
		l.norm(p+"ln_2", d)
		l.linear(p+"mlp.c_fc", d, c.Inner, true, 0)
		l.linear(p+"mlp.c_proj", c.Inner, d, true, residual)
	}
	l.norm("transformer.ln_f", d)
	if !c.TieHead {
		l.table("lm_head.weight", c.Vocab, d)
	}
	return l.params
}

func (gpt2) forward(c *Config, w *weights, in Inputs) Outputs {
	var out Outputs
	trace := func(group, name string, x *Node) {
		if in.Trace {
			out.Activations = append(out.Activations, Activation{group, name, x})
		}
	}
	layerNorm := func(x *Node, name string) *Node {
		return norm.Layer(x, w.value(name+".weight"), w.value(name+".bias"), c.NormEps)
	}
	activation := activations[c.Activation]
	x := Add(embed(w.value("transformer.wte.weight"), in.Tokens), embed(w.value("transformer.wpe.weight"), in.Positions))
	attn := newAttention(in)
	trace("resid", "embedding", x)
	for l := range c.Layers {
		x = w.layer(x)
		p := fmt.Sprintf("transformer.h.%d.", l)
		h := fmt.Sprintf("h.%d.", l)
		a := layerNorm(x, p+"ln_1")
		trace("resid", h+"attn.input", a)
		heads := make(map[string]*Node, 3)
		for _, name := range []string{"q", "k", "v"} {
			z := w.section(a, p+"attn.c_attn", name)
			trace("attn", h+"attn."+name, z)
			heads[name] = splitHeads(z, c.Heads)
		}
		k, v := attn.remember(l, heads["k"], heads["v"])
		out.Keys, out.Values = append(out.Keys, k), append(out.Values, v)
		o := joinHeads(attn.attend(heads["q"], k, v))
		trace("attn", h+"attn.heads", o)
		delta := w.linear(o, p+"attn.c_proj")
		trace("resid", h+"attn.output", delta)
		x = Add(x, delta)
		trace("resid", h+"attn.residual", x)

		m := layerNorm(x, p+"ln_2")
		trace("resid", h+"mlp.input", m)
		m = activation(w.linear(m, p+"mlp.c_fc"))
		trace("mlp", h+"mlp.activation", m)
		delta = w.linear(m, p+"mlp.c_proj")
		trace("resid", h+"mlp.output", delta)
		x = Add(x, delta)
		trace("resid", h+"residual", x)
		out.Hidden = append(out.Hidden, x)
	}
	x = w.end(x)
	out.Final = layerNorm(x, "transformer.ln_f")
	trace("resid", "final", out.Final)
	out.Hidden[c.Layers-1] = out.Final
	return out
}

func (gpt2) head(c *Config, w *weights, hidden *Node) *Node {
	table := "lm_head.weight"
	if c.TieHead {
		table = "transformer.wte.weight"
	}
	return unembed(hidden, w.value(table))
}
