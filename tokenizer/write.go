package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/sparsepo/sparsepo/internal/jsonl"
)

// trained makes the tokenizer of learned pieces and merges, with the files that Save writes.
func trained(pieces []string, merges [][2]string, specials []string) (*Tokenizer, error) {
	d := &definition{
		pieces: make(map[string]int32, len(pieces)),
		merges: merges,
		words:  preTokenizer{text: []step{scanStep{scanGPT2}}},
	}
	for id, piece := range pieces {
		d.pieces[piece] = int32(id)
	}
	for id, content := range specials {
		d.added = append(d.added, addedToken{ID: int32(id), Content: content, Special: true})
	}
	t, err := d.build()
	if err != nil {
		return nil, fmt.Errorf("train tokenizer: %w", err)
	}
	if len(specials) > 0 {
		t.roles.eos, t.roles.bos = 0, 0
	}
	document, err := writeIndented(writtenDocument(pieces, d))
	if err != nil {
		return nil, fmt.Errorf("train tokenizer: %w", err)
	}
	config, err := writeIndented(writtenConfig(specials))
	if err != nil {
		return nil, fmt.Errorf("train tokenizer: %w", err)
	}
	t.files = []savedFile{
		{name: "tokenizer.json", content: document},
		{name: "tokenizer_config.json", content: config},
	}
	return t, nil
}

func writeIndented(value any) ([]byte, error) {
	compact, err := jsonl.Marshal(value)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = json.Indent(&b, compact, "", "  ")
	b.WriteByte('\n')
	return b.Bytes(), err
}

// object is a JSON object whose fields keep their order.
type object []field

type field struct {
	name  string
	value any
}

// MarshalJSON writes the fields in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := jsonl.Marshal(f.name)
		if err != nil {
			return nil, err
		}
		value, err := jsonl.Marshal(f.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// writtenVocabulary writes pieces as an object of their ids, in order.
type writtenVocabulary []string

// MarshalJSON writes the pieces with their ids.
func (v writtenVocabulary) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for id, piece := range v {
		name, err := jsonl.Marshal(piece)
		if err != nil {
			return nil, err
		}
		if id > 0 {
			b = append(b, ',')
		}
		b = append(append(b, name...), ':')
		b = strconv.AppendInt(b, int64(id), 10)
	}
	return append(b, '}'), nil
}

// writtenDocument is the tokenizer.json of a trained tokenizer.
func writtenDocument(pieces []string, d *definition) object {
	byteLevel := object{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}}
	added := d.added
	if added == nil {
		added = []addedToken{}
	}
	merges := make([]string, len(d.merges))
	for i, m := range d.merges {
		merges[i] = m[0] + " " + m[1]
	}
	model := object{
		{"type", "BPE"},
		{"dropout", nil},
		{"unk_token", nil},
		{"continuing_subword_prefix", nil},
		{"end_of_word_suffix", nil},
		{"fuse_unk", false},
		{"byte_fallback", false},
		{"ignore_merges", false},
		{"vocab", writtenVocabulary(pieces)},
		{"merges", merges},
	}
	return object{
		{"version", documentVersion},
		{"truncation", nil},
		{"padding", nil},
		{"added_tokens", added},
		{"normalizer", nil},
		{"pre_tokenizer", byteLevel},
		{"post_processor", byteLevel},
		{"decoder", byteLevel},
		{"model", model},
	}
}

// writtenConfig is the tokenizer_config.json of a trained tokenizer.
func writtenConfig(specials []string) object {
	config := object{{"tokenizer_class", "PreTrainedTokenizerFast"}, {"clean_up_tokenization_spaces", false}}
	if len(specials) > 0 {
		config = append(config, field{"bos_token", specials[0]}, field{"eos_token", specials[0]})
	}
	return config
}
