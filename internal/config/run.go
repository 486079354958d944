// Package config describes a training run: its settings, their defaults, where they come from and whether they make sense.
//
// [Run] is the one table of settings. Each field's tags give its key (yaml), default, allowed values (range, also, oneof),
// meaning (help) and whether trainers have a flag of its own for it (flag); parsing, validation, help texts and the
// documentation's table are made from them. Keys follow TRL's names where TRL has one; nested keys are written with dots.
//
// [Resolve] layers sources, later ones winning: a [Preset], a [File], [Set] assignments, [Flag] values. [Run.Validate]
// then collects everything that is wrong with the result. Errors name the place a value came from and are marked as the
// user's (package internal/usage):
//
//	run.yaml:9: mask.depth: found 3, expected a whole number from 1 to 2
package config

// Run holds a training run's settings. It comes from Resolve.
//
// The default tag may be "=KEY", the value of another setting, and may end in "; METHOD VALUE" for a method's own default.
// A range is written as an interval, also names one number allowed outside it.
type Run struct {
	Model     string `yaml:"model" flag:"yes" required:"yes" help:"model to train: a folder in Hugging Face layout, an adapter's folder in PEFT's, or a hub id"`
	Reference string `yaml:"reference" flag:"yes" default:"=model" help:"frozen reference: a model folder or hub id; base for the policy's base model without its adapter; adapter:PATH for an adapter on that base"`
	Data      string `yaml:"data" flag:"yes" required:"yes" help:"training records: a .jsonl, .jsonl.gz, .json or .parquet file, a folder, a pattern or a hub id; [:90%] takes a share, commas join sources and =WEIGHT mixes them (docs/data.md)"`
	EvalData  string `yaml:"eval_data" flag:"yes" help:"held-out records for evaluation"`
	Out       string `yaml:"out" flag:"yes" required:"yes" help:"run folder to write"`
	Method    string `yaml:"method" flag:"yes" required:"yes" help:"objective to optimise"`
	Engine    string `yaml:"engine" default:"auto" help:"compute engine: auto, onnx, go or xla:PATH"`
	Seed      int    `yaml:"seed" flag:"yes" default:"42" range:"[0,inf)" help:"seed of data order and initial masks"`

	Beta   float64 `yaml:"beta" flag:"yes" default:"0.1" range:"(0,inf)" help:"strength of the pull towards the reference, the scale of the rewards"`
	Alpha  float64 `yaml:"alpha" default:"0.5" range:"[0,inf)" help:"weight of the sequence KL term"`
	Gamma  float64 `yaml:"gamma" default:"0.3" range:"[0,inf)" help:"margin the reward difference should reach"`
	Lambda float64 `yaml:"lambda" default:"50" range:"[0,inf)" help:"penalty where the chosen response falls below the reference"`
	KL     string  `yaml:"kl" default:"forward" oneof:"forward reverse" help:"token KL of the masked objective: KL(reference ‖ policy), or the reverse with Eq. 8's sign as printed"`
	L1U    float64 `yaml:"l1_u" default:"0" range:"[0,inf)" help:"L1 coefficient of the reward mask, used as given (the authors halve it for a common mask)"`
	L1D    float64 `yaml:"l1_d" default:"0" range:"[0,inf)" help:"L1 coefficient of the KL mask, used as given"`

	LabelSmoothing float64 `yaml:"label_smoothing" default:"0; robust 0.1" range:"[0,0.5)" help:"share of the pairs taken to have their sides exchanged; with dpo this is cDPO"`
	RPOAlpha       float64 `yaml:"rpo_alpha" default:"0" range:"[0,inf)" help:"weight of the mean negative log-likelihood of the chosen response, added to any objective on pairs"`

	Mask Mask `yaml:"mask"`

	LearningRate              float64 `yaml:"learning_rate" flag:"yes" default:"1e-6; sft 1e-5" range:"[0,inf)" help:"peak learning rate of AdamW"`
	NumTrainEpochs            float64 `yaml:"num_train_epochs" flag:"yes" default:"1" range:"(0,inf)" help:"passes over the data; a fraction ends inside one"`
	MaxSteps                  int     `yaml:"max_steps" flag:"yes" default:"-1" range:"[1,inf)" also:"-1" help:"optimiser steps, instead of num_train_epochs; -1 for no limit"`
	PerDeviceTrainBatchSize   int     `yaml:"per_device_train_batch_size" default:"8" range:"[1,inf)" help:"pairs per forward and backward pass"`
	PerDeviceEvalBatchSize    int     `yaml:"per_device_eval_batch_size" default:"8" range:"[1,inf)" help:"pairs per pass in evaluation"`
	GradientAccumulationSteps int     `yaml:"gradient_accumulation_steps" default:"1" range:"[1,inf)" help:"passes per optimiser step; batch = per_device_train_batch_size × this"`
	MaxLength                 int     `yaml:"max_length" default:"512" range:"[2,inf)" help:"longest prompt and response together, tokens; responses are cut to it"`
	MaxPromptLength           int     `yaml:"max_prompt_length" default:"256" range:"[1,inf)" help:"longest prompt, tokens; half of max_length where that is 256 or less"`
	TruncationMode            string  `yaml:"truncation_mode" default:"keep_end" oneof:"keep_end keep_start" help:"which end of a too long prompt stays"`

	LRSchedulerType string  `yaml:"lr_scheduler_type" default:"linear" oneof:"constant linear cosine" help:"learning rate after the warm-up: constant, or falling to 0"`
	WarmupRatio     float64 `yaml:"warmup_ratio" default:"0" range:"[0,1)" help:"share of all steps in which the learning rate rises linearly from 0"`
	WarmupSteps     int     `yaml:"warmup_steps" default:"0" range:"[0,inf)" help:"the same as a number of steps; at most one of the two"`
	WeightDecay     float64 `yaml:"weight_decay" default:"0" range:"[0,inf)" help:"decay of the model's weights, biases and norms excepted"`
	AdamBeta1       float64 `yaml:"adam_beta1" default:"0.9" range:"[0,1)" help:"AdamW: decay of the first moment"`
	AdamBeta2       float64 `yaml:"adam_beta2" default:"0.999" range:"[0,1)" help:"AdamW: decay of the second moment"`
	AdamEpsilon     float64 `yaml:"adam_epsilon" default:"1e-8" range:"(0,inf)" help:"AdamW: added to the denominator"`
	MaxGradNorm     float64 `yaml:"max_grad_norm" default:"1" range:"[0,inf)" help:"global norm to which gradients are clipped; 0 turns clipping off"`

	DType                 string   `yaml:"dtype" default:"float32" oneof:"float32 bfloat16" help:"type of the forward and backward passes and of frozen weights; trained weights, the optimiser and the losses stay float32"`
	GradientCheckpointing bool     `yaml:"gradient_checkpointing" default:"false" help:"compute activations again for the gradients instead of keeping them: less memory, about a third more time"`
	UsePEFT               bool     `yaml:"use_peft" default:"false" help:"train a LoRA adapter beside the frozen model"`
	LoraR                 int      `yaml:"lora_r" default:"16" range:"[1,inf)" help:"rank of the adapter"`
	LoraAlpha             float64  `yaml:"lora_alpha" default:"32" range:"(0,inf)" help:"scale of the adapter, divided by its rank"`
	LoraDropout           float64  `yaml:"lora_dropout" default:"0.05" range:"[0,1)" help:"dropout on the adapter's input during training"`
	LoraTargetModules     []string `yaml:"lora_target_modules" help:"linear layers with an adapter: ends of names, patterns, or all-linear; the family's own choice if not given"`
	UseRSLora             bool     `yaml:"use_rslora" default:"false" help:"divide lora_alpha by the root of the rank"`
	LoadIn4bit            bool     `yaml:"load_in_4bit" default:"false" help:"keep the frozen linear layers in 4 bits (QLoRA: NF4, double quantisation); needs an adapter"`

	PrecomputeRefLogProbs bool    `yaml:"precompute_ref_log_probs" default:"false" help:"compute what the objective needs of the reference once, before the first step, and keep it in the user's cache for later epochs and runs; objectives without token KL and masks, such as dpo, then hold no reference and log no KL"`
	ReferenceCacheGB      float64 `yaml:"reference_cache_gb" default:"20" range:"(0,inf)" help:"what that cache may take on the disk, GB: the values used longest ago make room; a run that needs more computes its reference at every step"`

	LoggingSteps       int    `yaml:"logging_steps" default:"10" range:"[1,inf)" help:"steps between two records of metrics"`
	EvalSteps          int    `yaml:"eval_steps" default:"0" range:"[0,inf)" help:"steps between two evaluations on eval_data; 0 for none on the way"`
	SaveSteps          int    `yaml:"save_steps" default:"0" range:"[0,inf)" help:"steps between two checkpoints; 0 for none on the way"`
	SaveTotalLimit     int    `yaml:"save_total_limit" default:"0" range:"[0,inf)" help:"newest checkpoints to keep; 0 for all"`
	LoadBestModelAtEnd bool   `yaml:"load_best_model_at_end" default:"false" help:"finish with the weights of the lowest eval_loss instead of the last; needs eval_data and eval_steps"`
	OnBadRecord        string `yaml:"on_bad_record" default:"error" oneof:"error skip" help:"stop at a record that cannot be used, or count and skip it"`
	RatedPairs         string `yaml:"rated_pairs" default:"best_worst" oneof:"best_worst all first" help:"pairs of a prompt's rated responses: the highest against the lowest, every two of different ratings, or the first two"`
	MaxResponseWords   int    `yaml:"max_response_words" default:"0" range:"[0,inf)" help:"drop records with a longer response, in words, and take it out of rated ones; 0 for no limit"`

	Frontier Frontier `yaml:"frontier"`

	// Resume continues the run in Out from its newest checkpoint. It is a flag only, no setting.
	Resume bool `yaml:"-"`

	origins map[string]origin // where each key's value came from; absent for a default
	unread  map[string]string // keys that Validate found not to be read, with the reason
}

