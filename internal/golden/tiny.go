package golden

import (
	"encoding/json"
	"fmt"
)

// Size are the dimensions of a small model. Hidden must be a multiple of Heads, and the quotient one of 4; Heads must be even.
type Size struct {
	Vocab, Hidden, Layers, Heads, Positions int
}

// TinyConfigs are config.json texts of small models by a name: one for each family and for each way in which a family's
// models differ (grouped and shared keys, tied heads, biases, extended rotary positions). They have no end-of-sequence id.
func TinyConfigs(s Size) map[string][]byte {
	gpt2 := map[string]any{
		"vocab_size": s.Vocab, "n_embd": s.Hidden, "n_layer": s.Layers, "n_head": s.Heads, "n_positions": s.Positions,
	}
	llama := map[string]any{
		"vocab_size": s.Vocab, "hidden_size": s.Hidden, "num_hidden_layers": s.Layers, "num_attention_heads": s.Heads,
		"max_position_embeddings": s.Positions, "intermediate_size": 3 * s.Hidden,
	}
	headDim := s.Hidden / s.Heads
	configs := map[string][]byte{}
	add := func(name, family string, base map[string]any, own map[string]any) {
		all := map[string]any{"model_type": family}
		for _, part := range []map[string]any{base, own} {
			for key, value := range part {
				all[key] = value
			}
		}
		text, err := json.Marshal(all)
		if err != nil {
			panic(fmt.Errorf("golden: configuration %s: %w", name, err))
		}
		configs[name] = text
	}
	add("gpt2", "gpt2", gpt2, nil)
	add("gpt_bigcode", "gpt_bigcode", gpt2, nil)
	add("gpt_bigcode-mha", "gpt_bigcode", gpt2, map[string]any{"multi_query": false, "tie_word_embeddings": false})
	add("gpt_neox", "gpt_neox", llama, map[string]any{"rotary_pct": 0.5})
	add("gpt_neox-sequential", "gpt_neox", llama, map[string]any{
		"use_parallel_residual": false, "attention_bias": false, "tie_word_embeddings": true,
		"rope_parameters": map[string]any{"rope_type": "default", "rope_theta": 500, "partial_rotary_factor": 1},
	})
	add("gptj", "gptj", gpt2, map[string]any{"rotary_dim": headDim / 2})
	add("llama", "llama", llama, map[string]any{"num_key_value_heads": s.Heads / 2})
	add("llama-wide", "llama", llama, map[string]any{
		"num_key_value_heads": 1, "head_dim": headDim + 2, "attention_bias": true, "mlp_bias": true, "tie_word_embeddings": true,
		"rope_scaling": map[string]any{
			"rope_type": "llama3", "factor": 4, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": s.Positions / 4,
		},
	})
	add("qwen2", "qwen2", llama, map[string]any{
		"num_key_value_heads": s.Heads / 2,
		"rope_scaling":        map[string]any{"type": "yarn", "factor": 2},
	})
	return configs
}
