package model

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/google/go-cmp/cmp"
)

// realModel are facts of a published model: the fields of its config.json that matter here, and what its files hold.
type realModel struct {
	text       string
	parameters int
	once       map[string][]int // tensors beside the layers
	layers     int
	layer      string // what stands before the tensors of a layer, with its number
	each       map[string][]int
}

var realConfigs = map[string]realModel{
	"gpt2-large": {
		text: `{"activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1, "bos_token_id": 50256,
			"embd_pdrop": 0.1, "eos_token_id": 50256, "initializer_range": 0.02, "layer_norm_epsilon": 1e-05, "model_type": "gpt2",
			"n_ctx": 1024, "n_embd": 1280, "n_head": 20, "n_layer": 36, "n_positions": 1024, "resid_pdrop": 0.1, "vocab_size": 50257}`,
		parameters: 774_030_080,
		once: map[string][]int{
			"transformer.wte.weight": {50257, 1280}, "transformer.wpe.weight": {1024, 1280},
			"transformer.ln_f.weight": {1280}, "transformer.ln_f.bias": {1280},
		},
		layers: 36, layer: "transformer.h.%d.",
		each: map[string][]int{
			"ln_1.weight": {1280}, "ln_1.bias": {1280}, "ln_2.weight": {1280}, "ln_2.bias": {1280},
			"attn.c_attn.weight": {1280, 3840}, "attn.c_attn.bias": {3840}, "attn.c_proj.weight": {1280, 1280}, "attn.c_proj.bias": {1280},
			"mlp.c_fc.weight": {1280, 5120}, "mlp.c_fc.bias": {5120}, "mlp.c_proj.weight": {5120, 1280}, "mlp.c_proj.bias": {1280},
		},
	},
	"pythia-410m": {
		text: `{"architectures": ["GPTNeoXForCausalLM"], "bos_token_id": 0, "eos_token_id": 0, "hidden_act": "gelu", "hidden_size": 1024,
			"initializer_range": 0.02, "intermediate_size": 4096, "layer_norm_eps": 1e-05, "max_position_embeddings": 2048,
			"model_type": "gpt_neox", "num_attention_heads": 16, "num_hidden_layers": 24, "rotary_emb_base": 10000, "rotary_pct": 0.25,
			"tie_word_embeddings": false, "torch_dtype": "float16", "use_cache": true, "use_parallel_residual": true, "vocab_size": 50304}`,
		parameters: 405_334_016,
		once:       neoXOnce(1024), layers: 24, layer: "gpt_neox.layers.%d.", each: neoXLayer(1024),
	},
	"pythia-1.4b": {
		text: `{"architectures": ["GPTNeoXForCausalLM"], "bos_token_id": 0, "eos_token_id": 0, "hidden_act": "gelu", "hidden_size": 2048,
			"initializer_range": 0.02, "intermediate_size": 8192, "layer_norm_eps": 1e-05, "max_position_embeddings": 2048,
			"model_type": "gpt_neox", "num_attention_heads": 16, "num_hidden_layers": 24, "rotary_emb_base": 10000, "rotary_pct": 0.25,
			"tie_word_embeddings": false, "torch_dtype": "float16", "use_cache": true, "use_parallel_residual": true, "vocab_size": 50304}`,
		parameters: 1_414_647_808,
		once:       neoXOnce(2048), layers: 24, layer: "gpt_neox.layers.%d.", each: neoXLayer(2048),
	},
	"gpt-j-6b": {
		text: `{"activation_function": "gelu_new", "architectures": ["GPTJForCausalLM"], "attn_pdrop": 0.0, "bos_token_id": 50256,
			"embd_pdrop": 0.0, "eos_token_id": 50256, "initializer_range": 0.02, "layer_norm_epsilon": 1e-05, "model_type": "gptj",
			"n_embd": 4096, "n_head": 16, "n_inner": null, "n_layer": 28, "n_positions": 2048, "resid_pdrop": 0.0, "rotary": true,
			"rotary_dim": 64, "scale_attn_weights": true, "tie_word_embeddings": false, "use_cache": true, "vocab_size": 50400}`,
		parameters: 6_050_882_784,
		once: map[string][]int{
			"transformer.wte.weight": {50400, 4096}, "transformer.ln_f.weight": {4096}, "transformer.ln_f.bias": {4096},
			"lm_head.weight": {50400, 4096}, "lm_head.bias": {50400},
		},
		layers: 28, layer: "transformer.h.%d.",
		each: map[string][]int{
			"ln_1.weight": {4096}, "ln_1.bias": {4096}, "attn.q_proj.weight": {4096, 4096}, "attn.k_proj.weight": {4096, 4096},
			"attn.v_proj.weight": {4096, 4096}, "attn.out_proj.weight": {4096, 4096},
			"mlp.fc_in.weight": {16384, 4096}, "mlp.fc_in.bias": {16384}, "mlp.fc_out.weight": {4096, 16384}, "mlp.fc_out.bias": {4096},
		},
	},
	"starcoderbase-1b": {
		text: `{"activation_function": "gelu_pytorch_tanh", "architectures": ["GPTBigCodeForCausalLM"], "attention_softmax_in_fp32": true,
			"multi_query": true, "attn_pdrop": 0.1, "bos_token_id": 0, "embd_pdrop": 0.1, "eos_token_id": 0, "inference_runner": 0,
			"initializer_range": 0.02, "layer_norm_epsilon": 1e-05, "max_batch_size": null, "max_sequence_length": null,
			"model_type": "gpt_bigcode", "n_embd": 2048, "n_head": 16, "n_inner": 8192, "n_layer": 24, "n_positions": 8192,
			"pad_key_length": true, "pre_allocate_kv_cache": false, "resid_pdrop": 0.1, "scale_attention_softmax_in_fp32": true,
			"scale_attn_weights": true, "use_cache": true, "validate_runner_input": true, "vocab_size": 49152}`,
		parameters: 1_137_207_296,
		once: map[string][]int{
			"transformer.wte.weight": {49152, 2048}, "transformer.wpe.weight": {8192, 2048},
			"transformer.ln_f.weight": {2048}, "transformer.ln_f.bias": {2048},
		},
		layers: 24, layer: "transformer.h.%d.",
		each: map[string][]int{
			"ln_1.weight": {2048}, "ln_1.bias": {2048}, "ln_2.weight": {2048}, "ln_2.bias": {2048},
			"attn.c_attn.weight": {2304, 2048}, "attn.c_attn.bias": {2304}, "attn.c_proj.weight": {2048, 2048}, "attn.c_proj.bias": {2048},
			"mlp.c_fc.weight": {8192, 2048}, "mlp.c_fc.bias": {8192}, "mlp.c_proj.weight": {2048, 8192}, "mlp.c_proj.bias": {2048},
		},
	},
	"Llama-3.2-1B": {
		text: `{"architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 128000,
			"eos_token_id": 128001, "head_dim": 64, "hidden_act": "silu", "hidden_size": 2048, "initializer_range": 0.02,
			"intermediate_size": 8192, "max_position_embeddings": 131072, "mlp_bias": false, "model_type": "llama",
			"num_attention_heads": 32, "num_hidden_layers": 16, "num_key_value_heads": 8, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
			"rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 8192,
			"rope_type": "llama3"}, "rope_theta": 500000.0, "tie_word_embeddings": true, "torch_dtype": "bfloat16", "vocab_size": 128256}`,
		parameters: 1_235_814_400,
		once:       map[string][]int{"model.embed_tokens.weight": {128256, 2048}, "model.norm.weight": {2048}},
		layers:     16, layer: "model.layers.%d.",
		each: map[string][]int{
			"input_layernorm.weight": {2048}, "post_attention_layernorm.weight": {2048},
			"self_attn.q_proj.weight": {2048, 2048}, "self_attn.k_proj.weight": {512, 2048},
			"self_attn.v_proj.weight": {512, 2048}, "self_attn.o_proj.weight": {2048, 2048},
			"mlp.gate_proj.weight": {8192, 2048}, "mlp.up_proj.weight": {8192, 2048}, "mlp.down_proj.weight": {2048, 8192},
		},
	},
	"Mistral-7B-v0.3": {
		text: `{"architectures": ["MistralForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2,
			"hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02, "intermediate_size": 14336,
			"max_position_embeddings": 32768, "model_type": "mistral", "num_attention_heads": 32, "num_hidden_layers": 32,
			"num_key_value_heads": 8, "rms_norm_eps": 1e-05, "rope_theta": 1000000.0, "sliding_window": null,
			"tie_word_embeddings": false, "torch_dtype": "bfloat16", "use_cache": true, "vocab_size": 32768}`,
		parameters: 7_248_023_552,
		once: map[string][]int{
			"model.embed_tokens.weight": {32768, 4096}, "model.norm.weight": {4096}, "lm_head.weight": {32768, 4096},
		},
		layers: 32, layer: "model.layers.%d.",
		each: map[string][]int{
			"input_layernorm.weight": {4096}, "post_attention_layernorm.weight": {4096},
			"self_attn.q_proj.weight": {4096, 4096}, "self_attn.k_proj.weight": {1024, 4096},
			"self_attn.v_proj.weight": {1024, 4096}, "self_attn.o_proj.weight": {4096, 4096},
			"mlp.gate_proj.weight": {14336, 4096}, "mlp.up_proj.weight": {14336, 4096}, "mlp.down_proj.weight": {4096, 14336},
		},
	},
	"Qwen2.5-0.5B": {
		text: `{"architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151643,
			"hidden_act": "silu", "hidden_size": 896, "initializer_range": 0.02, "intermediate_size": 4864,
			"max_position_embeddings": 32768, "max_window_layers": 24, "model_type": "qwen2", "num_attention_heads": 14,
			"num_hidden_layers": 24, "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 32768,
			"tie_word_embeddings": true, "torch_dtype": "bfloat16", "use_mrope": false, "use_sliding_window": false, "vocab_size": 151936}`,
		parameters: 494_032_768,
		once:       map[string][]int{"model.embed_tokens.weight": {151936, 896}, "model.norm.weight": {896}},
		layers:     24, layer: "model.layers.%d.",
		each: map[string][]int{
			"input_layernorm.weight": {896}, "post_attention_layernorm.weight": {896},
			"self_attn.q_proj.weight": {896, 896}, "self_attn.q_proj.bias": {896}, "self_attn.k_proj.weight": {128, 896},
			"self_attn.k_proj.bias": {128}, "self_attn.v_proj.weight": {128, 896}, "self_attn.v_proj.bias": {128},
			"self_attn.o_proj.weight": {896, 896},
			"mlp.gate_proj.weight":    {4864, 896}, "mlp.up_proj.weight": {4864, 896}, "mlp.down_proj.weight": {896, 4864},
		},
	},
}

