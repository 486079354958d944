package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// frame is what a post-processor puts around the ids of a text.
type frame struct{ prefix, suffix []int32 }

func readPostProcessor(d *definition, path string, raw json.RawMessage) error {
	kind, err := componentType(path, raw)
	if err != nil || isNull(raw) {
		return err
	}
	switch kind {
	case "ByteLevel":
		return decodeComponent(path, raw, &byteLevel{})
	case "TemplateProcessing":
		return readTemplate(d, path, raw)
	case "RobertaProcessing", "BertProcessing":
		return readClassifierFrame(d, path, raw)
	case "Sequence":
		return readPostProcessors(d, path, raw)
	}
	return unknownType(path, kind, "BertProcessing, ByteLevel, RobertaProcessing, Sequence, TemplateProcessing")
}

func readPostProcessors(d *definition, path string, raw json.RawMessage) error {
	var sequence struct {
		Type       string
		Processors []json.RawMessage `json:"processors"`
	}
	if err := decodeComponent(path, raw, &sequence); err != nil {
		return err
	}
	for i, part := range sequence.Processors {
		if err := readPostProcessor(d, fmt.Sprintf("%s.processors[%d]", path, i), part); err != nil {
			return err
		}
	}
	return nil
}

// wrap puts ids around what stands in the frame already.
func (f *frame) wrap(prefix, suffix []int32) {
	f.prefix = slices.Concat(prefix, f.prefix)
	f.suffix = slices.Concat(f.suffix, suffix)
}

// tokenAndID is a token written as ["</s>", 2].
type tokenAndID struct {
	token string
	id    int32
}

func (t *tokenAndID) UnmarshalJSON(raw []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return err
	}
	if len(parts) != 2 {
		return fmt.Errorf("token %s: want a token and its id", raw)
	}
	return errors.Join(json.Unmarshal(parts[0], &t.token), json.Unmarshal(parts[1], &t.id))
}

func readClassifierFrame(d *definition, path string, raw json.RawMessage) error {
	var component struct {
		Type           string
		Separator      *tokenAndID `json:"sep"`
		Classifier     *tokenAndID `json:"cls"`
		TrimOffsets    bool        `json:"trim_offsets"`
		AddPrefixSpace bool        `json:"add_prefix_space"`
	}
	if err := decodeComponent(path, raw, &component); err != nil {
		return err
	}
	if component.Separator == nil || component.Classifier == nil {
		return fmt.Errorf("%s: sep and cls are needed", path)
	}
	d.frame.wrap([]int32{component.Classifier.id}, []int32{component.Separator.id})
	return nil
}

// template is a TemplateProcessing component. The template for two texts is read past: texts are encoded one at a time.
type template struct {
	Type          string
	Single        []templatePart
	Pair          json.RawMessage
	SpecialTokens map[string]struct {
		ID     string
		IDs    []int32
		Tokens []string
	} `json:"special_tokens"`
}

type templatePart struct {
	SpecialToken *templateItem
	Sequence     *templateItem
}

type templateItem struct {
	ID     string
	TypeID int `json:"type_id"`
}

func readTemplate(d *definition, path string, raw json.RawMessage) error {
	var component template
	if err := decodeComponent(path, raw, &component); err != nil {
		return err
	}
	var sides [2][]int32 // before and after the text
	side := 0
	for i, part := range component.Single {
		switch {
		case part.Sequence != nil && part.SpecialToken == nil && part.Sequence.ID == "A" && side == 0:
			side = 1
		case part.SpecialToken != nil && part.Sequence == nil:
			token, ok := component.SpecialTokens[part.SpecialToken.ID]
			if !ok {
				return fmt.Errorf("%s.single[%d]: %q is not among special_tokens", path, i, part.SpecialToken.ID)
			}
			sides[side] = append(sides[side], token.IDs...)
		default:
			return fmt.Errorf("%s.single[%d]: want the sequence A once, and special tokens", path, i)
		}
	}
	if side == 0 {
		return fmt.Errorf("%s.single: the sequence A is missing", path)
	}
	d.frame.wrap(sides[0], sides[1])
	return nil
}
