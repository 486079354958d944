package tokenizer

import (
	"encoding/json"
	"fmt"
)

// decoderStages are the decoders that a vocabulary of characters may have, in the order in which they must stand.
var decoderStages = map[string]int{"Replace": 1, "Metaspace": 1, "ByteFallback": 2, "Fuse": 3, "Strip": 4}

const knownDecoders = "ByteFallback, Fuse, Metaspace, Replace, Strip; and ByteLevel where pre_tokenizer has a ByteLevel step"

// readDecoder reads what makes a text of pieces, which must be the inverse of what made pieces of it.
func (c *charBPE) readDecoder(path string, raw json.RawMessage) error {
	if isNull(raw) {
		return fmt.Errorf("%s: missing; without a ByteLevel step in pre_tokenizer, the one of SentencePiece's BPE is needed (Replace, ByteFallback, Fuse, Strip)", path)
	}
	kind, err := componentType(path, raw)
	if err != nil {
		return err
	}
	parts, paths := []json.RawMessage{raw}, []string{path}
	if kind == "Sequence" {
		var sequence struct {
			Type     string
			Decoders []json.RawMessage `json:"decoders"`
		}
		if err := decodeComponent(path, raw, &sequence); err != nil {
			return err
		}
		parts, paths = sequence.Decoders, nil
		for i := range parts {
			paths = append(paths, fmt.Sprintf("%s.decoders[%d]", path, i))
		}
	}
	seen, last := map[string]bool{}, 0
	for i, part := range parts {
		kind, err := componentType(paths[i], part)
		if err != nil {
			return err
		}
		stage, known := decoderStages[kind]
		switch {
		case !known:
			return unknownType(paths[i], kind, knownDecoders)
		case stage <= last:
			return fmt.Errorf("%s: %s after another decoder is not supported there; supported: Replace or Metaspace, ByteFallback, Fuse, Strip, in this order", paths[i], kind)
		}
		last, seen[kind] = stage, true
		if err := c.readDecoderPart(paths[i], kind, part, seen["Fuse"]); err != nil {
			return err
		}
	}
	switch {
	case !seen["Replace"] && !seen["Metaspace"]:
		return fmt.Errorf("%s: neither Replace nor Metaspace, which write %q as a space", path, metaspace)
	case seen["ByteFallback"] != c.fallback:
		return fmt.Errorf("%s: ByteFallback and the model's byte_fallback belong together; the model's is %v", path, c.fallback)
	}
	return nil
}

func (c *charBPE) readDecoderPart(path, kind string, raw json.RawMessage, fused bool) error {
	switch kind {
	case "Replace":
		var component struct {
			Type    string
			Pattern pattern
			Content string
		}
		if err := decodeComponent(path, raw, &component); err != nil {
			return err
		}
		if component.Pattern != (pattern{String: metaspace}) || component.Content != " " {
			return fmt.Errorf("%s: supported: %q replaced by a space", path, metaspace)
		}
		return nil
	case "Metaspace":
		step, _, err := readMetaspaceStep(path, raw)
		if err == nil && step.replacement != metaspace {
			return fmt.Errorf("%s: replacement %q is not supported; supported: %q", path, step.replacement, metaspace)
		}
		c.strips = step.prefix
		return err
	case "Strip":
		var component struct {
			Type        string
			Content     string
			Start, Stop int
		}
		if err := decodeComponent(path, raw, &component); err != nil {
			return err
		}
		if component.Content != " " || component.Stop != 0 || component.Start < 0 || component.Start > 1 || !fused {
			return fmt.Errorf("%s: supported: one space at the start, after Fuse", path)
		}
		c.strips = c.strips || component.Start == 1
		return nil
	}
	return decodeComponent(path, raw, &struct{ Type string }{}) // ByteFallback and Fuse have no settings
}
