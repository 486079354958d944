package encoder

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// large are the sizes of RoBERTa large, as models made from it have them in their config.json.
const large = `{"model_type": "roberta", "architectures": ["RobertaForSequenceClassification"], "attention_probs_dropout_prob": 0.1,
	"bos_token_id": 0, "eos_token_id": 2, "gradient_checkpointing": false, "hidden_act": "gelu", "hidden_size": 1024,
	"id2label": {"0": "NEGATIVE", "1": "POSITIVE"}, "initializer_range": 0.02, "intermediate_size": 4096, "layer_norm_eps": 1e-05,
	"max_position_embeddings": 514, "num_attention_heads": 16, "num_hidden_layers": 24, "pad_token_id": 1,
	"position_embedding_type": "absolute", "type_vocab_size": 1, "use_cache": true, "vocab_size": 50265}`

func TestParseConfig(t *testing.T) {
	tests := []struct {
		name, text string
		want       Config
		maxTokens  int
	}{
		{"large", large, Config{
			Type: "roberta", Vocab: 50265, Embedding: 1024, Hidden: 1024, Layers: 24, Heads: 16, Inner: 4096, MaxPositions: 514, TokenTypes: 1,
			NormEps: 1e-5, Activation: "gelu", Pad: 1, Std: 0.02,
		}, 512},
		{"defaults", `{"model_type": "roberta", "pad_token_id": 0, "problem_type": null, "hidden_act": null}`, Config{
			Type: "roberta", Vocab: 50265, Embedding: 768, Hidden: 768, Layers: 12, Heads: 12, Inner: 3072, MaxPositions: 512, TokenTypes: 2,
			NormEps: 1e-12, Activation: "gelu", Std: 0.02,
		}, 511},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseConfig([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&test.want, got, cmpopts.IgnoreUnexported(Config{})); diff != "" {
				t.Errorf("configuration (-want +got):\n%s", diff)
			}
			if n := got.MaxTokens(); n != test.maxTokens {
				t.Errorf("MaxTokens: got %d, want %d", n, test.maxTokens)
			}
			if string(got.JSON()) != test.text {
				t.Error("JSON differs from what was read")
			}
		})
	}
}

// The sizes of RoBERTa base and large are known: without pooler and head they have 124,055,040 and 354,310,144 parameters.
func TestNumParameters(t *testing.T) {
	tests := []struct {
		text string
		want int
	}{
		{`{"model_type": "roberta", "max_position_embeddings": 514, "type_vocab_size": 1}`, 50265*768 + 515*768 + 2*768 + 12*(4*(768*768+768)+2*(768*3072)+3072+768+4*768)},
		{large, 50265*1024 + 515*1024 + 2*1024 + 24*(4*(1024*1024+1024)+2*(1024*4096)+4096+1024+4*1024)},
	}
	for i, known := range []int{124_055_040, 354_310_144} {
		c, err := ParseConfig([]byte(tests[i].text))
		if err != nil {
			t.Fatal(err)
		}
		if got := Random(c, 1).NumParameters(); got != tests[i].want || got != known {
			t.Errorf("got %d parameters, want %d, which is %d", got, tests[i].want, known)
		}
	}
}

func TestParseConfigRefuses(t *testing.T) {
	tests := []struct{ fields, want string }{
		{`"model_type": "gpt2"`, `model_type "gpt2" is not an encoder this program knows; known: albert, bert, camembert, deberta-v2, distilbert, roberta, xlm-roberta`},
		{`"vocab_size": "many"`, "vocab_size: found string, expected a whole number"},
		{`"num_hidden_layers": 0`, "num_hidden_layers: found 0, expected a whole number from 1"},
		{`"hidden_size": 1000000000`, "hidden_size: found 1000000000, expected a whole number from 1 to 16777216"},
		{`"hidden_size": 7.5`, "hidden_size: found number 7.5, expected a whole number"},
		{`"hidden_size": 100`, "hidden_size 100 is not a multiple of the 12 heads"},
		{`"layer_norm_eps": 0`, "layer_norm_eps: found 0, expected a positive number"},
		{`"hidden_act": "swish"`, `hidden_act: "swish" is not supported; known: gelu, `},
		{`"position_embedding_type": "relative_key"`, `position_embedding_type: "relative_key" is not supported; known: absolute`},
		{`"is_decoder": true`, "this is a decoder, not an encoder"},
		{`"pad_token_id": 50265`, "pad_token_id: found 50265, expected an id of the 50265 tokens"},
		{`"max_position_embeddings": 2`, "max_position_embeddings: found 2, expected more than pad_token_id + 1 = 2"},
		{`"initializer_range": -1`, "initializer_range: found -1"},
		{`"model_type"`, "not a JSON object of a model configuration"},
	}
	for _, test := range tests {
		text := `{"model_type": "roberta", ` + test.fields + `}`
		if c, err := ParseConfig([]byte(text)); c != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want %q", test.fields, err, test.want)
		}
	}
}

