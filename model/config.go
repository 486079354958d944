package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
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

	rope          rope // rotary families
	parallel      bool // attention and MLP read the same residual stream
	attentionBias bool // of the projections to query, key and value; in GPT-NeoX of the output's too
	outputBias    bool // of attention's output projection, in Llama
	mlpBias       bool // in Llama

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
	if r.has("quantization_config") {
		return nil, usage.Hint(errors.New("quantization_config: weights that are stored quantised are not supported"),
			"use the model as it was before; load_in_4bit keeps its linear layers in 4 bits")
	}
	err := family.configure(c, &r)
	if r.err != nil {
		return nil, r.err
	}
	if err != nil {
		return nil, err
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
	if c.Heads%c.KVHeads != 0 {
		return fmt.Errorf("%d heads cannot share %d key-value heads evenly", c.Heads, c.KVHeads)
	}
	return nil
}

// splitHidden divides the hidden size among the heads.
func (c *Config) splitHidden() error {
	if c.Heads <= 0 || c.Hidden%c.Heads != 0 {
		return fmt.Errorf("hidden size %d is not a multiple of the %d heads", c.Hidden, c.Heads)
	}
	c.HeadDim = c.Hidden / c.Heads
	return nil
}

// JSON returns the text of config.json, as it was read.
func (c *Config) JSON() []byte { return c.text }

// LinearWeights counts the weights of the linear layers, the LM head apart: each costs a position one multiplication and one
// addition.
func (c *Config) LinearWeights() int {
	n := 0
	for _, p := range families[c.Type].params(c) {
		if p.Linear != nil {
			n += p.size()
		}
	}
	return n
}

// Families lists the model types this package can read.
func Families() []string {
	names := make([]string, 0, len(families))
	for n := range families {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// fields reads typed values out of a config.json, or an object in it, and keeps the first error.
type fields struct {
	raw  map[string]json.RawMessage
	path string // of the object, "rope_scaling."
	err  error
}

// has reports whether a key has a value other than null.
func (f *fields) has(key string) bool {
	v, ok := f.raw[key]
	return ok && string(v) != "null"
}

func (f *fields) fail(key, format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(f.path+key+": "+format, args...)
	}
}

func (f *fields) get(key string, into any, want string) bool {
	if !f.has(key) {
		return false
	}
	if err := json.Unmarshal(f.raw[key], into); err != nil {
		f.fail(key, "found %s, expected %s", f.raw[key], want)
		return false
	}
	return true
}

// object is the object under a key; nil where there is none.
func (f *fields) object(key string) *fields {
	o := &fields{path: f.path + key + "."}
	if !f.get(key, &o.raw, "an object") {
		return nil
	}
	return o
}

// size reads a positive whole number; a missing key gives fallback, or an error where fallback is 0.
func (f *fields) size(key string, fallback int) int {
	n := fallback
	if !f.get(key, &n, "a positive whole number") && fallback == 0 {
		f.fail(key, "missing")
	}
	if n <= 0 {
		f.fail(key, "found %d, expected a positive whole number", n)
	}
	return n
}

// count reads a whole number that may be 0.
func (f *fields) count(key string, fallback int) int {
	n := fallback
	f.get(key, &n, "a whole number")
	if n < 0 {
		f.fail(key, "found %d, expected a whole number from 0 on", n)
	}
	return n
}

// positive reads a positive number; a missing key gives fallback, or an error where fallback is 0.
func (f *fields) positive(key string, fallback float64) float64 {
	x := fallback
	if !f.get(key, &x, "a positive number") && fallback == 0 {
		f.fail(key, "missing")
	}
	if !(x > 0) || math.IsInf(x, 1) {
		f.fail(key, "found %g, expected a positive number", x)
	}
	return x
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
