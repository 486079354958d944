package tokenizer

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// endOfText is the special token that ends a text in GPT-2 and most of its successors.
const endOfText = "<|endoftext|>"

// settings is what the small files beside a vocabulary say.
type settings struct {
	named       map[string]namedToken // by role: eos_token, bos_token, pad_token
	numbered    map[string]numberedToken
	special     []namedToken // tokens that are special, if the vocabulary has them or they have an id
	added       []addedToken
	prefixSpace *bool
	class       string // tokenizer_config.json's tokenizer_class
	bert        bertSettings
	llama       llamaSettings
	modelType   string // config.json's model_type
	maxTokens   int    // longest sequence, 0 where no file limits it
	cutsLeft    bool   // of a longer text, the beginning is left out
}

// namedToken is a token that a file names by its content.
type namedToken struct{ content, source string }

// numberedToken is a token that config.json names by its id.
type numberedToken struct {
	id    int32
	field string
}

// roleNames are the fields that name tokens; the first three are those that config.json can give by id.
var roleNames = []string{"eos_token", "bos_token", "pad_token", "cls_token", "sep_token", "unk_token", "mask_token"}

const numberedRoles = 3

// tokenValue is a token in a settings file: a string, or an object with its content; null where there is none.
type tokenValue struct{ content string }

func (v *tokenValue) UnmarshalJSON(raw []byte) error {
	if raw[0] != '{' {
		return json.Unmarshal(raw, &v.content) // null leaves it empty
	}
	var object struct{ Content string }
	err := json.Unmarshal(raw, &object)
	v.content = object.Content
	return err
}

// tokenNames are the fields that tokenizer_config.json and special_tokens_map.json share.
type tokenNames struct {
	EOS        tokenValue   `json:"eos_token"`
	BOS        tokenValue   `json:"bos_token"`
	Pad        tokenValue   `json:"pad_token"`
	Classifier tokenValue   `json:"cls_token"`
	Separator  tokenValue   `json:"sep_token"`
	Unknown    tokenValue   `json:"unk_token"`
	Mask       tokenValue   `json:"mask_token"`
	Additional []tokenValue `json:"additional_special_tokens"`
}

