package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// mergesHeader begins the first line of a file of merges.
const mergesHeader = "#version"

// carriedFiles are the files that make up a tokenizer and that Save copies.
var carriedFiles = []string{
	"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "special_tokens.json", "added_tokens.json",
	"vocab.json", "encoder.json", "merges.txt", "vocab.bpe", "vocab.txt", "spiece.model", "sentencepiece.bpe.model", "spm.model", "tokenizer.model", "chat_template.jinja", "chat_template.json",
}

// Load reads the tokenizer in a folder: tokenizer.json, or else a vocabulary (vocab.json or encoder.json) with its merges
// (merges.txt or vocab.bpe). The latter say nothing about pre-tokenization: it is GPT-2's, after splitting digits one by one
// (as StarCoder does) if no piece joins a digit to anything. Where tokenizer_config.json or config.json says that it is
// RoBERTa's, <s> and </s> stand around a text. A list of pieces (vocab.txt) is BERT's, with the settings of tokenizer_config.json; a SentencePiece model
// is that of ALBERT (spiece.model), XLM-RoBERTa (sentencepiece.bpe.model), DeBERTa (spm.model) or Llama (tokenizer.model).
//
// tokenizer_config.json, special_tokens_map.json, added_tokens.json, special_tokens.json and config.json, where present, add
// special tokens and name those that begin, end and pad a text. Wrong files are the user's mistake (package usage).
func Load(dir string) (*Tokenizer, error) {
	d, source, err := readDefinition(dir)
	if err != nil {
		return nil, err
	}
	s, err := readSettings(dir)
	if err != nil {
		return nil, err
	}
	switch {
	case source == "vocab.txt":
		err = s.applyBERT(d)
	case d.sentencePiece != nil:
		err = s.applyPieces(d, source)
	case d.fromVocabulary && s.isRoberta():
		err = s.applyRoberta(d)
	}
	if err != nil {
		return nil, usage.Errorf("read tokenizer %s: %w", dir, err)
	}
	if err := s.apply(d); err != nil {
		return nil, usage.Errorf("read tokenizer %s: %w", dir, err)
	}
	t, err := d.build()
	if err != nil {
		return nil, usage.Errorf("read tokenizer %s: %w", filepath.Join(dir, source), err)
	}
	if t.roles, err = s.roles(t); err != nil {
		return nil, usage.Errorf("read tokenizer %s: %w", dir, err)
	}
	if err := s.frameLlama(t); err != nil {
		return nil, usage.Errorf("read tokenizer %s: %w", dir, err)
	}
	t.maxTokens, t.cutsLeft = s.maxTokens, s.cutsLeft
	for _, name := range carriedFiles {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			t.files = append(t.files, savedFile{name: name, path: path})
		}
	}
	return t, nil
}

// readDefinition reads tokenizer.json or the vocabulary and its merges; source is the file that holds the vocabulary.
func readDefinition(dir string) (d *definition, source string, err error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, "", usage.Errorf("read tokenizer %s: no such folder", dir)
	}
	d = &definition{}
	found, err := readFile(dir, "tokenizer.json", func(content []byte) error {
		d, err = parseDocument(content)
		return err
	})
	if found || err != nil {
		return d, "tokenizer.json", err
	}
	for _, names := range [][2]string{{"vocab.json", "merges.txt"}, {"encoder.json", "vocab.bpe"}} {
		found, err := readVocabulary(d, dir, names[0], names[1])
		if found || err != nil {
			return d, names[0], err
		}
	}
	if found, err := readPieces(d, dir); found || err != nil {
		return d, "vocab.txt", err
	}
	if file := pieceFile(dir); file != "" {
		_, err := readFile(dir, file, func(content []byte) error {
			d.sentencePiece, err = parseSentencePiece(content)
			return err
		})
		return d, file, err
	}
	return nil, "", usage.Errorf("read tokenizer %s: nothing found; want tokenizer.json, or vocab.json and merges.txt, or vocab.txt, or spiece.model, or tokenizer.model", dir)
}

// readFile passes the content of a file to parse and reports whether the file is there.
func readFile(dir, name string, parse func(content []byte) error) (found bool, err error) {
	path := filepath.Join(dir, name)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return true, fmt.Errorf("read tokenizer: %w", err)
	}
	if err := parse(content); err != nil {
		return true, usage.Errorf("read tokenizer %s: %w", path, err)
	}
	return true, nil
}

// readVocabulary reads a vocabulary and its merges into d.
func readVocabulary(d *definition, dir, vocabulary, merges string) (found bool, err error) {
	found, err = readFile(dir, vocabulary, func(content []byte) error { return decodeStrict(content, &d.pieces) })
	if !found || err != nil {
		return found, err
	}
	hasMerges, err := readFile(dir, merges, func(content []byte) error { return readMerges(d, string(content)) })
	if err != nil {
		return true, err
	}
	if !hasMerges {
		return true, usage.Errorf("read tokenizer %s: %s is missing beside %s", dir, merges, vocabulary)
	}
	if id, ok := d.pieces[endOfText]; ok {
		d.added = append(d.added, addedToken{ID: id, Content: endOfText, Special: true})
	}
	d.words = preTokenizer{text: []step{scanStep{scanGPT2}}}
	d.byteLevelOnly, d.fromVocabulary = true, true
	if digitsStandAlone(d.merges) {
		d.byteLevelOnly = false
		d.words.text = []step{digitsStep(true), scanStep{scanGPT2}}
	}
	return true, nil
}

func readMerges(d *definition, content string) error {
	for i, line := range strings.Split(content, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" || i == 0 && strings.HasPrefix(line, mergesHeader) {
			continue
		}
		var m documentMerge
		if err := m.parse(line); err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
		d.merges = append(d.merges, m)
	}
	return nil
}

// digitsStandAlone reports whether no merge takes a digit.
func digitsStandAlone(merges [][2]string) bool {
	for _, m := range merges {
		if strings.ContainsAny(m[0], "0123456789") || strings.ContainsAny(m[1], "0123456789") {
			return false
		}
	}
	return true
}

// unmarshal decodes a file that other programs add fields to.
func unmarshal(content []byte, into any) error {
	if err := json.Unmarshal(content, into); err != nil {
		return positioned(content, err)
	}
	return nil
}
