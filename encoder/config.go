package encoder

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/sparsepo/sparsepo/internal/activation"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Config is what an encoder's config.json says.
type Config struct {
	Type         string // model_type; see Types
	Vocab        int    // rows of the token embedding
	Embedding    int    // width of the embeddings; another than Hidden in ALBERT alone
	Hidden       int    // width of the hidden states
	Layers       int
	Heads        int
	Inner        int     // width of the MLP
	Groups       int     // sets of weights that the layers share, in ALBERT; elsewhere every layer has its own, and this is 0
	MaxPositions int     // rows of the position embedding; see MaxTokens
	TokenTypes   int     // rows of the token type embedding, 0 where there is none; see Typed
	NormEps      float64 // epsilon of the norms
	Activation   string  // the MLP's activation function, Hugging Face's name
	Pad          int32   // id of the token that fills a batch up
	Std          float64 // standard deviation of fresh weights

	family    *family
	distances distances // of DeBERTa
	text      []byte    // config.json as read
}

// configFile are the fields of config.json. The values given before it is read are those that a configuration of the family
// may leave out.
type configFile struct {
	Type       string  `json:"model_type"`
	Vocab      int     `json:"vocab_size"`
	Embedding  int     `json:"embedding_size"`
	Hidden     int     `json:"hidden_size"`
	Layers     int     `json:"num_hidden_layers"`
	Heads      int     `json:"num_attention_heads"`
	Inner      int     `json:"intermediate_size"`
	Groups     int     `json:"num_hidden_groups"`
	InGroup    int     `json:"inner_group_num"`
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
	var kind struct {
		Type string `json:"model_type"`
	}
	if err := unmarshal(text, &kind); err != nil {
		return nil, err
	}
	known, ok := families[kind.Type]
	if !ok {
		return nil, fmt.Errorf("model_type %q is not an encoder this program knows; known: %s", kind.Type, strings.Join(Types(), ", "))
	}
	f, err := known.read(text)
	if err != nil {
		return nil, err
	}
	if err := f.check(known); err != nil {
		return nil, err
	}
	c := &Config{
		Type: f.Type, Vocab: f.Vocab, Embedding: f.Hidden, Hidden: f.Hidden, Layers: f.Layers, Heads: f.Heads, Inner: f.Inner,
		MaxPositions: f.Positions, TokenTypes: f.TokenTypes, NormEps: f.NormEps, Activation: f.Activation, Pad: f.Pad, Std: f.Std,
		family: known, text: text,
	}
	if known.shared {
		c.Embedding, c.Groups = f.Embedding, f.Groups
	}
	if known.relative {
		if err := c.readDistances(); err != nil {
			return nil, err
		}
	}
	return c, nil
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
		return &mismatchError{mismatch.Field, mismatch.Value, wanted[mismatch.Type.Kind()]}
	}
	return fmt.Errorf("not a JSON object of a model configuration: %w", err)
}

// maxSize and maxLayers bound what a configuration can ask for; real ones stay far below.
const (
	maxSize   = 1 << 24
	maxLayers = 1000
)

// checkSizes looks at the whole numbers.
func (f *configFile) checkSizes(known *family) error {
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
	}
	for _, s := range sizes {
		if s.value < 1 || s.value > s.most {
			return fmt.Errorf("%s: found %d, expected a whole number from 1 to %d", known.key(s.key), s.value, s.most)
		}
	}
	switch {
	case !known.untyped && (f.TokenTypes < 1 || f.TokenTypes > maxSize):
		return fmt.Errorf("type_vocab_size: found %d, expected a whole number from 1 to %d", f.TokenTypes, maxSize)
	case f.Hidden%f.Heads != 0:
		return fmt.Errorf("%s %d is not a multiple of the %d heads", known.key("hidden_size"), f.Hidden, f.Heads)
	case known.shared && (f.Embedding < 1 || f.Embedding > maxSize):
		return fmt.Errorf("embedding_size: found %d, expected a whole number from 1 to %d", f.Embedding, maxSize)
	case known.shared && (f.Groups < 1 || f.Groups > f.Layers):
		return fmt.Errorf("num_hidden_groups: found %d, expected a whole number from 1 to the %d layers", f.Groups, f.Layers)
	case known.shared && f.InGroup != 1:
		return fmt.Errorf("inner_group_num: %d is not supported; supported: 1", f.InGroup)
	}
	return nil
}

func (f *configFile) check(known *family) error {
	if err := f.checkSizes(known); err != nil {
		return err
	}
	_, active := activation.Functions[f.Activation]
	switch {
	case !(f.NormEps > 0):
		return fmt.Errorf("layer_norm_eps: found %g, expected a positive number", f.NormEps)
	case !(f.Std >= 0):
		return fmt.Errorf("initializer_range: found %g, expected 0 or more", f.Std)
	case !active:
		return fmt.Errorf("%s: %q is not supported; known: %s", known.key("hidden_act"), f.Activation, strings.Join(activation.Names(), ", "))
	case f.PositionBy != "absolute":
		return fmt.Errorf("position_embedding_type: %q is not supported; known: absolute", f.PositionBy)
	case f.Decoder || f.Cross:
		return errors.New("is_decoder and add_cross_attention are not supported: this is a decoder, not an encoder")
	case f.Pad < 0 || int(f.Pad) >= f.Vocab:
		return fmt.Errorf("pad_token_id: found %d, expected an id of the %d tokens", f.Pad, f.Vocab)
	case known.padded && f.Positions <= int(f.Pad)+1:
		return fmt.Errorf("max_position_embeddings: found %d, expected more than pad_token_id + 1 = %d, where positions begin", f.Positions, f.Pad+1)
	}
	return nil
}

// MaxTokens is the length of the longest sequence. RoBERTa's positions begin after the padding token's id.
func (c *Config) MaxTokens() int { return c.MaxPositions - c.firstPosition() }

// firstPosition is the row of the position embedding that a sequence's first token gets.
func (c *Config) firstPosition() int {
	if c.family.padded {
		return int(c.Pad) + 1
	}
	return 0
}

// Typed reports whether the model tells the tokens of two texts apart by their types.
func (c *Config) Typed() bool { return c.family.typed && c.TokenTypes > 1 }

// JSON returns the text of config.json, as it was read.
func (c *Config) JSON() []byte { return c.text }
