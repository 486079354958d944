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
	ids := map[string]int32{}
	for _, role := range roleNames {
		if _, ok := s.named[role]; !ok {
			s.named[role] = namedToken{content: robertaTokens[role], source: "RoBERTa's " + role}
		}
		token := s.named[role]
		id, ok := s.idOf(d, token.content)
		if !ok {
			return fmt.Errorf("%s: token %q is not in the vocabulary", token.source, token.content)
		}
		ids[role] = id
		if !slices.ContainsFunc(s.added, func(t addedToken) bool { return t.Content == token.content }) {
			s.added = append(s.added, addedToken{ID: id, Content: token.content, LeftStrip: role == "mask_token", Special: true})
		}
	}
	d.frame.classify(ids["cls_token"], ids["sep_token"], 2)
	return nil
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