func neoXOnce(d int) map[string][]int {
	return map[string][]int{
		"gpt_neox.embed_in.weight": {50304, d}, "gpt_neox.final_layer_norm.weight": {d}, "gpt_neox.final_layer_norm.bias": {d},
		"embed_out.weight": {50304, d},
	}
}

func neoXLayer(d int) map[string][]int {
	return map[string][]int{
		"input_layernorm.weight": {d}, "input_layernorm.bias": {d}, "post_attention_layernorm.weight": {d}, "post_attention_layernorm.bias": {d},
		"attention.query_key_value.weight": {3 * d, d}, "attention.query_key_value.bias": {3 * d},
		"attention.dense.weight": {d, d}, "attention.dense.bias": {d},
		"mlp.dense_h_to_4h.weight": {4 * d, d}, "mlp.dense_h_to_4h.bias": {4 * d}, "mlp.dense_4h_to_h.weight": {d, 4 * d}, "mlp.dense_4h_to_h.bias": {d},
	}
}

// Published models have the tensors of their files and as many parameters as their cards say.
func TestRealTensors(t *testing.T) {
	for name, m := range realConfigs {
		t.Run(name, func(t *testing.T) {
			config, err := ParseConfig([]byte(m.text))
			if err != nil {
				t.Fatal(err)
			}
			want := map[string][]int{}
			for tensor, dims := range m.once {
				want[tensor] = dims
			}
			for l := range m.layers {
				for tensor, dims := range m.each {
					want[fmt.Sprintf(m.layer, l)+tensor] = dims
				}
			}
			checkpoint := Random(config, 1)
			got := map[string][]int{}
			for _, entry := range checkpoint.layout {
				got[entry.name] = entry.dims
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("tensors (-files +ours):\n%s", diff)
			}
			if n := checkpoint.NumParameters(); n != m.parameters {
				t.Errorf("%d parameters, want %d", n, m.parameters)
			}
		})
	}
}

