package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// document is tokenizer.json, the format of Hugging Face's tokenizers library. Truncation and padding are read past:
// they are settings of a call, not of the vocabulary.
type document struct {
	Version       string          `json:"version"`
	Truncation    json.RawMessage `json:"truncation"`
	Padding       json.RawMessage `json:"padding"`
	AddedTokens   []addedToken    `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         json.RawMessage `json:"model"`
}

// documentVersion is the only version of the format.
const documentVersion = "1.0"

type documentModel struct {
	Type                    string           `json:"type"`
	Dropout                 *float64         `json:"dropout"`
	UnknownToken            *string          `json:"unk_token"`
	ContinuingSubwordPrefix *string          `json:"continuing_subword_prefix"`
	EndOfWordSuffix         *string          `json:"end_of_word_suffix"`
	FuseUnknown             bool             `json:"fuse_unk"`
	ByteFallback            bool             `json:"byte_fallback"`
	IgnoreMerges            bool             `json:"ignore_merges"`
	Vocabulary              map[string]int32 `json:"vocab"`
	Merges                  []documentMerge  `json:"merges"`
}

// documentMerge is a merge, written as "a b" or as ["a", "b"].
type documentMerge [2]string

func (m *documentMerge) UnmarshalJSON(raw []byte) error {
	if raw[0] == '"' {
		var both string
		if err := json.Unmarshal(raw, &both); err != nil {
			return err
		}
		return m.parse(both)
	}
	var parts []string
	if err := json.Unmarshal(raw, &parts); err != nil || len(parts) != 2 {
		return fmt.Errorf("merge %s: want two pieces", raw)
	}
	*m = documentMerge(parts)
	return nil
}

// parse reads a merge of the form "a b".
func (m *documentMerge) parse(both string) error {
	left, right, found := strings.Cut(both, " ")
	if !found || left == "" || right == "" || strings.Contains(right, " ") {
		return fmt.Errorf("merge %q: want two pieces with a space between them", both)
	}
	*m = documentMerge{left, right}
	return nil
}

// parseDocument reads the content of tokenizer.json.
func parseDocument(content []byte) (*definition, error) {
	var doc document
	if err := decodeStrict(content, &doc); err != nil {
		return nil, err
	}
	if doc.Version != documentVersion {
		return nil, fmt.Errorf("version %q is not supported; want %q", doc.Version, documentVersion)
	}
	d := &definition{added: doc.AddedTokens}
	parts := []struct {
		name  string
		value json.RawMessage
		read  func(d *definition, path string, raw json.RawMessage) error
	}{
		{"model", doc.Model, readModel},
		{"normalizer", doc.Normalizer, readNormalizer},
		{"pre_tokenizer", doc.PreTokenizer, readPreTokenizer},
		{"post_processor", doc.PostProcessor, readPostProcessor},
		{"decoder", doc.Decoder, readDecoder},
	}
	for _, part := range parts {
		if err := part.read(d, part.name, part.value); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func readModel(d *definition, path string, raw json.RawMessage) error {
	kind, err := modelType(path, raw)
	switch {
	case err != nil:
		return err
	case kind == "WordPiece":
		return readWordPiece(d, path, raw)
	case kind == "Unigram":
		return readUnigram(d, path, raw)
	case kind != "BPE" && kind != "":
		return unknownType(path, kind, "BPE, Unigram, WordPiece")
	}
	var m documentModel
	if err := decodeComponent(path, raw, &m); err != nil {
		return err
	}
	switch {
	case m.Dropout != nil && *m.Dropout != 0:
		return fmt.Errorf("%s: dropout %v is not supported: the ids of a text would vary", path, *m.Dropout)
	case m.ContinuingSubwordPrefix != nil && *m.ContinuingSubwordPrefix != "":
		return fmt.Errorf("%s: continuing_subword_prefix %q is not supported", path, *m.ContinuingSubwordPrefix)
	case m.EndOfWordSuffix != nil && *m.EndOfWordSuffix != "":
		return fmt.Errorf("%s: end_of_word_suffix %q is not supported", path, *m.EndOfWordSuffix)
	}
	d.pieces = m.Vocabulary
	d.fuseUnknown, d.fallback, d.wholeWords = m.FuseUnknown, m.ByteFallback, m.IgnoreMerges
	if m.UnknownToken != nil {
		d.unknown = *m.UnknownToken
	}
	d.merges = make([][2]string, len(m.Merges))
	for i, merge := range m.Merges {
		d.merges[i] = merge
	}
	return nil
}

// modelType returns the type of a model: that which it names or, in older files without one, that whose fields it has.
func modelType(path string, raw json.RawMessage) (string, error) {
	kind, err := componentType(path, raw)
	if err != nil || kind != "" || isNull(raw) {
		return kind, err
	}
	var fields struct {
		MaxChars json.RawMessage `json:"max_input_chars_per_word"`
		Unknown  json.RawMessage `json:"unk_id"`
	}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return "", fmt.Errorf("%s: %w", path, plainError(err))
	}
	switch {
	case fields.MaxChars != nil:
		return "WordPiece", nil
	case fields.Unknown != nil:
		return "Unigram", nil
	}
	return "", nil
}

// componentType returns the type of a component, "" where it is absent or null.
func componentType(path string, raw json.RawMessage) (string, error) {
	if isNull(raw) {
		return "", nil
	}
	var component struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &component); err != nil {
		return "", fmt.Errorf("%s: %w", path, plainError(err))
	}
	return component.Type, nil
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

func unknownType(path, kind, known string) error {
	return fmt.Errorf("%s: type %q is not supported; supported: %s", path, kind, known)
}

func decodeComponent(path string, raw json.RawMessage, into any) error {
	if isNull(raw) {
		return fmt.Errorf("%s: missing", path)
	}
	if err := decodeStrict(raw, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// decodeStrict decodes one JSON value; a field that nothing reads is an error, since ignoring it could change the ids.
func decodeStrict(content []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return positioned(content, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}

// positioned adds the line to a syntax error.
func positioned(content []byte, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		line := 1 + bytes.Count(content[:min(int(syntax.Offset), len(content))], []byte("\n"))
		return fmt.Errorf("line %d: %w", line, plainError(err))
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("ends in the middle of a JSON value")
	}
	return plainError(err)
}

// jsonKinds names the JSON values that the types used here are read from.
var jsonKinds = map[reflect.Kind]string{
	reflect.Bool: "true or false", reflect.Float64: "a number", reflect.Int: "a whole number", reflect.Int32: "a whole number of 32 bits",
	reflect.Map: "an object", reflect.Slice: "a list", reflect.String: "a string", reflect.Struct: "an object",
}

// plainError words a JSON error for readers who do not know Go.
func plainError(err error) error {
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		field := ""
		if mismatch.Field != "" {
			field = fmt.Sprintf("field %q: ", mismatch.Field)
		}
		return fmt.Errorf("%sunexpected %s; want %s", field, mismatch.Value, jsonKinds[mismatch.Type.Kind()])
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}
