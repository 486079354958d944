package textmetric

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/encoder"
)

// knownLayers are the layers with the highest correlation with people's judgements, with the encoders for which they were found,
// as bert_score's table has them (version 0.3.13).
var knownLayers = map[int][]string{
	1: {
		"bert_uncased_L-2_H-128_A-2", "bert_uncased_L-2_H-256_A-4", "bert_uncased_L-2_H-512_A-8",
	},
	2: {
		"bert_uncased_L-2_H-768_A-12",
	},
	3: {
		"bert_uncased_L-4_H-128_A-2", "bert_uncased_L-4_H-256_A-4", "bert_uncased_L-4_H-512_A-8", "bert_uncased_L-4_H-768_A-12",
	},
	4: {
		"deberta-v3-small", "distilbert-base-turkish-cased", "distilbert-base-uncased-distilled-squad",
	},
	5: {
		"bert_uncased_L-6_H-128_A-2", "bert_uncased_L-6_H-256_A-4", "bert_uncased_L-6_H-512_A-8", "bert_uncased_L-6_H-768_A-12",
		"distilbert-base-multilingual-cased", "distilbert-base-uncased", "distilroberta-base",
	},
	6: {
		"bert_uncased_L-8_H-512_A-8",
	},
	7: {
		"bert_uncased_L-8_H-128_A-2", "bert_uncased_L-8_H-256_A-4", "bert_uncased_L-8_H-768_A-12", "roberta-base-openai-detector",
	},
	8: {
		"albert-xxlarge-v1", "albert-xxlarge-v2", "bert-base-chinese", "bert_uncased_L-10_H-128_A-2",
		"bert_uncased_L-10_H-256_A-4", "bert_uncased_L-10_H-768_A-12", "scibert_scivocab_uncased", "spanbert-base-cased",
		"unsup-simcse-roberta-base",
	},
	9: {
		"deberta-v3-base",
		"albert-base-v2", "bert-base-cased-finetuned-mrpc", "bert-base-multilingual-cased", "bert-base-uncased",
		"bert_uncased_L-10_H-512_A-8", "bert_uncased_L-12_H-768_A-12", "scibert_basevocab_uncased", "scibert_scivocab_cased",
		"xlm-roberta-base",
	},
	10: {
		"deberta-v3-xsmall", "mdeberta-v3-base",
		"albert-base-v1", "bert-base-turkish-cased", "bert_uncased_L-12_H-128_A-2", "bert_uncased_L-12_H-512_A-8", "finbert",
		"roberta-base", "sup-simcse-bert-base-uncased", "sup-simcse-roberta-base", "unsup-simcse-bert-base-uncased",
	},
	11: {
		"bert_uncased_L-12_H-256_A-4",
	},
	12: {
		"deberta-v3-large",
	},
	13: {
		"albert-xlarge-v2", "unsup-simcse-roberta-large",
	},
	14: {
		"albert-large-v2",
	},
	15: {
		"roberta-large-openai-detector",
	},
	16: {
		"albert-xlarge-v1", "sup-simcse-roberta-large",
	},
	17: {
		"albert-large-v1", "roberta-large", "spanbert-large-cased", "xlm-roberta-large",
	},
	18: {
		"DeBERTa-v3-large-mnli",
		"bert-large-uncased", "sup-simcse-bert-large-uncased", "unsup-simcse-bert-large-uncased",
	},
	19: {
		"roberta-large-mnli",
	},
}

// sizedLayers are those of the common encoders of a type, by their numbers of layers and widths.
var sizedLayers = map[string]map[[2]int]int{
	"roberta":     {{6, 768}: 5, {12, 768}: 10, {24, 1024}: 17},
	"xlm-roberta": {{12, 768}: 9, {24, 1024}: 17},
	"bert":        {{12, 768}: 9, {24, 1024}: 18},
	"distilbert":  {{6, 768}: 5},
	"deberta-v2":  {{6, 768}: 4, {12, 384}: 10, {12, 768}: 9, {24, 1024}: 12},
}

// usualLayer is the layer that bert_score takes for an encoder: by its name, or else by its sizes.
func usualLayer(config *encoder.Config, name string) (layer int, ok bool) {
	name, _, _ = strings.Cut(path.Base(name), "@")
	for layer, names := range knownLayers {
		if slices.Contains(names, name) && layer <= config.Layers {
			return layer, true
		}
	}
	layer, ok = sizedLayers[config.Type][[2]int{config.Layers, config.Hidden}]
	return layer, ok
}

// chosenLayer is the layer asked for, or the usual one for 0.
func chosenLayer(config *encoder.Config, options BERTScoreOptions) (int, error) {
	if options.Layer == 0 {
		usual, ok := usualLayer(config, options.Name)
		if !ok {
			return 0, fmt.Errorf("no layer is known to suit BERTScore with a %s of %d layers and width %d; say which, 1 to %d", config.Type, config.Layers, config.Hidden, config.Layers)
		}
		return usual, nil
	}
	if options.Layer < 1 || options.Layer > config.Layers {
		return 0, fmt.Errorf("layer %d asked for; the model has layers 1 to %d", options.Layer, config.Layers)
	}
	return options.Layer, nil
}
