package model

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
)

func init() { register("llama", llama{}) }

// llama is Touvron et al. 2023: rotary positions, RMSNorm, a gated MLP, key and value heads that query heads share.
type llama struct{}

func (llama) prefix() string { return "model." }

// adapts: PEFT's default.
func (llama) adapts() []string { return []string{"q_proj", "v_proj"} }

// buffer: rotary frequencies that older writers stored.
func (llama) buffer(tensor string) bool { return rotaryBuffer(tensor) }

func (llama) configure(c *Config, f *fields) error {
	c.attentionBias = f.flag("attention_bias", false)
	c.outputBias = c.attentionBias
	c.mlpBias = f.flag("mlp_bias", false)
	return llamaConfig(c, f)
}

// llamaConfig reads what Llama and its descendants have in common.
func llamaConfig(c *Config, f *fields) error {
	c.Hidden = f.size("hidden_size", 0)
	c.Layers = f.size("num_hidden_layers", 0)
	c.Heads = f.size("num_attention_heads", 0)
	c.KVHeads = f.size("num_key_value_heads", c.Heads)
	c.Inner = f.size("intermediate_size", 0)
	c.MaxPositions = f.size("max_position_embeddings", 2048)
	c.NormEps = f.number("rms_norm_eps", 1e-6)
	c.Activation = f.text("hidden_act", "silu")
	c.TieHead = f.flag("tie_word_embeddings", false)
	if f.has("head_dim") {
		c.HeadDim = f.size("head_dim", 0)
	} else if err := c.splitHidden(); err != nil {
		return err
	}
	return c.rotary(f, "rope_theta", "partial_rotary_factor", 1)
}

func (llama) params(c *Config) []Param {
	d, wide, shared := c.Hidden, c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	l := layout{std: 0.02}
	l.table("model.embed_tokens.weight", c.Vocab, d)
	for i := range c.Layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		l.linear(p+"self_attn.q_proj", d, wide, c.attentionBias, 0)
		l.linear(p+"self_attn.k_proj", d, shared, c.attentionBias, 0)
		l.linear(p+"self_attn.v_proj", d, shared, c.attentionBias, 0)
		l.linear(p+"self_attn.o_proj", wide, d, c.outputBias, 0)
		l.linear(p+"mlp.gate_proj", d, c.Inner, c.mlpBias, 0)
		l.linear(p+"mlp.up_proj", d, c.Inner, c.mlpBias, 0)
		l.linear(p+"mlp.down_proj", c.Inner, d, c.mlpBias, 0)
		l.gain(p+"input_layernorm", d)
		l.gain(p+"post_attention_layernorm", d)
	}
	l.gain("model.norm", d)
	if !c.TieHead {
		l.table("lm_head.weight", c.Vocab, d)
	}
	return l.params
}

func (llama) forward(c *Config, w *weights, in Inputs) Outputs {
	p := newPass(c, w)
	return p.layers(w.embed("model.embed_tokens.weight", in.Tokens), func(l int) block {
		m := fmt.Sprintf("model.layers.%d.", l)
		return block{
			attentionNorm: p.rmsNorm(m + "input_layernorm"),
			attention: func(x *Node) *Node {
				q, k, v := w.linear(x, m+"self_attn.q_proj"), w.linear(x, m+"self_attn.k_proj"), w.linear(x, m+"self_attn.v_proj")
				return w.linear(p.attend(q, k, v), m+"self_attn.o_proj")
			},
			mlpNorm: p.rmsNorm(m + "post_attention_layernorm"),
			mlp: func(x *Node) *Node {
				return w.linear(p.gate(w.linear(x, m+"mlp.gate_proj"), w.linear(x, m+"mlp.up_proj")), m+"mlp.down_proj")
			},
		}
	}, p.rmsNorm("model.norm"))
}

func (llama) head(c *Config, w *weights, hidden *Node) *Node {
	return c.unembedding(w, hidden, "lm_head.weight", "model.embed_tokens.weight")
}
