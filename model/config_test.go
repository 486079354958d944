package model

import (
	"bytes"
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
	return a.Type == b.Type && a.Vocab == b.Vocab && a.Hidden == b.Hidden && a.Layers == b.Layers && a.Heads == b.Heads &&
		a.KVHeads == b.KVHeads && a.HeadDim == b.HeadDim && a.Inner == b.Inner && a.MaxPositions == b.MaxPositions &&
		a.NormEps == b.NormEps && a.Activation == b.Activation && a.TieHead == b.TieHead && a.EOS == b.EOS
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

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(tinyConfig))
	f.Add([]byte(`{"model_type": "gpt2", "vocab_size": 50257, "eos_token_id": [1, 2], "activation_function": "relu"}`))
	f.Add([]byte(`{"model_type": "gpt2", "vocab_size": 1, "n_head": 9223372036854775807, "n_embd": -1}`))
	f.Add([]byte(`{"model_type": null, "vocab_size": {}}`))
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
		again, err := ParseConfig(c.JSON())
		if err != nil || !equalConfigs(*again, *c) {
			t.Fatalf("the configuration's own text reads as %+v, %v; want %+v", again, err, *c)
		}
	})
}
