package model

import (
	"fmt"
	"math"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
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
	c.Inner = f.size("n_inner", 4*c.Hidden)
	c.MaxPositions = f.size("n_positions", 1024)
	c.NormEps = f.number("layer_norm_epsilon", 1e-5)
	c.Activation = f.text("activation_function", "gelu_new")
	c.TieHead = f.flag("tie_word_embeddings", true)
	if f.flag("scale_attn_by_inverse_layer_idx", false) || f.flag("reorder_and_upcast_attn", false) || !f.flag("scale_attn_weights", true) {
		return fmt.Errorf("scale_attn_by_inverse_layer_idx, reorder_and_upcast_attn and scale_attn_weights=false are not supported")
	}
	return c.splitHidden()
}

func (gpt2) params(c *Config) []Param {
	attention := func(l *layout, module string) {
		d := c.Hidden
		l.fused(module, d, 3*d, true, 0, []int{3, d}, 0, []section{{"q", 0, 1}, {"k", 1, 2}, {"v", 2, 3}})
	}
	return gpt2Params(c, layout{std: 0.02, inOut: true}, attention)
}

// gpt2Params lists the parameters of the GPT-2 architecture around a layer for query, key and value.
func gpt2Params(c *Config, l layout, attention func(l *layout, module string)) []Param {
	residual := l.std / math.Sqrt(2*float64(c.Layers)) // of projections into the residual stream
	d := c.Hidden
	l.table("transformer.wte.weight", c.Vocab, d)
	l.table("transformer.wpe.weight", c.MaxPositions, d)
	for i := range c.Layers {
		p := fmt.Sprintf("transformer.h.%d.", i)
		l.norm(p+"ln_1", d)
		attention(&l, p+"attn.c_attn")
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
	p := newPass(c, w)
	x := Add(w.embed("transformer.wte.weight", in.Tokens), w.embed("transformer.wpe.weight", in.Positions))
	return p.layers(x, func(l int) block {
		m := fmt.Sprintf("transformer.h.%d.", l)
		qkv := m + "attn.c_attn"
		return block{
			attentionNorm: p.layerNorm(m + "ln_1"),
			attention: func(x *Node) *Node {
				return w.linear(p.attend(w.section(x, qkv, "q"), w.section(x, qkv, "k"), w.section(x, qkv, "v")), m+"attn.c_proj")
			},
			mlpNorm: p.layerNorm(m + "ln_2"),
			mlp:     func(x *Node) *Node { return w.linear(p.activate(w.linear(x, m+"mlp.c_fc")), m+"mlp.c_proj") },
		}
	}, p.layerNorm("transformer.ln_f"))
}

func (gpt2) head(c *Config, w *weights, hidden *Node) *Node {
	return c.unembedding(w, hidden, "lm_head.weight", "transformer.wte.weight")
}
