package tokenizer

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

const knownPreTokenizers = "BertPreTokenizer, ByteLevel, Digits, Metaspace, Punctuation, Sequence, Split, WhitespaceSplit"

func readPreTokenizer(d *definition, path string, raw json.RawMessage) error {
	reader := preTokenizerReader{}
	if err := reader.read(path, raw); err != nil {
		return err
	}
	switch {
	case d.model == nil && !reader.byteLevel && reader.loses != "":
		return fmt.Errorf("%s without a ByteLevel step is not supported with BPE: it does not keep texts as they are", reader.loses)
	case d.model == nil && !reader.byteLevel:
		d.takeMerges()
	case d.model != nil && reader.byteLevel:
		return fmt.Errorf("%s: a ByteLevel step is supported with BPE alone", path)
	}
	kind, _ := componentType(path, raw) // read without error above
	d.words, d.byteLevelOnly = reader.words, kind == "ByteLevel"
	return nil
}

// preTokenizerReader collects the steps of a pre-tokenizer.
type preTokenizerReader struct {
	words     preTokenizer
	byteLevel bool   // the ByteLevel step has been read
	loses     string // a step that leaves characters out, "" for none
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
	case "BertPreTokenizer":
		r.loses = path + ": " + kind
		r.add(wordsApart)
		r.add(findStep{find: charFinder(isPunctuation), pieces: behaviours["Isolated"]})
		return decodeComponent(path, raw, &struct{ Type string }{})
	case "WhitespaceSplit":
		r.loses = path + ": " + kind
		r.add(wordsApart)
		return decodeComponent(path, raw, &struct{ Type string }{})
	case "Metaspace":
		return r.readMetaspace(path, raw)
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
	r.checkBehaviour(path, component.Behavior)
	r.add(findStep{find: charFinder(isPunctuation), pieces: pieces})
	return nil
}

// checkBehaviour notes where what is found is left out.
func (r *preTokenizerReader) checkBehaviour(path, name string) {
	if name == "Removed" {
		r.loses = path + ": behavior Removed"
	}
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
		Type     string
		Pattern  pattern
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
	if scan, ok := knownPatterns[component.Pattern.Regex]; ok && component.Behavior == "Isolated" {
		r.add(scanStep{scan}) // a scanner's pieces are the same whether they count as matches or not
		return nil
	}
	find, err := component.Pattern.finder()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	r.checkBehaviour(path, component.Behavior)
	r.add(findStep{find: find, invert: component.Invert, pieces: pieces})
	return nil
}

func (r *preTokenizerReader) readMetaspace(path string, raw json.RawMessage) error {
	step, once, err := readMetaspaceStep(path, raw)
	if err != nil {
		return err
	}
	if once && len(r.words.text) > 0 {
		return fmt.Errorf("%s: prepend_scheme first is supported as the first step alone", path)
	}
	r.words.once = r.words.once || once
	r.add(step)
	return nil
}

// readMetaspaceStep reads a Metaspace component; once: the prefix is for the beginning of the whole text alone.
func readMetaspaceStep(path string, raw json.RawMessage) (step metaspaceStep, once bool, err error) {
	component := struct {
		Type        string
		Replacement string
		OldName     string `json:"str_rep"` // the replacement once more, in older files
		Prefix      *bool  `json:"add_prefix_space"`
		Scheme      string `json:"prepend_scheme"`
		Split       bool
	}{Replacement: metaspace, Scheme: "always", Split: true}
	if err := decodeComponent(path, raw, &component); err != nil {
		return step, false, err
	}
	once = component.Scheme == "first"
	prefix := once || component.Scheme == "always"
	switch {
	case component.Replacement == "":
		return step, false, fmt.Errorf("%s: replacement: empty", path)
	case !prefix && component.Scheme != "never":
		return step, false, fmt.Errorf("%s: prepend_scheme %q is not supported; supported: always, first, never", path, component.Scheme)
	case component.Prefix != nil && !*component.Prefix:
		prefix = false
	}
	return metaspaceStep{replacement: component.Replacement, prefix: prefix, cut: component.Split}, once && prefix, nil
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

func readDecoder(d *definition, path string, raw json.RawMessage) error {
	kind, err := componentType(path, raw)
	if d != nil {
		if c, ok := d.model.(*charBPE); ok {
			return c.readDecoder(path, raw)
		}
	}
	switch {
	case d != nil && d.model != nil:
		return err // see Decode
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
