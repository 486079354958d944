package tokenizer

import (
	"fmt"
	"slices"
	"strings"
)

// robertaTokens are the special tokens of RoBERTa, by role, where no file names others.
var robertaTokens = map[string]string{
	"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>",
	"unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>",
}

// isRoberta reports whether the files say that the tokenizer is RoBERTa's: by its class, or else by the model's type.
func (s *settings) isRoberta() bool {
	if s.class != "" {
		return strings.TrimSuffix(s.class, "Fast") == "RobertaTokenizer"
	}
	return s.modelType == "roberta"
}

// applyRoberta makes of a vocabulary and its merges what RoBERTa's tokenizer is: GPT-2's words, special tokens of its own,
// of which the mask swallows the white space before it, and two of them around a text. GPT-2's <|endoftext|>, a piece of
// RoBERTa's vocabulary too, is ordinary text.
func (s *settings) applyRoberta(d *definition) error {
	d.words, d.byteLevelOnly = preTokenizer{text: []step{scanStep{scanGPT2}}}, true
	d.added = slices.DeleteFunc(d.added, func(t addedToken) bool { return t.Content == endOfText })
	ids, err := s.specials(d, "RoBERTa", robertaTokens, true)
	if err != nil {
		return err
	}
	d.frame.classify(ids["cls_token"], ids["sep_token"], true)
	return nil
}

// specials makes the special tokens of a model family added tokens, and returns their ids by role. The files may name others
// than the usual ones. Where the mask swallows the white space before it, it is told so.
func (s *settings) specials(d *definition, family string, usual map[string]string, swallows bool) (map[string]int32, error) {
	ids := map[string]int32{}
	for _, role := range roleNames {
		if _, ok := s.named[role]; !ok && usual[role] != "" {
			s.named[role] = namedToken{content: usual[role], source: family + "'s " + role}
		}
		token, ok := s.named[role]
		if !ok {
			continue
		}
		id, ok := s.idOf(d, token.content)
		if !ok && role == "mask_token" {
			delete(s.named, role) // nothing here masks
			continue
		}
		if !ok {
			return nil, fmt.Errorf("%s: token %q is not in the vocabulary", token.source, token.content)
		}
		ids[role] = id
		if !slices.ContainsFunc(s.added, func(t addedToken) bool { return t.Content == token.content }) {
			s.added = append(s.added, addedToken{ID: id, Content: token.content, LeftStrip: swallows && role == "mask_token", Special: true})
		}
	}
	return ids, nil
}

// idOf finds a token in the vocabulary or among the added tokens.
func (s *settings) idOf(d *definition, token string) (id int32, ok bool) {
	for _, t := range s.added {
		if t.Content == token {
			return t.ID, true
		}
	}
	id, ok = d.pieces[token]
	return id, ok
}
