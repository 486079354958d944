package config

// authors are the presets as the authors' repository has them (huawei-noah/HEBO, SparsePO/: the README's table, exps.sh and
// configs/), where that differs from the paper. Each changes some settings of the preset whose name stands before the "@".
//
// The scripts train in half precision and recompute activations, which saves memory and is left to the user here. Their
// tokenisation, a chat template around every data set, is no setting.
var authors = []PresetInfo{
	{
		Name:    "imdb@authors",
		Summary: "imdb as in the authors' scripts, which fine-tune nothing: they start from a published model",
		base:    "imdb",
		layers: []presetLayer{
			{preferences, map[string]string{
				"beta":              "0.8",    // README, exps.sh
				"lr_scheduler_type": "cosine", // configs/config_po.yaml, like the next
				"warmup_ratio":      "0.1",
				"max_length":        "1024", // theirs is 2048, more than the model's positions
				"max_prompt_length": "512",  // theirs is 1024
			}},
			authorsMapo,
		},
	},
	{
		Name:    "hh@authors",
		Summary: "hh as in the authors' scripts: cosine, L1 for the common mask alone",
		base:    "hh",
		layers: []presetLayer{
			{"*", map[string]string{
				"lr_scheduler_type": "cosine", // configs/config_sft.yaml and config_po.yaml, like the next three
				"warmup_ratio":      "0.1",
				"max_length":        "2048",
				"max_prompt_length": "1024",
			}},
			{"sft", map[string]string{
				"model": "EleutherAI/pythia-1.4b-deduped", // configs/config_sft.yaml
			}},
			authorsMapo,
			{"sparse-independent", map[string]string{
				"l1_u": "0", "l1_d": "0", // README
			}},
		},
	},
	{
		Name:    "tldr@authors",
		Summary: "tldr as in the authors' scripts: adapters of rank 64 on queries, keys and values beside unquantised weights",
		base:    "tldr",
		layers: []presetLayer{
			{"*", map[string]string{
				"load_in_4bit": "false",                                         // exps.sh has torch_dtype float16
				"lora_r":       "64", "lora_alpha": "16", "lora_dropout": "0.1", // configs/config_po_lora.yaml
				"lora_target_modules": "q_proj,k_proj,v_proj", // those of the list there that GPT-J has
			}},
			{preferences, map[string]string{
				"learning_rate":     "1e-4",   // README, exps.sh
				"lr_scheduler_type": "cosine", // configs/config_po_lora.yaml, like the next three
				"warmup_ratio":      "0.1",
				"max_length":        "2048",
				"max_prompt_length": "1024",
				"beta":              "0.8", // README, exps.sh
			}},
			authorsMapo,
			{"sparse-*", map[string]string{
				"beta": "0.8", // README
			}},
		},
	},
	{
		Name:    "mbpp@authors",
		Summary: "mbpp as in the authors' scripts: 3 epochs, cosine",
		base:    "mbpp",
		layers: []presetLayer{
			{preferences, map[string]string{
				"beta":              "0.8",    // exps.sh
				"num_train_epochs":  "3",      // exps.sh
				"lr_scheduler_type": "cosine", // configs/config_po.yaml, like the next two
				"max_length":        "2048",
				"max_prompt_length": "1024",
				// The scripts evaluate after every epoch and keep the last three checkpoints; which one is taken they do not say.
			}},
			authorsMapo,
		},
	},
}

// authorsMapo: the scripts' activation_hook "all" includes the logits.
var authorsMapo = presetLayer{"mapo", map[string]string{"mask.groups": "mlp,attn,resid,logits"}}
