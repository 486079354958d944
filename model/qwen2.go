package model

import (
	"fmt"
	"slices"
)

func init() { register("qwen2", qwen2{}) }

// qwen2 is Yang et al. 2024 (Qwen2 and Qwen2.5): Llama with biases on query, key and value.
type qwen2 struct{ llama }

func (qwen2) configure(c *Config, f *fields) error {
	c.attentionBias = true
	if err := llamaConfig(c, f); err != nil {
		return err
	}
	if f.flag("use_mrope", false) {
		return fmt.Errorf("use_mrope: found true, known is false")
	}
	return checkWindow(c, f)
}

// checkWindow refuses layers that attend to a part of the sequence only.
func checkWindow(c *Config, f *fields) error {
	if !f.flag("use_sliding_window", false) {
		return nil
	}
	window := f.size("sliding_window", 4096)
	slides := f.count("max_window_layers", 28) < c.Layers
	var kinds []string
	if f.get("layer_types", &kinds, "a list of names") {
		slides = slices.Contains(kinds, "sliding_attention")
	}
	if slides && window < c.MaxPositions {
		return fmt.Errorf("use_sliding_window: layers with a window of %d tokens are not supported; "+
			"set max_position_embeddings to %d, within which the window changes nothing", window, window)
	}
	return nil
}
