package tokenizer

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// changeReaders read the normalisers that tokenizer.json has beside the normal forms.
var changeReaders = map[string]func(path string, raw json.RawMessage) (func(text string) string, error){
	"BertNormalizer": readBertNormalizer,
	"Lowercase":      plainChange(lowerCase),
	"Precompiled":    readPrecompiled,
	"Replace":        readReplace,
	"Strip":          readStrip,
	"StripAccents":   plainChange(func(text string) string { return without(text, unicode.IsMark) }),
}

func readNormalizer(d *definition, path string, raw json.RawMessage) error {
	kind, err := componentType(path, raw)
	if err != nil || isNull(raw) {
		return err
	}
	if form, ok := normalForms[kind]; ok {
		d.normalizer = append(d.normalizer, func(text string) string { return normalForm(form, text) })
		return decodeComponent(path, raw, &struct{ Type string }{})
	}
	if kind == "Prepend" {
		return readPrepend(d, path, raw)
	}
	if read, ok := changeReaders[kind]; ok {
		change, err := read(path, raw)
		d.normalizer = append(d.normalizer, change)
		return err
	}
	if kind != "Sequence" {
		known := slices.Concat(slices.Collect(maps.Keys(normalForms)), slices.Collect(maps.Keys(changeReaders)), []string{"Prepend", "Sequence"})
		slices.Sort(known)
		return unknownType(path, kind, strings.Join(known, ", "))
	}
	var sequence struct {
		Type        string
		Normalizers []json.RawMessage `json:"normalizers"`
	}
	if err := decodeComponent(path, raw, &sequence); err != nil {
		return err
	}
	for i, part := range sequence.Normalizers {
		if err := readNormalizer(d, fmt.Sprintf("%s.normalizers[%d]", path, i), part); err != nil {
			return err
		}
	}
	return nil
}

// plainChange reads a normaliser without settings.
func plainChange(change func(text string) string) func(path string, raw json.RawMessage) (func(text string) string, error) {
	return func(path string, raw json.RawMessage) (func(text string) string, error) {
		return change, decodeComponent(path, raw, &struct{ Type string }{})
	}
}

// without leaves characters out.
func without(text string, out func(rune) bool) string {
	return strings.Map(func(char rune) rune {
		if out(char) {
			return -1
		}
		return char
	}, text)
}

// lowerCase writes each character in lower case by itself: a sigma at the end of a word is like any other. Of the capital I
// with a dot alone this is more than one character.
func lowerCase(text string) string {
	const dottedI = "\u0130"
	if strings.Contains(text, dottedI) {
		text = strings.ReplaceAll(text, dottedI, "i\u0307")
	}
	return strings.Map(unicode.ToLower, text)
}

// pattern is what a Replace or a Split looks for.
type pattern struct {
	String string
	Regex  string
}

func (p pattern) finder() (finder, error) {
	switch {
	case p.String != "" && p.Regex == "":
		return literalFinder(p.String), nil
	case p.Regex != "" && p.String == "":
		return regexFinder(p.Regex)
	}
	return nil, fmt.Errorf("pattern: want either String or Regex")
}

// readPrepend reads what is put before a text.
func readPrepend(d *definition, path string, raw json.RawMessage) error {
	var component struct{ Type, Prepend string }
	if err := decodeComponent(path, raw, &component); err != nil {
		return err
	}
	if len(d.normalizer) > 0 || d.prepend != "" {
		return fmt.Errorf("%s: Prepend after another normalizer is not supported", path)
	}
	d.prepend = component.Prepend
	return nil
}

func readReplace(path string, raw json.RawMessage) (func(text string) string, error) {
	var component struct {
		Type    string
		Pattern pattern
		Content string
	}
	if err := decodeComponent(path, raw, &component); err != nil {
		return nil, err
	}
	if p := component.Pattern; p.String != "" && p.Regex == "" {
		return func(text string) string { return strings.ReplaceAll(text, p.String, component.Content) }, nil
	}
	find, err := component.Pattern.finder()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return replacement(find, component.Content), nil
}

// replacement writes something else for what a finder finds.
func replacement(find finder, by string) func(text string) string {
	return func(text string) string {
		var b strings.Builder
		for _, s := range find(text) {
			if s.Match {
				b.WriteString(by)
				continue
			}
			b.WriteString(text[s.Start:s.End])
		}
		return b.String()
	}
}

func readStrip(path string, raw json.RawMessage) (func(text string) string, error) {
	var component struct {
		Type  string
		Left  bool `json:"strip_left"`
		Right bool `json:"strip_right"`
	}
	err := decodeComponent(path, raw, &component)
	return func(text string) string {
		if component.Left {
			text = strings.TrimLeftFunc(text, unicode.IsSpace)
		}
		if component.Right {
			text = strings.TrimRightFunc(text, unicode.IsSpace)
		}
		return text
	}, err
}

func readPrecompiled(path string, raw json.RawMessage) (func(text string) string, error) {
	var component struct {
		Type string
		Map  string `json:"precompiled_charsmap"`
	}
	if err := decodeComponent(path, raw, &component); err != nil {
		return nil, err
	}
	content, err := base64.StdEncoding.DecodeString(component.Map)
	if err != nil {
		return nil, fmt.Errorf("%s: precompiled_charsmap: not base64: %w", path, err)
	}
	m, err := parseCharsMap(content)
	if err != nil {
		return nil, fmt.Errorf("%s: precompiled_charsmap: %w", path, err)
	}
	return m.apply, nil
}

// decomposed is the canonical decomposition.
func decomposed(text string) string { return normalForm(norm.NFD, text) }

// compatible is the compatibility decomposition.
func compatible(text string) string { return normalForm(norm.NFKD, text) }
