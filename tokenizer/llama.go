package tokenizer

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// llamaTokens are the special tokens of Llama's first two generations, by role, where no file names others.
var llamaTokens = map[string]string{"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}

// llamaClasses are the classes of tokenizers that SentencePiece's BPE belongs to.
var llamaClasses = []string{"LlamaTokenizer", "CodeLlamaTokenizer"}

// llamaModels are the models whose SentencePiece model is read where no class is named.
var llamaModels = []string{"llama", "mistral", "mixtral"}

// llamaSettings are the fields of tokenizer_config.json for these classes.
type llamaSettings struct {
	Legacy *bool `json:"legacy"` // a space before what follows an added token, as before a text
	AddBOS *bool `json:"add_bos_token"`
	AddEOS *bool `json:"add_eos_token"`
}

func (s *settings) isLlama() bool {
	return slices.Contains(llamaClasses, strings.TrimSuffix(s.class, "Fast"))
}

// frameLlama puts around texts what the class of a tokenizer says, whatever its post-processor: the token that begins a text
// unless it is turned off, and the one that ends it where it is turned on.
func (s *settings) frameLlama(t *Tokenizer) error {
	if !s.isLlama() {
		return nil
	}
	var f frame
	if add := s.llama.AddBOS; add == nil || *add {
		switch bos, ok := t.BOS(); {
		case ok:
			f.prefix = []int32{bos}
		case add != nil:
			return errors.New("tokenizer_config.json: add_bos_token: true, but there is no bos_token")
		}
	}
	if add := s.llama.AddEOS; add != nil && *add {
		eos, ok := t.EOS()
		if !ok {
			return errors.New("tokenizer_config.json: add_eos_token: true, but there is no eos_token")
		}
		f.suffix = []int32{eos}
	}
	f.pair = t.frame.pair
	t.frame = f
	return nil
}

// applyLlama makes the tokenizer of a SentencePiece model of kind BPE.
func (s *settings) applyLlama(d *definition, file string) error {
	m := d.sentencePiece
	switch known := slices.Contains(llamaModels, s.modelType) || s.modelType == ""; {
	case !s.isLlama() && (s.class != "" || !known):
		return fmt.Errorf("%s of a %q (model_type %q) is not supported; supported with BPE: that of %s; or write tokenizer.json (save_pretrained of the fast tokenizer)",
			file, s.class, s.modelType, strings.Join(llamaClasses, ", "))
	case m.squeeze:
		return fmt.Errorf("%s: remove_extra_whitespaces is not supported with BPE: it does not keep texts as they are", file)
	case len(m.charsMap) > 0:
		return fmt.Errorf("%s: a table of characters (normalization_rule_name other than identity) is not supported with BPE: it does not keep texts as they are", file)
	}
	if err := d.setScoredPieces(m); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	prefix := m.dummy && (s.prefixSpace == nil || *s.prefixSpace)
	d.model.(*charBPE).strips = prefix
	if legacy := s.llama.Legacy; legacy == nil || *legacy {
		if prefix {
			d.prepend = metaspace
		}
		d.normalizer = normalizer{func(text string) string { return strings.ReplaceAll(text, " ", metaspace) }}
	} else {
		d.words = preTokenizer{text: []step{metaspaceStep{replacement: metaspace, prefix: prefix}}, once: true}
	}
	ids, err := s.specials(d, "Llama", llamaTokens, false)
	if err != nil {
		return err
	}
	if add := s.llama.AddBOS; add == nil || *add {
		d.frame.prefix = []int32{ids["bos_token"]}
	}
	return nil
}

// setScoredPieces makes the definition that of a model whose merges are ordered by the scores of what they make: every two pieces
// that make a piece may be merged.
func (d *definition) setScoredPieces(m *sentencePiece) error {
	d.pieces = make(map[string]int32, len(m.pieces))
	normal := map[string]bool{}
	c := &charBPE{fuseUnknown: true}
	for id, p := range m.pieces {
		if other, ok := d.pieces[p.piece]; ok {
			return fmt.Errorf("piece %q stands there twice, at %d and %d", p.piece, other, id)
		}
		d.pieces[p.piece] = int32(id)
		switch kind := m.kinds[id]; kind {
		case normalPiece:
			normal[p.piece] = true
		case unknownPiece:
			c.unknown = p.piece
		case controlPiece:
		case userPiece:
			if strings.ContainsAny(p.piece, " "+metaspace) {
				return fmt.Errorf("user-defined piece %q has a space, which is not supported", p.piece)
			}
			d.added = append(d.added, addedToken{ID: int32(id), Content: p.piece})
		case bytesPiece:
			c.fallback = true
		default:
			return fmt.Errorf("piece %q is of kind %d, which is not supported (unused pieces are 5)", p.piece, kind)
		}
	}
	d.model = c
	return c.setScores(m, normal)
}

// setScores makes the merges of all two normal pieces that together are one. Those of equal scores have one rank.
func (c *charBPE) setScores(m *sentencePiece, normal map[string]bool) error {
	var order []int
	for id, p := range m.pieces {
		if m.kinds[id] == normalPiece {
			order = append(order, id)
		}
		if m.kinds[id] == normalPiece && utf8.RuneCountInString(p.piece) > 1 {
			for _, char := range p.piece {
				if !normal[string(char)] {
					return fmt.Errorf("piece %q has the character %q, which is no piece", p.piece, char)
				}
			}
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(m.pieces[b].score, m.pieces[a].score) })
	rank := int32(0)
	for i, id := range order {
		p := m.pieces[id]
		if i > 0 && p.score != m.pieces[order[i-1]].score {
			rank++
		}
		for at := range p.piece {
			if left, right := p.piece[:at], p.piece[at:]; normal[left] && normal[right] {
				c.merges, c.ranks = append(c.merges, [2]string{left, right}), append(c.ranks, rank)
			}
		}
	}
	return nil
}