func readSettings(dir string) (*settings, error) {
	s := &settings{named: map[string]namedToken{}, numbered: map[string]numberedToken{}}
	files := []struct {
		name  string
		parse func(content []byte) error
	}{
		{"tokenizer_config.json", s.readTokenizerConfig},
		{"special_tokens_map.json", s.readSpecialTokensMap},
		{"added_tokens.json", func(content []byte) error { return s.readTokenIDs(content, false) }},
		{"special_tokens.json", func(content []byte) error { return s.readTokenIDs(content, true) }},
		{"config.json", s.readModelConfig},
	}
	for _, file := range files {
		if _, err := readFile(dir, file.name, file.parse); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *settings) readTokenizerConfig(content []byte) error {
	var config struct {
		tokenNames
		bertSettings
		llamaSettings
		PrefixSpace *bool                 `json:"add_prefix_space"`
		Added       map[string]addedToken `json:"added_tokens_decoder"`
		Class       string                `json:"tokenizer_class"`
		Side        string                `json:"truncation_side"`
		Limit       *float64              `json:"model_max_length"`
		OldLimit    *float64              `json:"max_len"`
	}
	if err := unmarshal(content, &config); err != nil {
		return err
	}
	s.prefixSpace, s.class, s.bert, s.llama = config.PrefixSpace, config.Class, config.bertSettings, config.llamaSettings
	for _, limit := range []*float64{config.OldLimit, config.Limit} {
		if limit != nil && *limit >= 1 && *limit <= math.MaxInt32 { // files without a limit give an immense one
			s.maxTokens = int(*limit)
		}
	}
	switch config.Side {
	case "", "right":
	case "left":
		s.cutsLeft = true
	default:
		return fmt.Errorf("truncation_side: %q is not supported; supported: left, right", config.Side)
	}
	for _, key := range slices.Sorted(maps.Keys(config.Added)) {
		id, err := strconv.ParseInt(key, 10, 32)
		if err != nil {
			return fmt.Errorf("added_tokens_decoder: id %q is not a number", key)
		}
		token := config.Added[key]
		token.ID = int32(id)
		s.added = append(s.added, token)
	}
	s.name(config.tokenNames, "tokenizer_config.json")
	return nil
}

func (s *settings) readSpecialTokensMap(content []byte) error {
	var names tokenNames
	if err := unmarshal(content, &names); err != nil {
		return err
	}
	s.name(names, "special_tokens_map.json")
	return nil
}

// name takes over the roles that no earlier file gave, and the special tokens.
func (s *settings) name(names tokenNames, source string) {
	values := []tokenValue{names.EOS, names.BOS, names.Pad, names.Classifier, names.Separator, names.Unknown, names.Mask}
	for i, value := range values {
		token := namedToken{value.content, source}
		if value.content == "" {
			continue
		}
		if _, ok := s.named[roleNames[i]]; !ok {
			s.named[roleNames[i]] = token
		}
		if i < numberedRoles {
			s.special = append(s.special, token)
		}
	}
	for _, value := range names.Additional {
		if value.content != "" {
			s.special = append(s.special, namedToken{value.content, source})
		}
	}
}

// readTokenIDs reads an object of tokens and their ids.
func (s *settings) readTokenIDs(content []byte, special bool) error {
	var ids map[string]int32
	if err := unmarshal(content, &ids); err != nil {
		return err
	}
	for _, token := range slices.Sorted(maps.Keys(ids)) {
		s.added = append(s.added, addedToken{ID: ids[token], Content: token, Special: special})
	}
	return nil
}

// firstID is an id or a list of ids, of which the first counts; negative and null mean none.
type firstID struct{ id int32 }

func (f *firstID) UnmarshalJSON(raw []byte) error {
	ids := []int32{none}
	if raw[0] != '[' {
		err := json.Unmarshal(raw, &ids[0])
		f.id = ids[0]
		return err
	}
	err := json.Unmarshal(raw, &ids)
	f.id = append(ids, none)[0]
	return err
}

func (s *settings) readModelConfig(content []byte) error {
	config := map[string]json.RawMessage{}
	if err := unmarshal(content, &config); err != nil {
		return err
	}
	if raw, ok := config["model_type"]; ok && json.Unmarshal(raw, &s.modelType) != nil {
		return fmt.Errorf("field %q: %s is not a string", "model_type", raw)
	}
	for _, role := range roleNames[:numberedRoles] {
		field := role + "_id"
		raw, ok := config[field]
		if !ok {
			continue
		}
		var first firstID
		if err := json.Unmarshal(raw, &first); err != nil {
			return fmt.Errorf("field %q: %s is not a token id", field, raw)
		}
		if first.id >= 0 {
			s.numbered[role] = numberedToken{first.id, field}
		}
	}
	return nil
}

// apply adds the tokens of the settings to those that d has already.
func (s *settings) apply(d *definition) error {
	have := map[string]bool{}
	for _, token := range d.added {
		have[token.Content] = true
	}
	for _, token := range s.added {
		if !have[token.Content] {
			have[token.Content] = true
			d.added = append(d.added, token)
		}
	}
	for _, token := range s.special {
		if have[token.content] {
			continue
		}
		id, ok := d.pieces[token.content]
		if !ok {
			return fmt.Errorf("%s: token %q is not in the vocabulary", token.source, token.content)
		}
		have[token.content] = true
		d.added = append(d.added, addedToken{ID: id, Content: token.content, Special: true})
	}
	if s.prefixSpace != nil && d.byteLevelOnly {
		d.words.setPrefixSpace(*s.prefixSpace)
	}
	return nil
}

// roles finds the tokens that begin, end and pad a text: the first file that names one decides, config.json last.
func (s *settings) roles(t *Tokenizer) (roles, error) {
	ids := [numberedRoles]int32{}
	for i, role := range roleNames[:numberedRoles] {
		id := int32(none)
		if token, ok := s.named[role]; ok {
			id = t.vocabulary.ids[token.content]
		} else if token, ok := s.numbered[role]; ok {
			id = token.id
			if t.Token(id) == "" {
				return roles{}, fmt.Errorf("config.json: %s is %d, which has no token; the vocabulary has %d ids", token.field, id, t.VocabSize())
			}
		} else if end, ok := t.vocabulary.ids[endOfText]; ok && role == "eos_token" && t.IsSpecial(end) {
			id = end
		} else if usual, ok := t.vocabulary.ids[llamaTokens[role]]; ok && t.Kind() == SentencePieceBPE && t.IsSpecial(usual) {
			id = usual
		}
		ids[i] = id
	}
	return roles{eos: ids[0], bos: ids[1], pad: ids[2]}, nil
}
