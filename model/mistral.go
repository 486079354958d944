package model

import "fmt"

func init() { register("mistral", mistral{}) }

// mistral is Jiang et al. 2023 (arXiv 2310.06825): Llama, in the first version with a window of 4,096 tokens.
type mistral struct{ llama }

func (mistral) configure(c *Config, f *fields) error {
	if !f.has("num_key_value_heads") {
		f.fail("num_key_value_heads", "missing") // the libraries' own default is 8, whatever the heads
	}
	if err := llamaConfig(c, f); err != nil {
		return err
	}
	window := 4096
	if _, given := f.raw["sliding_window"]; given {
		window = f.size("sliding_window", c.MaxPositions) // null is none
	}
	if window < c.MaxPositions {
		return fmt.Errorf("sliding_window: a window of %d tokens is not supported; "+
			"set max_position_embeddings to %d, within which the window changes nothing", window, window)
	}
	return nil
}
