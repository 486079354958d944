package model

import (
	"fmt"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
)

func init() { register("gptj", gptJ{}) }

// gptJ is Wang and Komatsuzaki 2021: rotary positions on neighbouring pairs of dimensions, attention and MLP beside each
// other behind one norm, an LM head with a bias.
type gptJ struct{}

func (gptJ) prefix() string { return "transformer." }

// adapts: PEFT's default.
func (gptJ) adapts() []string { return []string{"q_proj", "v_proj"} }

// buffer: causal masks that older writers stored.
func (gptJ) buffer(tensor string) bool {
	return strings.HasSuffix(tensor, ".attn.bias") || strings.HasSuffix(tensor, ".attn.masked_bias")
}

func (gptJ) configure(c *Config, f *fields) error {
	c.Hidden = f.size("n_embd", 4096)
	c.Layers = f.size("n_layer", 28)
	c.Heads = f.size("n_head", 16)
	c.KVHeads = c.Heads
	c.Inner = f.size("n_inner", 4*c.Hidden)
	c.MaxPositions = f.size("n_positions", 2048)
	c.NormEps = f.number("layer_norm_epsilon", 1e-5)
	c.Activation = f.text("activation_function", "gelu_new")
	c.TieHead = f.flag("tie_word_embeddings", false)
	if !f.flag("scale_attn_weights", true) {
		return fmt.Errorf("scale_attn_weights: found false, known is true")
	}
	if err := c.splitHidden(); err != nil {
		return err
	}
	c.rope = plainRope(10000)
	c.rope.dim, c.rope.interleaved = f.size("rotary_dim", 64), true
	if c.rope.dim%2 != 0 || c.rope.dim > c.HeadDim {
		return fmt.Errorf("rotary_dim: found %d, expected an even number up to %d, the width of a head", c.rope.dim, c.HeadDim)
	}
	return nil
}

func (gptJ) params(c *Config) []Param {
	d := c.Hidden
	l := layout{std: 0.02}
	l.table("transformer.wte.weight", c.Vocab, d)
	for i := range c.Layers {
		p := fmt.Sprintf("transformer.h.%d.", i)
		l.norm(p+"ln_1", d)
		for _, name := range []string{"q_proj", "k_proj", "v_proj", "out_proj"} {
			l.linear(p+"attn."+name, d, d, false, 0)
		}
		l.linear(p+"mlp.fc_in", d, c.Inner, true, 0)
		l.linear(p+"mlp.fc_out", c.Inner, d, true, 0)
	}
	l.norm("transformer.ln_f", d)
	if !c.TieHead {
		l.table("lm_head.weight", c.Vocab, d)
	}
	l.vector("lm_head.bias", c.Vocab)
	return l.params
}

func (gptJ) forward(c *Config, w *weights, in Inputs) Outputs {
	p := newPass(c, w)
	return p.layers(w.embed("transformer.wte.weight", in.Tokens), func(l int) block {
		m := fmt.Sprintf("transformer.h.%d.", l)
		return block{
			attentionNorm: p.layerNorm(m + "ln_1"),
			attention: func(x *Node) *Node {
				q, k, v := w.linear(x, m+"attn.q_proj"), w.linear(x, m+"attn.k_proj"), w.linear(x, m+"attn.v_proj")
				return w.linear(p.attend(q, k, v), m+"attn.out_proj")
			},
			mlp:      func(x *Node) *Node { return w.linear(p.activate(w.linear(x, m+"mlp.fc_in")), m+"mlp.fc_out") },
			parallel: true,
		}
	}, p.layerNorm("transformer.ln_f"))
}

func (gptJ) head(c *Config, w *weights, hidden *Node) *Node {
	logits := c.unembedding(w, hidden, "lm_head.weight", "transformer.wte.weight")
	return w.addBias(logits, "lm_head.bias")
}
