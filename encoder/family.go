package encoder

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// family is what models of a type have in common: all are layers of attention and an MLP, each added to its input and
// normalised afterwards, and differ in the names of their tensors, in their embeddings and in which layers share weights.
type family struct {
	prefix   string     // before the encoder's tensor names where the model has a head
	modules  []string   // what the encoder's tensor names begin with, without the prefix
	defaults configFile // of config.json
	keys     map[string]string
	block    func(c *Config, layer int) block
	padded   bool // positions begin after the padding token's id, which has that id for its position wherever it stands
	typed    bool // the texts of a pair have types of their own
	untyped  bool // there is no type embedding
	relative bool // distances of tokens stand for positions
	shared   bool // layers share weights, and the embeddings are of another width
}

// families are the known ones by model_type.
var families = map[string]*family{
	"roberta": &roberta, "xlm-roberta": &roberta, "camembert": &roberta,
	"bert": &bert, "distilbert": &distilBERT, "albert": &albert, "deberta-v2": &deBERTa,
}

// Types lists the model types that this package reads, as config.json names them.
func Types() []string { return slices.Sorted(maps.Keys(families)) }

// key is the family's own name for a field of config.json.
func (k *family) key(field string) string {
	if own, ok := k.keys[field]; ok {
		return own
	}
	return field
}

// read reads the fields of config.json over the defaults. Errors name the field.
func (k *family) read(text []byte) (*configFile, error) {
	f := k.defaults
	if len(k.keys) == 0 {
		return &f, unmarshal(text, &f)
	}
	fields := map[string]json.RawMessage{}
	if err := unmarshal(text, &fields); err != nil {
		return nil, err
	}
	for field, own := range k.keys {
		delete(fields, field)
		if value, ok := fields[own]; ok {
			fields[field] = value
		}
	}
	renamed, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	err = unmarshal(renamed, &f)
	var mismatch *mismatchError
	if errors.As(err, &mismatch) {
		mismatch.field = k.key(mismatch.field)
	}
	return &f, err
}

// mismatchError is a field of config.json with a value of the wrong kind.
type mismatchError struct{ field, found, wanted string }

// Error names the field.
func (e *mismatchError) Error() string {
	return fmt.Sprintf("%s: found %s, expected %s", e.field, e.found, e.wanted)
}
