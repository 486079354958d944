package encoder

// bert is BERT (Devlin et al. 2019).
var bert = family{
	prefix:  "bert.",
	modules: bertModules,
	defaults: configFile{
		Vocab: 30522, Hidden: 768, Layers: 12, Heads: 12, Inner: 3072, Positions: 512, TokenTypes: 2, NormEps: 1e-12,
		Activation: "gelu", PositionBy: "absolute", Std: 0.02,
	},
	block: bertBlock,
	typed: true,
}