// Mask holds the settings of the token masks.
type Mask struct {
	Source string `yaml:"source" default:"method" oneof:"method file" help:"where masks come from: the method, or file, the records' fields chosen_mask and rejected_mask, one number a response token, for rewards and KL alike"`

	Layers       string  `yaml:"layers" default:"all" oneof:"all last" help:"reference layers the mask reads"`
	Depth        int     `yaml:"depth" default:"1" range:"[1,2]" help:"linear layers per mask layer"`
	Width        int     `yaml:"width" default:"200" range:"[1,inf)" help:"inner width where mask.depth is 2"`
	Norm         bool    `yaml:"norm" default:"true" help:"normalise the hidden states first, as the authors' code does"`
	Dropout      float64 `yaml:"dropout" default:"0" range:"[0,1)" help:"dropout on mask values during training"`
	Init         string  `yaml:"init" help:"mask.safetensors file to start from instead of random masks"`
	WeightDecay  float64 `yaml:"weight_decay" default:"0.01" range:"[0,inf)" help:"decay of the masks' weights"`
	LearningRate float64 `yaml:"learning_rate" default:"=learning_rate" range:"[0,inf)" help:"learning rate of the masks"`

	Map    string   `yaml:"map" default:"minmax" oneof:"minmax zscore" help:"map of mean activations to mask values, over each response"`
	Groups []string `yaml:"groups" default:"mlp,attn,resid" oneof:"mlp attn resid logits" help:"activations the mask averages"`
}

// Frontier holds the settings of the reward-KL frontier measured during training: responses are sampled for test
// prompts, scored by a reward model and compared with the reference.
type Frontier struct {
	Every        int     `yaml:"every" default:"0" range:"[0,inf)" help:"steps between two measurements (the paper: 100); 0 for none"`
	Prompts      string  `yaml:"prompts" help:"file of test prompts"`
	Reward       string  `yaml:"reward" help:"reward model: a folder or a hub id"`
	RewardLabel  string  `yaml:"reward_label" help:"class whose probability is the reward, where it is a sequence classifier; the positive one of two if not given"`
	Limit        int     `yaml:"limit" default:"0" range:"[0,inf)" help:"prompts to use, from the first; 0 for all"`
	MaxNewTokens int     `yaml:"max_new_tokens" default:"64" range:"[1,inf)" help:"longest sampled response, tokens"`
	Temperature  float64 `yaml:"temperature" default:"1" range:"[0,inf)" help:"sampling temperature; 0 takes the likeliest token"`
	Seed         int     `yaml:"seed" default:"=seed" range:"[0,inf)" help:"seed of the sampling"`
}
