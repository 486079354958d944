package model

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

const tinyConfig = `{"model_type": "gpt2", "vocab_size": 11, "n_embd": 8, "n_layer": 2, "n_head": 2, "n_positions": 16, "eos_token_id": 0}`

func TestParseConfig(t *testing.T) {
	c, err := ParseConfig([]byte(tinyConfig))
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Type: "gpt2", Vocab: 11, Hidden: 8, Layers: 2, Heads: 2, KVHeads: 2, HeadDim: 4, Inner: 32, MaxPositions: 16, NormEps: 1e-5,
		Activation: "gelu_new", TieHead: true, EOS: 0, text: c.text,
	}
	if got, wanted := *c, want; !equalConfigs(got, wanted) {
		t.Errorf("got %+v, want %+v", got, wanted)
	}
	if !bytes.Equal(c.JSON(), []byte(tinyConfig)) {
		t.Errorf("JSON gives %s", c.JSON())
	}
}

// equalConfigs compares everything but the text.
func equalConfigs(a, b Config) bool {
	a.text, b.text = nil, nil
	return reflect.DeepEqual(a, b)
}

func TestParseConfigEOS(t *testing.T) {
	for text, want := range map[string]int32{`7`: 7, `[5, 6]`: 5, `null`: -1} {
		c, err := ParseConfig([]byte(strings.Replace(tinyConfig, `"eos_token_id": 0`, `"eos_token_id": `+text, 1)))
		if err != nil || c.EOS != want {
			t.Errorf("eos_token_id %s: %+v, %v; want %d", text, c, err, want)
		}
	}
}

func TestParseConfigErrors(t *testing.T) {
	tests := []struct{ replace, by, want string }{
		{tinyConfig, ``, "not a JSON object"},
		{tinyConfig, `null`, `model_type "" is not supported`},
		{`"gpt2"`, `3`, `model_type: found 3, expected a string`},
		{`"gpt2"`, `"gpt5"`, `model_type "gpt5" is not supported; known: `},
		{`"vocab_size": 11, `, ``, "vocab_size: missing"},
		{`"vocab_size": 11`, `"vocab_size": "many"`, `vocab_size: found "many", expected a positive whole number`},
		{`"vocab_size": 11`, `"vocab_size": -3`, "vocab_size: found -3, expected a positive whole number"},
		{`"n_layer": 2`, `"n_layer": 0`, "n_layer: found 0, expected a positive whole number"},
		{`"n_layer": 2`, `"n_layer": 1.5`, "n_layer: found 1.5, expected a positive whole number"},
		{`"n_layer": 2`, `"n_layer": 1e99`, "n_layer: found 1e99, expected a positive whole number"},
		{`"n_head": 2`, `"n_head": 3`, "hidden size 8 is not a multiple of the 3 heads"},
		{`"n_embd": 8`, `"n_embd": 4611686018427387904`, "n_inner"},
		{`"n_embd": 8`, `"n_embd": 8, "activation_function": "swish9"`, `activation function "swish9" is not supported; known: gelu, gelu_fast, gelu_new`},
		{`"n_embd": 8`, `"n_embd": 8, "layer_norm_epsilon": -1`, "norm epsilon -1: expected a positive number"},
		{`"n_embd": 8`, `"n_embd": 8, "tie_word_embeddings": "no"`, `tie_word_embeddings: found "no", expected true or false`},
		{`"n_embd": 8`, `"n_embd": 8, "scale_attn_weights": false`, "scale_attn_weights=false"},
		{`"eos_token_id": 0`, `"eos_token_id": "</s>"`, `eos_token_id: found "</s>", expected a token id`},
		{`"eos_token_id": 0`, `"eos_token_id": []`, `eos_token_id: found [], expected a token id`},
	}
	for _, test := range tests {
		c, err := ParseConfig([]byte(strings.Replace(tinyConfig, test.replace, test.by, 1)))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.by, err, test.want)
		}
		if c != nil {
			t.Errorf("%s: a configuration beside the error: %+v", test.by, c)
		}
	}
}

