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
	const std = 0.02 // GPT-2's initialisation; projections into the residual stream are scaled by 1/√(2 layers)
	residual := std / math.Sqrt(2*float64(c.Layers))
	d := c.Hidden
	whole := func(name string, kind Kind, std float64, dims ...int) Param {
		return Param{Name: name, Tensor: name, Kind: kind, Std: std, Dims: dims}
	}
	norm := func(name string) []Param {
		return []Param{whole(name+".weight", KindGain, 0, d), whole(name+".bias", KindShift, 0, d)}
	}
	list := []Param{
		whole("transformer.wte.weight", KindWeight, std, c.Vocab, d),
		whole("transformer.wpe.weight", KindWeight, std, c.MaxPositions, d),
	}
	for l := range c.Layers {
		p := fmt.Sprintf("transformer.h.%d.", l)
		list = append(list, norm(p+"ln_1")...)
		for i, name := range []string{"q", "k", "v"} {
			list = append(list, Param{
				Name: p + "attn.c_attn.weight:" + name, Tensor: p + "attn.c_attn.weight", Kind: KindWeight, Std: std,
				Dims: []int{d, d}, Part: &Part{View: []int{d, 3, d}, Axis: 1, From: i, To: i + 1},
			})
		}
		for i, name := range []string{"q", "k", "v"} {
			list = append(list, Param{
				Name: p + "attn.c_attn.bias:" + name, Tensor: p + "attn.c_attn.bias", Kind: KindBias,
				Dims: []int{d}, Part: &Part{View: []int{3, d}, Axis: 0, From: i, To: i + 1},
			})
		}
		list = append(list,
			whole(p+"attn.c_proj.weight", KindWeight, residual, d, d), whole(p+"attn.c_proj.bias", KindBias, 0, d))
		list = append(list, norm(p+"ln_2")...)
		list = append(list,
			whole(p+"mlp.c_fc.weight", KindWeight, std, d, c.Inner), whole(p+"mlp.c_fc.bias", KindBias, 0, c.Inner),
			whole(p+"mlp.c_proj.weight", KindWeight, residual, c.Inner, d), whole(p+"mlp.c_proj.bias", KindBias, 0, d))
	}
	list = append(list, norm("transformer.ln_f")...)
	if !c.TieHead {
		list = append(list, whole("lm_head.weight", KindWeight, std, c.Vocab, d))
	}
	return list
}

func (gpt2) forward(c *Config, w weights, in Inputs) Outputs {
	var out Outputs
	trace := func(group, name string, x *Node) {
		if in.Trace {
			out.Activations = append(out.Activations, Activation{group, name, x})
		}
	}
	layerNorm := func(x *Node, name string) *Node { return norm.Layer(x, w(name+".weight"), w(name+".bias"), c.NormEps) }
	activation := activations[c.Activation]
	x := Add(embed(w("transformer.wte.weight"), in.Tokens), embed(w("transformer.wpe.weight"), in.Positions))
	attn := newAttention(in, x.DType())
	trace("resid", "embedding", x)
	for l := range c.Layers {
		p := fmt.Sprintf("transformer.h.%d.", l)
		h := fmt.Sprintf("h.%d.", l)
		a := layerNorm(x, p+"ln_1")
		trace("resid", h+"attn.input", a)
		heads := make(map[string]*Node, 3)
		for _, name := range []string{"q", "k", "v"} {
			z := linear(a, w(p+"attn.c_attn.weight:"+name), w(p+"attn.c_attn.bias:"+name))
			trace("attn", h+"attn."+name, z)
			heads[name] = splitHeads(z, c.Heads)
		}
		k, v := attn.remember(l, heads["k"], heads["v"])
		out.Keys, out.Values = append(out.Keys, k), append(out.Values, v)
		o := joinHeads(attn.attend(heads["q"], k, v))
		trace("attn", h+"attn.heads", o)
		delta := linear(o, w(p+"attn.c_proj.weight"), w(p+"attn.c_proj.bias"))
		trace("resid", h+"attn.output", delta)
		x = Add(x, delta)
		trace("resid", h+"attn.residual", x)

		m := layerNorm(x, p+"ln_2")
		trace("resid", h+"mlp.input", m)
		m = activation(linear(m, w(p+"mlp.c_fc.weight"), w(p+"mlp.c_fc.bias")))
		trace("mlp", h+"mlp.activation", m)
		delta = linear(m, w(p+"mlp.c_proj.weight"), w(p+"mlp.c_proj.bias"))
		trace("resid", h+"mlp.output", delta)
		x = Add(x, delta)
		trace("resid", h+"residual", x)
		out.Hidden = append(out.Hidden, x)
	}
	out.Final = layerNorm(x, "transformer.ln_f")
	trace("resid", "final", out.Final)
	out.Hidden[c.Layers-1] = out.Final
	return out
}

func (gpt2) head(c *Config, w weights, hidden *Node) *Node {
	table := "lm_head.weight"
	if c.TieHead {
		table = "transformer.wte.weight"
	}
	return unembed(hidden, w(table))
}
