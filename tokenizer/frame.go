package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// frame is what a post-processor puts around the ids of a text, and between and around those of two.
type frame struct {
	prefix, suffix []int32
	pair           *pairFrame // nil where the post-processor has no form for two texts
}

// pairFrame is what stands before, between and after two texts, and the types of the tokens: whether they belong to the first
// text, 0, or the second, 1.
type pairFrame struct {
	prefix, middle, suffix                []int32
	prefixTypes, middleTypes, suffixTypes []int32
	firstType, secondType                 int32
}

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

// ids are all that stands in the frame.
func (f *frame) ids() []int32 {
	ids := slices.Concat(f.prefix, f.suffix)
	if f.pair != nil {
		ids = slices.Concat(ids, f.pair.prefix, f.pair.middle, f.pair.suffix)
	}
	return ids
}

// wrap puts ids around what stands in the frame already.
func (f *frame) wrap(prefix, suffix []int32) {
	f.prefix = slices.Concat(prefix, f.prefix)
	f.suffix = slices.Concat(f.suffix, suffix)
}

// classify makes the frame that of a classifier: BERT's puts a separator between two texts and tells them apart by types,
// RoBERTa's puts two there and gives every token type 0.
func (f *frame) classify(classifier, separator int32, asRoberta bool) {
	f.wrap([]int32{classifier}, []int32{separator})
	middle, last := []int32{separator}, int32(1)
	if asRoberta {
		middle, last = []int32{separator, separator}, 0
	}
	f.pair = &pairFrame{
		prefix: []int32{classifier}, middle: middle, suffix: []int32{separator},
		prefixTypes: []int32{0}, middleTypes: make([]int32, len(middle)), suffixTypes: []int32{last}, secondType: last,
	}
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
	d.frame.classify(component.Classifier.id, component.Separator.id, component.Type == "RobertaProcessing")
	return nil
}

// template is a TemplateProcessing component. Its form for two texts is read when it can be: a form of another kind matters to
// pairs alone.
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
	TypeID int32 `json:"type_id"`
}

func readTemplate(d *definition, path string, raw json.RawMessage) error {
	var component template
	if err := decodeComponent(path, raw, &component); err != nil {
		return err
	}
	single, err := component.stretches(path+".single", component.Single, "A")
	if err != nil {
		return err
	}
	d.frame.wrap(single[0].ids, single[1].ids)
	var parts []templatePart
	if decodeStrict(component.Pair, &parts) != nil {
		return nil
	}
	if pair, err := component.stretches(path+".pair", parts, "A", "B"); err == nil {
		d.frame.pair = &pairFrame{
			prefix: pair[0].ids, middle: pair[1].ids, suffix: pair[2].ids,
			prefixTypes: pair[0].types, middleTypes: pair[1].types, suffixTypes: pair[2].types,
			firstType: pair[0].next, secondType: pair[1].next,
		}
	}
	return nil
}

// stretch are special tokens in a row, their types, and the type of the sequence after them.
type stretch struct {
	ids, types []int32
	next       int32
}

// stretches are the special tokens before, between and after the sequences of a form, which it must have in that order.
func (t *template) stretches(path string, parts []templatePart, sequences ...string) ([]stretch, error) {
	stretches := make([]stretch, len(sequences)+1)
	seen := 0
	for i, part := range parts {
		switch {
		case part.Sequence != nil && part.SpecialToken == nil && seen < len(sequences) && part.Sequence.ID == sequences[seen]:
			stretches[seen].next = part.Sequence.TypeID
			seen++
		case part.SpecialToken != nil && part.Sequence == nil:
			token, ok := t.SpecialTokens[part.SpecialToken.ID]
			if !ok {
				return nil, fmt.Errorf("%s[%d]: %q is not among special_tokens", path, i, part.SpecialToken.ID)
			}
			s := &stretches[seen]
			s.ids = append(s.ids, token.IDs...)
			s.types = append(s.types, slices.Repeat([]int32{part.SpecialToken.TypeID}, len(token.IDs))...)
		default:
			return nil, fmt.Errorf("%s[%d]: want the sequence A once, and special tokens", path, i)
		}
	}
	if seen < len(sequences) {
		return nil, fmt.Errorf("%s: the sequence %s is missing", path, sequences[seen])
	}
	return stretches, nil
}