// What a family does not have is refused by name.
func TestFamilyConfigErrors(t *testing.T) {
	tests := []struct{ model, replace, by, want string }{
		{"gpt2-large", `"n_ctx": 1024`, `"quantization_config": {"quant_method": "gptq", "bits": 4}`, "quantization_config: weights that are stored quantised are not supported"},
		{"gpt2-large", `"n_head": 20`, `"n_head": 7`, "hidden size 1280 is not a multiple of the 7 heads"},
		{"gpt2-large", `"n_ctx": 1024`, `"reorder_and_upcast_attn": true`, "reorder_and_upcast_attn"},
		{"starcoderbase-1b", `"scale_attn_weights": true`, `"scale_attn_weights": false`, "scale_attn_weights: found false, known is true"},
		{"starcoderbase-1b", `"multi_query": true`, `"multi_query": "yes"`, `multi_query: found "yes", expected true or false`},
		{"starcoderbase-1b", `"gelu_pytorch_tanh"`, `"gelu_fast2"`, `activation function "gelu_fast2" is not supported; known: gelu, gelu_fast`},
		{"starcoderbase-1b", `"n_head": 16`, `"n_head": 3`, "hidden size 2048 is not a multiple of the 3 heads"},
		{"pythia-410m", `"num_attention_heads": 16`, `"num_attention_heads": 10`, "hidden size 1024 is not a multiple of the 10 heads"},
		{"pythia-410m", `"hidden_size": 1024,`, ``, "hidden_size: missing"},
		{"pythia-410m", `"intermediate_size": 4096,`, ``, "intermediate_size: missing"},
		{"pythia-410m", `"rotary_pct": 0.25`, `"rotary_pct": 0.3`, "rotary_pct: 0.3 of a head of width 64 are 19 rotary dimensions, expected an even number from 2 to 64"},
		{"pythia-410m", `"rotary_pct": 0.25`, `"rotary_pct": 0`, "rotary_pct: found 0, expected a positive number"},
		{"pythia-410m", `"rotary_emb_base": 10000`, `"rope_scaling": {"type": "dynamic", "factor": 2}`, `rope_scaling.rope_type "dynamic" is not supported`},
		{"gpt-j-6b", `"rotary_dim": 64`, `"rotary_dim": 63`, "rotary_dim: found 63, expected an even number up to 256, the width of a head"},
		{"gpt-j-6b", `"rotary_dim": 64`, `"rotary_dim": 258`, "rotary_dim: found 258, expected an even number up to 256"},
		{"gpt-j-6b", `"scale_attn_weights": true`, `"scale_attn_weights": false`, "scale_attn_weights: found false"},
		{"gpt-j-6b", `"n_head": 16`, `"n_head": 5`, "hidden size 4096 is not a multiple of the 5 heads"},
		{"Llama-3.2-1B", `"num_key_value_heads": 8`, `"num_key_value_heads": 5`, "32 heads cannot share 5 key-value heads evenly"},
		{"Llama-3.2-1B", `"head_dim": 64`, `"head_dim": -1`, "head_dim: found -1, expected a positive whole number"},
		{"Llama-3.2-1B", `"head_dim": 64, `, ``, ""},
		{"Llama-3.2-1B", `"rms_norm_eps": 1e-05`, `"rms_norm_eps": 0`, "norm epsilon 0: expected a positive number"},
		{"Llama-3.2-1B", `"hidden_act": "silu"`, `"hidden_act": "swiglu"`, `activation function "swiglu" is not supported`},
		{"Llama-3.2-1B", `"llama3"`, `"longrope"`, `rope_scaling.rope_type "longrope" is not supported; known: default, linear, llama3, yarn`},
		{"Mistral-7B-v0.3", `"num_key_value_heads": 8,`, ``, "num_key_value_heads: missing"},
		{"Mistral-7B-v0.3", `"sliding_window": null`, `"sliding_window": 4096`, "sliding_window: a window of 4096 tokens is not supported; set max_position_embeddings to 4096"},
		{"Mistral-7B-v0.3", `"sliding_window": null,`, ``, "sliding_window: a window of 4096 tokens is not supported"},
		{"Mistral-7B-v0.3", `"sliding_window": null`, `"sliding_window": 32768`, ""},
		{"Mistral-7B-v0.3", `"sliding_window": null`, `"sliding_window": "no"`, `sliding_window: found "no", expected a positive whole number`},
		{"Qwen2.5-0.5B", `"use_mrope": false`, `"use_mrope": true`, "use_mrope: found true, known is false"},
		{"Qwen2.5-0.5B", `"use_sliding_window": false`, `"use_sliding_window": true`, ""},                     // no layer has the window
		{"Qwen2.5-0.5B", `"max_window_layers": 24`, `"use_sliding_window": true, "max_window_layers": 0`, ""}, // as long as the model
		{"Qwen2.5-0.5B", `"max_window_layers": 24`, `"use_sliding_window": true, "layer_types": ["sliding_attention"], "max_position_embeddings": 65536`, "use_sliding_window: layers with a window of 32768 tokens are not supported; set max_position_embeddings to 32768"},
		{"Qwen2.5-0.5B", `"max_window_layers": 24`, `"use_sliding_window": true, "max_window_layers": 3, "max_position_embeddings": 65536`, "use_sliding_window: layers with a window of 32768 tokens are not supported"},
		{"Qwen2.5-0.5B", `"max_window_layers": 24`, `"use_sliding_window": true, "max_window_layers": -3`, "max_window_layers: found -3, expected a whole number from 0 on"},
	}
	for _, test := range tests {
		text := strings.Replace(realConfigs[test.model].text, test.replace, test.by, 1)
		if strings.Contains(test.by, "max_position_embeddings") {
			text = strings.Replace(text, `"max_position_embeddings": 32768,`, "", 1)
		}
		if strings.Contains(test.by, `"use_sliding_window": true`) {
			text = strings.Replace(text, `"use_sliding_window": false, `, "", 1)
		}
		c, err := ParseConfig([]byte(text))
		switch {
		case text == realConfigs[test.model].text:
			t.Errorf("%s: %s is not there to replace", test.model, test.replace)
		case test.want == "" && err != nil:
			t.Errorf("%s, %s: %v", test.model, test.by, err)
		case test.want != "" && (err == nil || c != nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s, %s: error %v, want %q", test.model, test.by, err, test.want)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(tinyConfig))
	f.Add([]byte(`{"model_type": "gpt2", "vocab_size": 50257, "eos_token_id": [1, 2], "activation_function": "relu"}`))
	f.Add([]byte(`{"model_type": "gpt2", "vocab_size": 1, "n_head": 9223372036854775807, "n_embd": -1}`))
	f.Add([]byte(ropeConfig(`, "rope_scaling": {"type": "yarn", "factor": 4, "beta_fast": 32, "truncate": false, "mscale": 1}`)))
	f.Add([]byte(`{"model_type": null, "vocab_size": {}}`))
	for _, m := range realConfigs {
		f.Add([]byte(m.text))
	}
	for _, name := range Families() {
		f.Add([]byte(`{"model_type": "` + name + `", "vocab_size": 32, "hidden_size": 16, "num_attention_heads": 0}`))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseConfig(text)
		if err != nil {
			if c != nil {
				t.Fatalf("a configuration beside the error %v", err)
			}
			return
		}
		if c.Vocab <= 0 || c.Hidden <= 0 || c.Layers <= 0 || c.Heads <= 0 || c.KVHeads <= 0 || c.HeadDim <= 0 || c.Inner <= 0 || c.MaxPositions <= 0 || !(c.NormEps > 0) {
			t.Fatalf("accepted a size that is not positive: %+v", *c)
		}
		if c.rope.kind != "" && c.rope.dim < 1000 {
			for _, f := range c.rope.frequencies() {
				if !(f >= 0 && f <= 1) {
					t.Fatalf("frequency %g of %+v", f, c.rope)
				}
			}
		}
		again, err := ParseConfig(c.JSON())
		if err != nil || !equalConfigs(*again, *c) {
			t.Fatalf("the configuration's own text reads as %+v, %v; want %+v", again, err, *c)
		}
	})
}
