package encoder

import "fmt"

// roberta is RoBERTa (Liu et al. 2019), and XLM-RoBERTa and CamemBERT, which differ from it in their tokenizers.
var roberta = family{
	prefix:  "roberta.",
	modules: bertModules,
	defaults: configFile{
		Vocab: 50265, Hidden: 768, Layers: 12, Heads: 12, Inner: 3072, Positions: 512, TokenTypes: 2, NormEps: 1e-12,
		Activation: "gelu", Pad: 1, PositionBy: "absolute", Std: 0.02,
	},
	block:  bertBlock,
	padded: true,
}

// bertModules are the parts of BERT and RoBERTa.
var bertModules = []string{embeddings, "encoder."}

// bertBlock names the modules of a layer of BERT and RoBERTa.
func bertBlock(_ *Config, layer int) block {
	p := fmt.Sprintf("encoder.layer.%d.", layer)
	return block{
		query: p + "attention.self.query", key: p + "attention.self.key", value: p + "attention.self.value",
		output: p + "attention.output.dense", outputNorm: p + "attention.output.LayerNorm",
		inner: p + "intermediate.dense", outer: p + "output.dense", outerNorm: p + "output.LayerNorm",
	}
}
