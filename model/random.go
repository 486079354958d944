package model

import (
	"encoding/json"
	"fmt"
)

// gpt2File is the config.json of a fresh GPT-2, under Hugging Face's names.
type gpt2File struct {
	Architectures []string `json:"architectures"`
	ModelType     string   `json:"model_type"`
	DType         string   `json:"torch_dtype"`
	Vocab         int      `json:"vocab_size"`
	Hidden        int      `json:"n_embd"`
	Layers        int      `json:"n_layer"`
	Heads         int      `json:"n_head"`
	Positions     int      `json:"n_positions"`
	Context       int      `json:"n_ctx"`
	Activation    string   `json:"activation_function"`
	NormEps       float64  `json:"layer_norm_epsilon"`
	Std           float64  `json:"initializer_range"`
	AttnDropout   float64  `json:"attn_pdrop"`
	EmbdDropout   float64  `json:"embd_pdrop"`
	ResidDropout  float64  `json:"resid_pdrop"`
	TieHead       bool     `json:"tie_word_embeddings"`
	BOS           *int32   `json:"bos_token_id"`
	EOS           *int32   `json:"eos_token_id"`
}

// GPT2Config is the configuration of a fresh GPT-2, for Random: positions is the longest sequence, eos the id that ends a
// sequence (and begins one, as in GPT-2), -1 for none. Sizes must be positive and hidden a multiple of heads.
func GPT2Config(vocab, hidden, layers, heads, positions int, eos int32) (*Config, error) {
	file := gpt2File{
		Architectures: []string{"GPT2LMHeadModel"}, ModelType: "gpt2", DType: "float32",
		Vocab: vocab, Hidden: hidden, Layers: layers, Heads: heads, Positions: positions, Context: positions,
		Activation: "gelu_new", NormEps: 1e-5, Std: 0.02, TieHead: true,
	}
	switch {
	case int(eos) >= vocab:
		return nil, fmt.Errorf("GPT-2 configuration: end-of-sequence id %d is outside the vocabulary of %d tokens", eos, vocab)
	case eos >= 0:
		file.BOS, file.EOS = &eos, &eos
	}
	text, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("GPT-2 configuration: %w", err)
	}
	config, err := ParseConfig(append(text, '\n'))
	if err != nil {
		return nil, fmt.Errorf("GPT-2 configuration: %w", err)
	}
	return config, nil
}