// A Mistral is the Llama of the same sizes.
func TestMistralIsLlama(t *testing.T) {
	text := realConfigs["Mistral-7B-v0.3"].text
	got, err := ParseConfig([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want, err := ParseConfig([]byte(strings.Replace(text, `"mistral"`, `"llama"`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	got.Type = want.Type
	if !equalConfigs(*want, *got) {
		t.Errorf("got %+v, want %+v", *got, *want)
	}
	if diff := cmp.Diff(families["llama"].params(want), families["mistral"].params(got)); diff != "" {
		t.Errorf("tensors (-llama +mistral):\n%s", diff)
	}
}

// Configurations as newer libraries write them give the same model.
func TestRealConfigsRewritten(t *testing.T) {
	for name, change := range map[string]*strings.Replacer{
		"pythia-410m": strings.NewReplacer(`"rotary_emb_base": 10000, "rotary_pct": 0.25,`,
			`"dtype": "float16", "rope_parameters": {"partial_rotary_factor": 0.25, "rope_theta": 10000, "rope_type": "default"},`),
		"Llama-3.2-1B": strings.NewReplacer(`"rope_scaling": {`, `"rope_parameters": {"rope_theta": 500000.0, `, `"rope_theta": 500000.0, "tie`, `"tie`),
		"Qwen2.5-0.5B": strings.NewReplacer(`"rope_theta": 1000000.0,`, `"rope_parameters": {"rope_theta": 1000000.0, "rope_type": "default"}, "layer_types": ["full_attention"],`),
	} {
		text := realConfigs[name].text
		old, err := ParseConfig([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		rewritten := change.Replace(text)
		if rewritten == text || strings.Contains(rewritten, "rope_scaling") {
			t.Fatalf("%s: nothing rewritten", name)
		}
		again, err := ParseConfig([]byte(rewritten))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !equalConfigs(*old, *again) {
			t.Errorf("%s: %+v, as newer libraries write it %+v", name, *old, *again)
		}
	}
}

// One layer of a published model at its full width computes finite logits, in which a token changes its own place and none
// before it.
func TestRealWidth(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: takes seconds and up to 2 GB; run without -short")
	}
	const vocab, seq = 101, 5
	for name, m := range realConfigs {
		t.Run(name, func(t *testing.T) {
			full, err := ParseConfig([]byte(m.text))
			if err != nil {
				t.Fatal(err)
			}
			small := strings.NewReplacer(
				fmt.Sprintf(`_size": %d}`, full.Vocab), fmt.Sprintf(`_size": %d}`, vocab), fmt.Sprintf(`"n_layer": %d`, full.Layers), `"n_layer": 1`,
				fmt.Sprintf(`"num_hidden_layers": %d`, full.Layers), `"num_hidden_layers": 1`, fmt.Sprintf(`"n_positions": %d`, full.MaxPositions), `"n_positions": 64`,
				`"n_inner": null`, `"n_inner": 4096`, `_size": 14336`, `_size": 4096`, // of GPT-J and Mistral, whose layers are larger than the others' together
			).Replace(m.text)
			config, err := ParseConfig([]byte(small))
			if err != nil {
				t.Fatal(err)
			}
			if config.Layers != 1 || config.Vocab != vocab || config.Hidden != full.Hidden || config.Heads != full.Heads || config.KVHeads != full.KVHeads {
				t.Fatalf("not one layer of full width: %+v", *config)
			}
			backend, store := goBackend(t), gomodel.NewStore()
			n, err := Random(config, 3).Bind(backend, store, "/n", Binding{})
			if err != nil {
				t.Fatal(err)
			}
			exec, err := gomodel.NewExec(backend, store, func(_ *gomodel.Scope, tokens *Node) *Node {
				g := tokens.Graph()
				square := shapes.Make(dtypes.Int64, 2, seq, seq)
				out := n.Forward(Inputs{
					Tokens: tokens, Positions: Iota(g, tokens.Shape(), 1), Visible: GreaterOrEqual(Iota(g, square, 1), Iota(g, square, 2)),
				})
				return n.Logits(Reshape(out.Final, 2*seq, -1))
			})
			if err != nil {
				t.Fatal(err)
			}
			out, err := exec.Call1([][]int64{{1, 2, 3, 4, 5}, {1, 2, 3, 4, 6}})
			if err != nil {
				t.Fatal(err)
			}
			logits := tensors.MustCopyFlatData[float32](out)
			for place := range seq {
				furthest := 0.0
				for v := range vocab {
					a, b := float64(logits[place*vocab+v]), float64(logits[(seq+place)*vocab+v])
					if math.IsNaN(a) || math.IsInf(a, 0) {
						t.Fatalf("logit %d of place %d is %g", v, place, a)
					}
					furthest = max(furthest, math.Abs(a-b))
				}
				if last := place == seq-1; last != (furthest > 1e-3) {
					t.Errorf("place %d: logits differ by up to %g when the last token does", place, furthest)
				}
			}
			for _, v := range n.Variables() {
				if err := v.Finalize(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
