package tokenizer

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

func readNormalizer(d *definition, path string, raw json.RawMessage) error {
	kind, err := componentType(path, raw)
	if err != nil || isNull(raw) {
		return err
	}
	if form, ok := normalForms[kind]; ok {
		d.normalizer = append(d.normalizer, form)
		return decodeComponent(path, raw, &struct{ Type string }{})
	}
	if kind != "Sequence" {
		return unknownType(path, kind, strings.Join(slices.Sorted(maps.Keys(normalForms)), ", ")+", Sequence")
	}
	var sequence struct {
		Type        string
		Normalizers []json.RawMessage `json:"normalizers"`
	}
	if err := decodeComponent(path, raw, &sequence); err != nil {
		return err
	}
	for i, part := range sequence.Normalizers {
		if err := readNormalizer(d, fmt.Sprintf("%s.normalizers[%d]", path, i), part); err != nil {
			return err
		}
	}
	return nil
}

const knownPreTokenizers = "ByteLevel, Digits, Punctuation, Sequence, Split"

func readPreTokenizer(d *definition, path string, raw json.RawMessage) error {
	reader := preTokenizerReader{}
	if err := reader.read(path, raw); err != nil {
		return err
	}
	if !reader.byteLevel {
		return fmt.Errorf("%s: no ByteLevel step; only byte-level tokenizers are supported", path)
	}
	kind, _ := componentType(path, raw) // read without error above
	d.words, d.byteLevelOnly = reader.words, kind == "ByteLevel"
	return nil
}

// preTokenizerReader collects the steps of a pre-tokenizer.
type preTokenizerReader struct {
	words     preTokenizer
	byteLevel bool // the ByteLevel step has been read
}

func (r *preTokenizerReader) add(s step) {
	if r.byteLevel {
		r.words.alphabet = append(r.words.alphabet, s)
		return
	}
	r.words.text = append(r.words.text, s)
}

func (r *preTokenizerReader) read(path string, raw json.RawMessage) error {
	kind, err := componentType(path, raw)
	if err != nil || isNull(raw) {
		return err
	}
	switch kind {
	case "ByteLevel":
		return r.readByteLevel(path, raw)
	case "Digits":
		return r.readDigits(path, raw)
	case "Punctuation":
		return r.readPunctuation(path, raw)
	case "Split":
		return r.readSplit(path, raw)
	case "Sequence":
		return r.readSequence(path, raw)
	}
	return unknownType(path, kind, knownPreTokenizers)
}

// byteLevel is the ByteLevel component, which occurs as pre-tokenizer, post-processor and decoder. Offsets are not
// computed here, so trim_offsets has no meaning.
type byteLevel struct {
	Type           string
	AddPrefixSpace bool  `json:"add_prefix_space"`
	TrimOffsets    bool  `json:"trim_offsets"`
	UseRegex       *bool `json:"use_regex"`
}

func (r *preTokenizerReader) readByteLevel(path string, raw json.RawMessage) error {
	var component byteLevel
	if err := decodeComponent(path, raw, &component); err != nil {
		return err
	}
	if r.byteLevel {
		return fmt.Errorf("%s: a second ByteLevel step is not supported", path)
	}
	if component.AddPrefixSpace {
		r.add(prefixStep{})
	}
	if component.UseRegex == nil || *component.UseRegex {
		r.add(scanStep{scanGPT2})
	}
	r.byteLevel = true
	return nil
}

func (r *preTokenizerReader) readDigits(path string, raw json.RawMessage) error {
	var component struct {
		Type       string
		Individual bool `json:"individual_digits"`
	}
	if err := decodeComponent(path, raw, &component); err != nil {
		return err
	}
	r.add(digitsStep(component.Individual))
	return nil
}

// digitsStep puts each number character, or each run of them, into a piece of its own.
func digitsStep(individual bool) step {
	pieces := joinEqual
	if individual {
		pieces = behaviours["Isolated"]
	}
	return findStep{find: charFinder(unicode.IsNumber), pieces: pieces}
}

func (r *preTokenizerReader) readPunctuation(path string, raw json.RawMessage) error {
	var component struct{ Type, Behavior string }
	if err := decodeComponent(path, raw, &component); err != nil {
		return err
	}
	pieces, err := findBehaviour(path, component.Behavior)
	if err != nil {
		return err
	}
	r.add(findStep{find: charFinder(isPunctuation), pieces: pieces})
	return nil
}

// findBehaviour looks a behaviour up; the default is Isolated.
func findBehaviour(path, name string) (behaviour, error) {
	if name == "" {
		name = "Isolated"
	}
	if found, ok := behaviours[name]; ok {
		return found, nil
	}
	return nil, fmt.Errorf("%s: behavior %q is not supported; supported: %s", path, name,
		strings.Join(slices.Sorted(maps.Keys(behaviours)), ", "))
}

func (r *preTokenizerReader) readSplit(path string, raw json.RawMessage) error {
	var component struct {
		Type    string
		Pattern struct {
			String string
			Regex  string
		}
		Behavior string
		Invert   bool
	}
	if err := decodeComponent(path, raw, &component); err != nil {
		return err
	}
	pieces, err := findBehaviour(path, component.Behavior)
	if err != nil {
		return err
	}
	pattern := component.Pattern
	if scan, ok := knownPatterns[pattern.Regex]; ok && component.Behavior == "Isolated" {
		r.add(scanStep{scan}) // a scanner's pieces are the same whether they count as matches or not
		return nil
	}
	var find finder
	switch {
	case pattern.String != "" && pattern.Regex == "":
		find = literalFinder(pattern.String)
	case pattern.Regex != "" && pattern.String == "":
		if find, err = regexFinder(pattern.Regex); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	default:
		return fmt.Errorf("%s: pattern: want either String or Regex", path)
	}
	r.add(findStep{find: find, invert: component.Invert, pieces: pieces})
	return nil
}

func (r *preTokenizerReader) readSequence(path string, raw json.RawMessage) error {
	var sequence struct {
		Type          string
		PreTokenizers []json.RawMessage `json:"pretokenizers"`
	}
	if err := decodeComponent(path, raw, &sequence); err != nil {
		return err
	}
	for i, part := range sequence.PreTokenizers {
		if err := r.read(fmt.Sprintf("%s.pretokenizers[%d]", path, i), part); err != nil {
			return err
		}
	}
	return nil
}

func readDecoder(_ *definition, path string, raw json.RawMessage) error {
	kind, err := componentType(path, raw)
	switch {
	case err != nil:
		return err
	case isNull(raw):
		return fmt.Errorf("%s: missing; a byte-level vocabulary needs ByteLevel", path)
	case kind == "ByteLevel":
		return decodeComponent(path, raw, &byteLevel{})
	case kind != "Sequence":
		return unknownType(path, kind, "ByteLevel, Sequence")
	}
	var sequence struct {
		Type     string
		Decoders []json.RawMessage `json:"decoders"`
	}
	if err := decodeComponent(path, raw, &sequence); err != nil {
		return err
	}
	if len(sequence.Decoders) != 1 {
		return fmt.Errorf("%s: a sequence of %d decoders is not supported; want ByteLevel alone", path, len(sequence.Decoders))
	}
	return readDecoder(nil, path+".decoders[0]", sequence.Decoders[0])
}
