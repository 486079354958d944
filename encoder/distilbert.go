package encoder

import "fmt"

// distilBERT is DistilBERT (Sanh et al. 2019), which has no token types and names of its own for everything.
var distilBERT = family{
	prefix:  "distilbert.",
	modules: []string{embeddings, "transformer."},
	defaults: configFile{
		Vocab: 30522, Hidden: 768, Layers: 6, Heads: 12, Inner: 3072, Positions: 512, NormEps: 1e-12,
		Activation: "gelu", PositionBy: "absolute", Std: 0.02,
	},
	keys: map[string]string{
		"hidden_size": "dim", "num_hidden_layers": "n_layers", "num_attention_heads": "n_heads", "intermediate_size": "hidden_dim",
		"hidden_act": "activation",
	},
	block:   distilBERTBlock,
	untyped: true,
}

func distilBERTBlock(_ *Config, layer int) block {
	p := fmt.Sprintf("transformer.layer.%d.", layer)
	return block{
		query: p + "attention.q_lin", key: p + "attention.k_lin", value: p + "attention.v_lin",
		output: p + "attention.out_lin", outputNorm: p + "sa_layer_norm",
		inner: p + "ffn.lin1", outer: p + "ffn.lin2", outerNorm: p + "output_layer_norm",
	}
}
