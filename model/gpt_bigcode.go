package model

import "errors"

func init() { register("gpt_bigcode", gptBigCode{}) }

// gptBigCode is StarCoder's architecture (Li et al. 2023, Allal et al. 2023): GPT-2 with weights stored [out, in] and, where
// multi_query, one key and value for all heads (Shazeer 2019).
type gptBigCode struct{ gpt2 }

// adapts: PEFT's default.
func (gptBigCode) adapts() []string { return []string{"c_attn"} }

func (gptBigCode) configure(c *Config, f *fields) error {
	c.Hidden = f.size("n_embd", 768)
	c.Layers = f.size("n_layer", 12)
	c.Heads = f.size("n_head", 12)
	c.KVHeads = c.Heads
	if f.flag("multi_query", true) {
		c.KVHeads = 1
	}
	c.Inner = f.size("n_inner", 4*c.Hidden)
	c.MaxPositions = f.size("n_positions", 1024)
	c.NormEps = f.number("layer_norm_epsilon", 1e-5)
	c.Activation = f.text("activation_function", "gelu_pytorch_tanh")
	c.TieHead = f.flag("tie_word_embeddings", true)
	if !f.flag("scale_attn_weights", true) {
		return errors.New("scale_attn_weights: found false, known is true")
	}
	return c.splitHidden()
}

func (gptBigCode) params(c *Config) []Param {
	d, h := c.Hidden, c.HeadDim
	attention := func(l *layout, module string) {
		if c.KVHeads == 1 {
			l.fused(module, d, d+2*h, true, 0, []int{d + 2*h}, 0, []section{{"q", 0, d}, {"k", d, d + h}, {"v", d + h, d + 2*h}})
			return
		}
		l.fused(module, d, 3*d, true, 0, []int{c.Heads, 3, h}, 1, []section{{"q", 0, 1}, {"k", 1, 2}, {"v", 2, 3}})
	}
	return gpt2Params(c, layout{std: 0.02}, attention)
}
