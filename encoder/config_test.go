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
		{`"model_type": "gpt2"`, `model_type "gpt2" is not an encoder this program knows; known: albert, bert, camembert, distilbert, roberta, xlm-roberta`},
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
