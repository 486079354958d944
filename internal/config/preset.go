package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// PresetInfo describes a preset: the settings of one of the paper's experiments.
type PresetInfo struct {
	Name    string
	Summary string
	// Betas is the grid of β that the paper sweeps; empty where it uses one value.
	Betas []float64

	base   string        // name of the preset whose layers come first; "" for none
	layers []presetLayer // later ones win
}

// presetLayer holds settings for some methods: one by name, a family by its prefix and "*", or all preference methods.
type presetLayer struct {
	methods  string
	settings map[string]string
}

const preferences = "preference methods"

// presets hold the settings of the paper's experiments (arXiv 2410.05102, appendices B and D); "paper" marks its values and
// "ours" what it leaves open. Batch sizes are split into passes of 8 pairs. Preference training starts from a fine-tuned
// model, so that only sft presets a model. Where the paper sweeps β, the preset keeps the default 0.1, which is on every
// grid.
var presets = []PresetInfo{
	{
		Name:    "imdb",
		Summary: "sentiment: GPT-2 Large on IMDB reviews",
		Betas:   []float64{0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 2, 3, 4, 5, 10, 20}, // paper: 0.01, 0.1 … 1, 2, 3, 4, 5, 10, 20
		layers: []presetLayer{
			{"sft", map[string]string{
				"model": "openai-community/gpt2-large", // paper: GPT-2 Large
			}},
			{preferences, map[string]string{
				"per_device_train_batch_size": "8", "gradient_accumulation_steps": "8", // paper: batch 64
				"num_train_epochs": "3",    // paper
				"learning_rate":    "1e-6", // paper
			}},
			{"tdpo2", map[string]string{"alpha": "0.7"}}, // paper
			{"dpop", map[string]string{"lambda": "50"}},  // paper
			{"simpo", map[string]string{"gamma": "0.3"}}, // paper: 0.3 and 1
		},
	},
	{
		Name:    "hh",
		Summary: "helpful and harmless dialogue: Pythia 1.4B on Anthropic HH",
		layers: []presetLayer{
			{"sft", map[string]string{
				"model":                       "EleutherAI/pythia-1.4b",                  // paper: Pythia 1.4B
				"per_device_train_batch_size": "8", "gradient_accumulation_steps": "128", // paper: batch 1024
				"num_train_epochs": "1",    // paper
				"learning_rate":    "1e-5", // paper
			}},
			{preferences, map[string]string{
				"per_device_train_batch_size": "8", "gradient_accumulation_steps": "16", // paper: batch 128
				"num_train_epochs": "3",    // paper
				"learning_rate":    "1e-6", // paper
				"beta":             "0.1",  // paper
			}},
			{"tdpo2", map[string]string{"alpha": "0.5"}},                // paper
			{"dpop", map[string]string{"lambda": "50"}},                 // paper
			{"simpo", map[string]string{"beta": "2.5", "gamma": "0.3"}}, // paper
			{"sparse-*", map[string]string{
				"learning_rate":     "5e-7",                     // paper, and the authors' README
				"mask.weight_decay": "0.01",                     // paper
				"l1_u":              "0.0005", "l1_d": "0.0005", // paper: 0.001, which the authors' code halves for a common mask
			}},
			{"sparse-independent", map[string]string{
				"l1_u": "0.001", "l1_d": "0.001", // paper; the authors' scripts use L1 with the common mask only
			}},
		},
	},
	{
		Name:    "tldr",
		Summary: "summaries: GPT-J 6B in 4 bits through LoRA adapters on TL;DR",
		layers: []presetLayer{
			{"*", map[string]string{
				"load_in_4bit": "true",                                                             // paper: 4 bit quantisation
				"use_peft":     "true", "lora_r": "16", "lora_alpha": "16", "lora_dropout": "0.05", // paper
				"max_response_words": "100", // paper: longer summaries are left out
			}},
			{"sft", map[string]string{
				"model": "EleutherAI/gpt-j-6b", // paper: GPT-J 6B
			}},
			{preferences, map[string]string{
				"per_device_train_batch_size": "8", "gradient_accumulation_steps": "32", // paper: batch 256
				"num_train_epochs": "1",    // paper
				"learning_rate":    "1e-5", // paper; the authors' script has 1e-4
				"beta":             "0.5",  // paper
			}},
			{"tdpo2", map[string]string{"alpha": "0.5"}}, // paper
			{"dpop", map[string]string{"lambda": "50"}},  // paper
			{"sparse-*", map[string]string{
				"beta":              "0.1",  // paper
				"mask.weight_decay": "0.01", // paper
			}},
		},
	},
	{
		Name:    "mbpp",
		Summary: "code: StarCoder 1B on MBPP",
		Betas:   []float64{0.1, 0.2, 0.4, 0.6, 0.8, 1, 5, 10}, // paper
		layers: []presetLayer{
			{"sft", map[string]string{
				"model": "bigcode/starcoderbase-1b", // paper: StarCoder 1B
			}},
			{preferences, map[string]string{
				"per_device_train_batch_size": "8", "gradient_accumulation_steps": "4", // paper: batch 32
				"num_train_epochs": "30",                                 // paper
				"learning_rate":    "5e-7",                               // paper
				"warmup_ratio":     "0.1", "lr_scheduler_type": "linear", // paper: 10% warm-up, linear decay
				"load_best_model_at_end": "true", // paper: the lowest validation loss is kept
				"eval_steps":             "10",   // ours: about once an epoch of MBPP's 374 tasks
			}},
		},
	},
	{
		Name:    "ablation",
		Summary: "mask variants: Pythia 410M on DPO-mix-7k; vary mask.layers, mask.depth, mask.weight_decay (0 … 1) and the method",
		layers: []presetLayer{
			{"sft", map[string]string{
				"model": "EleutherAI/pythia-410m", // paper: Pythia 410M
			}},
			{preferences, map[string]string{
				"per_device_train_batch_size": "8", "gradient_accumulation_steps": "16", // paper: batch 128
				"num_train_epochs": "3",    // paper
				"learning_rate":    "5e-7", // paper
			}},
		},
	},
}