// Settings of other families are refused by their own names.
func TestFamilyConfigRefuses(t *testing.T) {
	const deberta = `{"model_type": "deberta-v2", "relative_attention": true, "pos_att_type": ["c2p", "p2c"], "share_att_key": true, "norm_rel_ebd": "layer_norm", "position_biased_input": false, "position_buckets": 256`
	tests := []struct{ text, want string }{
		{`{"model_type": "distilbert", "dim": 7}`, "dim 7 is not a multiple of the 12 heads"},
		{`{"model_type": "distilbert", "n_layers": "x"}`, "n_layers: found string, expected a whole number"},
		{`{"model_type": "distilbert", "activation": "swish"}`, `activation: "swish" is not supported`},
		{`{"model_type": "bert", "type_vocab_size": 0}`, "type_vocab_size: found 0, expected a whole number from 1"},
		{`{"model_type": "bert", "position_embedding_type": "relative_key_query"}`, `position_embedding_type: "relative_key_query" is not supported`},
		{`{"model_type": "albert", "embedding_size": 0}`, "embedding_size: found 0"},
		{`{"model_type": "albert", "num_hidden_groups": 13}`, "num_hidden_groups: found 13, expected a whole number from 1 to the 12 layers"},
		{`{"model_type": "albert", "inner_group_num": 2}`, "inner_group_num: 2 is not supported; supported: 1"},
		{`{"model_type": "deberta"}`, `model_type "deberta" is not an encoder this program knows`},
		{`{"model_type": "deberta-v2"}`, "relative_attention: false is not supported; supported: true"},
		{deberta + `, "pos_att_type": "c2p"}`, `pos_att_type: "c2p" is not supported; supported: p2c|c2p`},
		{deberta + `, "pos_att_type": 1}`, "pos_att_type: found number, expected a string"},
		{deberta + `, "share_att_key": false}`, "share_att_key: false is not supported"},
		{deberta + `, "norm_rel_ebd": "none"}`, `norm_rel_ebd: "none" is not supported`},
		{deberta + `, "position_biased_input": true}`, "position_biased_input: true is not supported"},
		{deberta + `, "type_vocab_size": 2}`, "type_vocab_size: 2 is not supported"},
		{deberta + `, "conv_kernel_size": 3}`, "conv_kernel_size: 3, a convolution after the first layer, is not supported"},
		{deberta + `, "embedding_size": 128}`, "other sizes than hidden_size, 1536, are not supported"},
		{deberta + `, "attention_head_size": 32}`, "attention_head_size: 32 is not supported; supported: 64"},
		{deberta + `, "position_buckets": 1}`, "position_buckets 1 and max_relative_positions 512 do not go together"},
		{deberta + `, "max_relative_positions": 100}`, "position_buckets 256 and max_relative_positions 100 do not go together"},
	}
	for _, test := range tests {
		if c, err := ParseConfig([]byte(test.text)); c != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want %q", test.text, err, test.want)
		}
	}
	if _, err := ParseConfig([]byte(deberta + `}`)); err != nil {
		t.Error(err)
	}
}

// The published sizes have the published numbers of parameters, of which heads and poolers are left out here: BERT base 109,482,240
// with its pooler, DistilBERT 66,362,880, ALBERT base 11,683,584 with its pooler, DeBERTa-v3 base 183,831,552.
func TestFamilyParameters(t *testing.T) {
	tests := []struct {
		text string
		want int
	}{
		{`{"model_type": "bert"}`, 109_482_240 - 768*769},
		{`{"model_type": "distilbert"}`, 66_362_880},
		{`{"model_type": "albert", "hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}`, 11_683_584 - 768*769},
		{`{"model_type": "deberta-v2", "hidden_size": 768, "num_attention_heads": 12, "num_hidden_layers": 12, "intermediate_size": 3072, "relative_attention": true, "pos_att_type": "p2c|c2p", "share_att_key": true, "norm_rel_ebd": "layer_norm", "position_biased_input": false, "position_buckets": 256}`, 183_831_552},
	}
	for _, test := range tests {
		c, err := ParseConfig([]byte(test.text))
		if err != nil {
			t.Fatal(err)
		}
		if got := Random(c, 1).NumParameters(); got != test.want {
			t.Errorf("%s: %d parameters, want %d", c.Type, got, test.want)
		}
	}
}

// Distances have the buckets of DeBERTa's program with 256 buckets and 512 positions: these values are PyTorch's, float32.
func TestDistanceIndex(t *testing.T) {
	d := distances{span: 256, buckets: 256, most: 512}
	for distance, want := range map[int]int{0: 0, 1: 1, 127: 127, 128: 128, 129: 129, 130: 130, 131: 131, 150: 143, 200: 169, 255: 192, 256: 192, 257: 192, 300: 207, 400: 233, 480: 250, 509: 255, 510: 255, 511: 255} {
		for sign := range 2 {
			got := d.index(distance, 0) - d.span
			if sign == 1 {
				got = d.span - d.index(0, distance)
			}
			if got != want {
				t.Errorf("distance %d: bucket %d, want %d", distance, got, want)
			}
		}
	}
}

func TestReadConfig(t *testing.T) {
	folder := t.TempDir()
	if _, err := ReadConfig(folder); !usage.Is(err) || !strings.Contains(err.Error(), "no config.json") {
		t.Errorf("got error %v, want the mistake that there is no config.json", err)
	}
	path := filepath.Join(folder, "config.json")
	if err := os.WriteFile(path, []byte("[]"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadConfig(folder); !usage.Is(err) || !strings.HasPrefix(err.Error(), path+": ") {
		t.Errorf("got error %v, want a mistake in %s", err, path)
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(large))
	f.Add([]byte(`{"model_type": "roberta", "pad_token_id": -1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseConfig(text)
		if (c == nil) != (err != nil) {
			t.Fatalf("got %v and error %v", c, err)
		}
		if err == nil && (c.MaxTokens() < 1 || c.Hidden%c.Heads != 0 || len(c.Tensors()) < 20) {
			t.Errorf("accepted %+v", c)
		}
	})
}
