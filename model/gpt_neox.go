package model

import (
	"fmt"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
)

func init() { register("gpt_neox", gptNeoX{}) }

// gptNeoX is Black et al. 2022, the architecture of Pythia (Biderman et al. 2023): rotary positions on the first part of each
// head, attention and MLP beside each other or one after the other, one tensor that holds query, key and value head by head.
type gptNeoX struct{}

func (gptNeoX) prefix() string { return "gpt_neox." }

// adapts: PEFT's default.
func (gptNeoX) adapts() []string { return []string{"query_key_value"} }

// buffer: causal masks and rotary frequencies that older writers stored, and the copy of the token embedding as LM head of
// a model that ties them; the LM head of other models is a parameter.
func (gptNeoX) buffer(tensor string) bool {
	return strings.HasSuffix(tensor, ".attention.bias") || strings.HasSuffix(tensor, ".attention.masked_bias") ||
		rotaryBuffer(tensor) || tensor == "embed_out.weight"
}

func (gptNeoX) configure(c *Config, f *fields) error {
	c.Hidden = f.size("hidden_size", 0)
	c.Layers = f.size("num_hidden_layers", 0)
	c.Heads = f.size("num_attention_heads", 0)
	c.KVHeads = c.Heads
	c.Inner = f.size("intermediate_size", 0)
	c.MaxPositions = f.size("max_position_embeddings", 2048)
	c.NormEps = f.number("layer_norm_eps", 1e-5)
	c.Activation = f.text("hidden_act", "gelu")
	c.TieHead = f.flag("tie_word_embeddings", false)
	c.parallel = f.flag("use_parallel_residual", true)
	c.attentionBias = f.flag("attention_bias", true)
	if err := c.splitHidden(); err != nil {
		return err
	}
	return c.rotary(f, "rotary_emb_base", "rotary_pct", 0.25)
}

func (gptNeoX) params(c *Config) []Param {
	d := c.Hidden
	l := layout{std: 0.02}
	l.table("gpt_neox.embed_in.weight", c.Vocab, d)
	for i := range c.Layers {
		p := fmt.Sprintf("gpt_neox.layers.%d.", i)
		l.norm(p+"input_layernorm", d)
		l.norm(p+"post_attention_layernorm", d)
		l.fused(p+"attention.query_key_value", d, 3*d, c.attentionBias, 0,
			[]int{c.Heads, 3, c.HeadDim}, 1, []section{{"q", 0, 1}, {"k", 1, 2}, {"v", 2, 3}})
		l.linear(p+"attention.dense", d, d, c.attentionBias, 0)
		l.linear(p+"mlp.dense_h_to_4h", d, c.Inner, true, 0)
		l.linear(p+"mlp.dense_4h_to_h", c.Inner, d, true, 0)
	}
	l.norm("gpt_neox.final_layer_norm", d)
	if !c.TieHead {
		l.table("embed_out.weight", c.Vocab, d)
	}
	return l.params
}

func (gptNeoX) forward(c *Config, w *weights, in Inputs) Outputs {
	p := newPass(c, w)
	return p.layers(w.embed("gpt_neox.embed_in.weight", in.Tokens), func(l int) block {
		m := fmt.Sprintf("gpt_neox.layers.%d.", l)
		qkv := m + "attention.query_key_value"
		return block{
			attentionNorm: p.layerNorm(m + "input_layernorm"),
			attention: func(x *Node) *Node {
				return w.linear(p.attend(w.section(x, qkv, "q"), w.section(x, qkv, "k"), w.section(x, qkv, "v")), m+"attention.dense")
			},
			mlpNorm: p.layerNorm(m + "post_attention_layernorm"),
			mlp: func(x *Node) *Node {
				return w.linear(p.activate(w.linear(x, m+"mlp.dense_h_to_4h")), m+"mlp.dense_4h_to_h")
			},
			parallel: c.parallel,
		}
	}, p.layerNorm("gpt_neox.final_layer_norm"))
}

func (gptNeoX) head(c *Config, w *weights, hidden *Node) *Node {
	return c.unembedding(w, hidden, "embed_out.weight", "gpt_neox.embed_in.weight")
}