// Presets lists the presets: the paper's, then the variants of the authors' scripts.
func Presets() []PresetInfo { return slices.Concat(presets, authors) }

// PresetNames lists the presets' names.
func PresetNames() []string {
	var names []string
	for _, p := range Presets() {
		names = append(names, p.Name)
	}
	return names
}

// preset finds a preset by its name.
func preset(name string) (p PresetInfo, ok bool) {
	all := Presets()
	at := slices.IndexFunc(all, func(p PresetInfo) bool { return p.Name == name })
	if at < 0 {
		return p, false
	}
	return all[at], true
}

// Preset is the settings of the preset of that name for the method that the other sources choose.
func Preset(name string) Source {
	return Source{preset: true, read: func(method string) ([]setting, error) {
		if p, ok := preset(name); ok {
			return p.settings(method), nil
		}
		hint := ""
		if near := usage.Nearest(name, PresetNames()); near != "" {
			hint = fmt.Sprintf(" (did you mean %q?)", near)
		}
		return nil, fmt.Errorf("--preset: unknown %q; known: %s%s", name, strings.Join(PresetNames(), ", "), hint)
	}}
}

func (p PresetInfo) settings(method string) []setting {
	var settings []setting
	if base, ok := preset(p.base); ok {
		settings = base.settings(method)
	}
	for _, layer := range p.layers {
		if !layer.covers(method) {
			continue
		}
		for _, k := range keys {
			if text, ok := layer.settings[k.name]; ok {
				settings = append(settings, setting{k.name, value{text: text}, origin{place: "preset " + p.Name, preset: true}})
			}
		}
	}
	return settings
}

func (l presetLayer) covers(method string) bool {
	if family, ok := strings.CutSuffix(l.methods, "*"); ok {
		return strings.HasPrefix(method, family)
	}
	return l.methods == method || l.methods == preferences && method != "sft"
}
