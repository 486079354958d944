package model

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Config holds what the families have in common, read from a Hugging Face config.json.
type Config struct {
	Type         string // model_type: "gpt2", …
	Vocab        int    // rows of the token embedding
	Hidden       int    // width of the residual stream
	Layers       int
	Heads        int
	KVHeads      int // key and value heads; Heads where each head has its own
	HeadDim      int
	Inner        int     // width of the MLP
	MaxPositions int     // longest sequence
	NormEps      float64 // epsilon of the norms, the learned mask's LayerNorm included
	Activation   string  // the MLP's activation function, Hugging Face's name
	TieHead      bool    // the LM head is the token embedding
	EOS          int32   // end-of-sequence id; -1 where the configuration has none

	text []byte // config.json as read, written back unchanged
}

// ReadConfig reads FOLDER/config.json.
func ReadConfig(folder string) (*Config, error) {
	path := filepath.Join(folder, "config.json")
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil, usage.Errorf("model %s: no config.json; expected a folder in Hugging Face layout (config.json, model.safetensors, tokenizer.json)", folder)
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
	raw := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	c := &Config{text: text, EOS: -1}
	r := fields{raw: raw}
	c.Type = r.text("model_type", "")
	if r.err != nil {
		return nil, r.err
	}
	family, ok := families[c.Type]
	if !ok {
		return nil, fmt.Errorf("model_type %q is not supported; known: %s", c.Type, strings.Join(Families(), ", "))
	}
	c.Vocab = r.size("vocab_size", 0)
	if v, ok := raw["eos_token_id"]; ok && string(v) != "null" {
		var one int32
		var many []int32
		if json.Unmarshal(v, &one) == nil {
			c.EOS = one
		} else if json.Unmarshal(v, &many) == nil && len(many) > 0 {
			c.EOS = many[0]
		} else {
			return nil, fmt.Errorf("eos_token_id: found %s, expected a token id", v)
		}
	}
	if err := family.configure(c, &r); err != nil {
		return nil, err
	}
	if r.err != nil {
		return nil, r.err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Config) check() error {
	if _, ok := activations[c.Activation]; !ok {
		return fmt.Errorf("activation function %q is not supported; known: %s", c.Activation, strings.Join(activationNames(), ", "))
	}
	if !(c.NormEps > 0) {
		return fmt.Errorf("norm epsilon %g: expected a positive number", c.NormEps)
	}
	if c.HeadDim*c.Heads != c.Hidden && c.Type == "gpt2" {
		return fmt.Errorf("hidden size %d is not a multiple of the %d heads", c.Hidden, c.Heads)
	}
	if c.Heads%c.KVHeads != 0 {
		return fmt.Errorf("%d heads cannot share %d key-value heads evenly", c.Heads, c.KVHeads)
	}
	return nil
}

// JSON returns the text of config.json, as it was read.
func (c *Config) JSON() []byte { return c.text }

// Families lists the model types this package can read.
func Families() []string {
	names := make([]string, 0, len(families))
	for n := range families {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// fields reads typed values out of a config.json and keeps the first error.
type fields struct {
	raw map[string]json.RawMessage
	err error
}

func (f *fields) get(key string, into any, want string) bool {
	v, ok := f.raw[key]
	if !ok || string(v) == "null" {
		return false
	}
	if err := json.Unmarshal(v, into); err != nil {
		if f.err == nil {
			f.err = fmt.Errorf("%s: found %s, expected %s", key, v, want)
		}
		return false
	}
	return true
}

// size reads a positive whole number; a missing key gives fallback, or an error where fallback is 0.
func (f *fields) size(key string, fallback int) int {
	n := fallback
	if !f.get(key, &n, "a positive whole number") && fallback == 0 && f.err == nil {
		f.err = fmt.Errorf("%s: missing", key)
	}
	if n <= 0 && f.err == nil {
		f.err = fmt.Errorf("%s: found %d, expected a positive whole number", key, n)
	}
	return n
}

func (f *fields) number(key string, fallback float64) float64 {
	x := fallback
	f.get(key, &x, "a number")
	return x
}

func (f *fields) text(key, fallback string) string {
	s := fallback
	f.get(key, &s, "a string")
	return s
}

func (f *fields) flag(key string, fallback bool) bool {
	b := fallback
	f.get(key, &b, "true or false")
	return b
}
