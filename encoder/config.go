package encoder

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/activation"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// types are the model types that this package reads.
var types = []string{"roberta"}

// Types lists the model types that this package reads, as config.json names them.
func Types() []string { return slices.Clone(types) }

// Config is what an encoder's config.json says.
type Config struct {
	Type         string // model_type: "roberta"
	Vocab        int    // rows of the token embedding
	Hidden       int    // width of the hidden states
	Layers       int
	Heads        int
	Inner        int     // width of the MLP
	MaxPositions int     // rows of the position embedding; see MaxTokens
	TokenTypes   int     // rows of the token type embedding, of which the first is used
	NormEps      float64 // epsilon of the norms
	Activation   string  // the MLP's activation function, Hugging Face's name
	Pad          int32   // id of the token that fills a batch up
	Std          float64 // standard deviation of fresh weights

	text []byte // config.json as read
}

// configFile are the fields of config.json. The values given before it is read are those that a RoBERTa configuration may
// leave out.
type configFile struct {
	Type       string  `json:"model_type"`
	Vocab      int     `json:"vocab_size"`
	Hidden     int     `json:"hidden_size"`
	Layers     int     `json:"num_hidden_layers"`
	Heads      int     `json:"num_attention_heads"`
	Inner      int     `json:"intermediate_size"`
	Positions  int     `json:"max_position_embeddings"`
	TokenTypes int     `json:"type_vocab_size"`
	NormEps    float64 `json:"layer_norm_eps"`
	Activation string  `json:"hidden_act"`
	Pad        int32   `json:"pad_token_id"`
	PositionBy string  `json:"position_embedding_type"`
	Decoder    bool    `json:"is_decoder"`
	Cross      bool    `json:"add_cross_attention"`
	Std        float64 `json:"initializer_range"`
}

// ReadConfig reads FOLDER/config.json.
func ReadConfig(folder string) (*Config, error) {
	path := filepath.Join(folder, "config.json")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, usage.Errorf("model %s: no config.json; expected a folder in Hugging Face layout (config.json, model.safetensors, …)", folder)
	}
	if err != nil {
		return nil, fmt.Errorf("read model configuration: %w", err)
	}
	c, err := ParseConfig(text)
	if err != nil {
		return nil, usage.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// ParseConfig reads the text of a config.json. Errors name the field.
func ParseConfig(text []byte) (*Config, error) {
	f := configFile{
		Vocab: 50265, Hidden: 768, Layers: 12, Heads: 12, Inner: 3072, Positions: 512, TokenTypes: 2, NormEps: 1e-12,
		Activation: "gelu", Pad: 1, PositionBy: "absolute", Std: 0.02,
	}
	if err := unmarshal(text, &f); err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	return &Config{
		Type: f.Type, Vocab: f.Vocab, Hidden: f.Hidden, Layers: f.Layers, Heads: f.Heads, Inner: f.Inner, MaxPositions: f.Positions,
		TokenTypes: f.TokenTypes, NormEps: f.NormEps, Activation: f.Activation, Pad: f.Pad, Std: f.Std, text: text,
	}, nil
}

// Fields reads fields of config.json into a struct, as json.Unmarshal does. Errors name the field.
func (c *Config) Fields(into any) error { return unmarshal(c.text, into) }

// wanted words what a field of a kind is read from.
var wanted = map[reflect.Kind]string{
	reflect.Bool: "true or false", reflect.Int: "a whole number", reflect.Int32: "a whole number", reflect.Float64: "a number",
	reflect.String: "a string", reflect.Slice: "a list", reflect.Map: "an object",
}

func unmarshal(text []byte, into any) error {
	err := json.Unmarshal(text, into)
	var mismatch *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &mismatch) && mismatch.Field != "":
		return fmt.Errorf("%s: found %s, expected %s", mismatch.Field, mismatch.Value, wanted[mismatch.Type.Kind()])
	}
	return fmt.Errorf("not a JSON object of a model configuration: %w", err)
}

// maxSize and maxLayers bound what a configuration can ask for; real ones stay far below.
const (
	maxSize   = 1 << 24
	maxLayers = 1000
)

func (f *configFile) check() error {
	if !slices.Contains(types, f.Type) {
		return fmt.Errorf("model_type %q is not an encoder this program knows; known: %s", f.Type, strings.Join(types, ", "))
	}
	sizes := []struct {
		key         string
		value, most int
	}{
		{"vocab_size", f.Vocab, maxSize},
		{"hidden_size", f.Hidden, maxSize},
		{"num_hidden_layers", f.Layers, maxLayers},
		{"num_attention_heads", f.Heads, maxSize},
		{"intermediate_size", f.Inner, maxSize},
		{"max_position_embeddings", f.Positions, maxSize},
		{"type_vocab_size", f.TokenTypes, maxSize},
	}
	for _, s := range sizes {
		if s.value < 1 || s.value > s.most {
			return fmt.Errorf("%s: found %d, expected a whole number from 1 to %d", s.key, s.value, s.most)
		}
	}
	_, known := activation.Functions[f.Activation]
	switch {
	case f.Hidden%f.Heads != 0:
		return fmt.Errorf("hidden_size %d is not a multiple of the %d heads", f.Hidden, f.Heads)
	case !(f.NormEps > 0):
		return fmt.Errorf("layer_norm_eps: found %g, expected a positive number", f.NormEps)
	case !(f.Std >= 0):
		return fmt.Errorf("initializer_range: found %g, expected 0 or more", f.Std)
	case !known:
		return fmt.Errorf("hidden_act: %q is not supported; known: %s", f.Activation, strings.Join(activation.Names(), ", "))
	case f.PositionBy != "absolute":
		return fmt.Errorf("position_embedding_type: %q is not supported; known: absolute", f.PositionBy)
	case f.Decoder || f.Cross:
		return errors.New("is_decoder and add_cross_attention are not supported: this is a decoder, not an encoder")
	case f.Pad < 0 || int(f.Pad) >= f.Vocab:
		return fmt.Errorf("pad_token_id: found %d, expected an id of the %d tokens", f.Pad, f.Vocab)
	case f.Positions <= int(f.Pad)+1:
		return fmt.Errorf("max_position_embeddings: found %d, expected more than pad_token_id + 1 = %d, where positions begin", f.Positions, f.Pad+1)
	}
	return nil
}

// MaxTokens is the length of the longest sequence: positions begin after the padding token's id.
func (c *Config) MaxTokens() int { return c.MaxPositions - int(c.Pad) - 1 }

// JSON returns the text of config.json, as it was read.
func (c *Config) JSON() []byte { return c.text }
