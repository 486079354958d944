package encoder

import "fmt"

// albert is ALBERT (Lan et al. 2020): narrow embeddings that a linear layer widens, and layers that share weights.
var albert = family{
	prefix:  "albert.",
	modules: []string{embeddings, "encoder."},
	defaults: configFile{
		Vocab: 30000, Embedding: 128, Hidden: 4096, Layers: 12, Heads: 64, Inner: 16384, Groups: 1, InGroup: 1, Positions: 512,
		TokenTypes: 2, NormEps: 1e-12, Activation: "gelu_new", PositionBy: "absolute", Std: 0.02,
	},
	block:  albertBlock,
	typed:  true,
	shared: true,
}

// widening is the layer between the embeddings and the first layer.
const widening = "encoder.embedding_hidden_mapping_in"

// albertBlock names the modules of a layer: as many layers in a row as there are in a group share them.
func albertBlock(c *Config, layer int) block {
	p := fmt.Sprintf("encoder.albert_layer_groups.%d.albert_layers.0.", layer*c.Groups/c.Layers)
	return block{
		query: p + "attention.query", key: p + "attention.key", value: p + "attention.value",
		output: p + "attention.dense", outputNorm: p + "attention.LayerNorm",
		inner: p + "ffn", outer: p + "ffn_output", outerNorm: p + "full_layer_layer_norm",
	}
}
