package step

import (
	"testing"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/model"
)

func TestWork(t *testing.T) {
	for _, test := range []struct {
		name, config string
		want         data.Work
	}{
		{
			"attention and MLP of two matrices",
			`{"model_type": "gpt2", "vocab_size": 11, "n_embd": 8, "n_layer": 3, "n_head": 2, "n_positions": 16, "bos_token_id": 0, "eos_token_id": 0}`,
			data.Work{Position: 3 * 24 * 8 * 8, Pairing: 3 * 4 * 8, Response: 2 * 8 * 11},
		},
		{
			"fewer key-value heads, MLP of three matrices",
			`{"model_type": "llama", "vocab_size": 11, "hidden_size": 8, "intermediate_size": 20, "num_hidden_layers": 3, "num_attention_heads": 4,
			  "num_key_value_heads": 2, "max_position_embeddings": 16, "hidden_act": "silu", "rms_norm_eps": 1e-6}`,
			data.Work{Position: 3 * 2 * (8*8 + 2*8*4 + 8*8 + 3*8*20), Pairing: 3 * 4 * 8, Response: 2 * 8 * 11},
		},
	} {
		config, err := model.ParseConfig([]byte(test.config))
		if err != nil {
			t.Fatal(err)
		}
		if got := Work(config); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}
