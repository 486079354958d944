package chat

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/sparsepo/sparsepo/internal/jinja"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Load reads the chat templates and the special tokens of a model's folder. Templates are taken from chat_template.jinja
// and the folder additional_chat_templates, else from the field chat_template of tokenizer_config.json (a text, or a list of named ones), else from
// chat_template.json. A folder without template is no error; its Template is not Defined, and rendering says so.
func Load(folder string) (*Template, error) {
	t := &Template{origin: folder, named: map[string]*jinja.Template{}, tokens: jinja.NewDict()}
	config, err := readObject(filepath.Join(folder, "tokenizer_config.json"))
	if err != nil {
		return nil, err
	}
	special, err := readObject(filepath.Join(folder, "special_tokens_map.json"))
	if err != nil {
		return nil, err
	}
	t.readTokens(special)
	t.readTokens(config)
	if err := t.readFiles(folder); err != nil || t.Defined() {
		return t.orNil(err)
	}
	if err := t.readField(filepath.Join(folder, "tokenizer_config.json"), config); err != nil || t.Defined() {
		return t.orNil(err)
	}
	path := filepath.Join(folder, "chat_template.json")
	object, err := readObject(path)
	if err != nil {
		return nil, err
	}
	return t.orNil(t.readField(path, object))
}

func (t *Template) orNil(err error) (*Template, error) {
	if err != nil {
		return nil, err
	}
	return t, nil
}

// readObject reads a JSON object; a file that does not exist is an empty one.
func readObject(path string) (*jinja.Dict, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return jinja.NewDict(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read chat template: %w", err)
	}
	value, err := jinja.ParseJSON(text)
	if err != nil {
		return nil, usage.Errorf("%s: not JSON: %w", path, err)
	}
	object, ok := value.(*jinja.Dict)
	if !ok {
		return nil, usage.Errorf("%s: want a JSON object", path)
	}
	return object, nil
}

// readTokens takes every special token: a text, or an object with the text in its field content.
func (t *Template) readTokens(object *jinja.Dict) {
	for _, key := range object.Keys() {
		name, _ := key.(string)
		if !strings.HasSuffix(name, "_token") {
			continue
		}
		value, _ := object.Get(key)
		if d, ok := value.(*jinja.Dict); ok {
			value, _ = d.Get("content")
		}
		if token, ok := value.(string); ok {
			t.tokens.Set(name, token)
		}
	}
}

// readFiles takes templates that have files of their own.
func (t *Template) readFiles(folder string) error {
	paths, err := filepath.Glob(filepath.Join(escapeGlob(folder), "additional_chat_templates", "*.jinja"))
	if err != nil {
		return fmt.Errorf("find chat templates of %s: %w", folder, err)
	}
	for _, path := range append(paths, filepath.Join(folder, "chat_template.jinja")) {
		source, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read chat template: %w", err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".jinja")
		if name == "chat_template" {
			name = "default"
		}
		if err := t.add(name, string(source)); err != nil {
			return err
		}
	}
	return nil
}

// escapeGlob makes a folder's name mean itself in a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, `\`, `\\`).Replace(path)
}

// readField takes the templates of the field chat_template.
func (t *Template) readField(path string, object *jinja.Dict) error {
	value, _ := object.Get("chat_template")
	switch v := value.(type) {
	case nil:
		return nil
	case string:
		return t.add("default", v)
	case *jinja.Dict:
		for _, key := range v.Keys() {
			source, _ := v.Get(key)
			if err := t.addValue(path, key, source); err != nil {
				return err
			}
		}
		return nil
	case *jinja.List:
		for _, item := range v.Items {
			entry, ok := item.(*jinja.Dict)
			if !ok {
				return usage.Errorf(`%s: field "chat_template": want a list of {"name": "...", "template": "..."}`, path)
			}
			name, _ := entry.Get("name")
			source, _ := entry.Get("template")
			if err := t.addValue(path, name, source); err != nil {
				return err
			}
		}
		return nil
	}
	return usage.Errorf(`%s: field "chat_template": want a text, or a list of {"name": "...", "template": "..."}`, path)
}

func (t *Template) addValue(path string, name, source any) error {
	nameText, nameOK := name.(string)
	sourceText, sourceOK := source.(string)
	if !nameOK || !sourceOK {
		return usage.Errorf(`%s: field "chat_template": each template needs a name and a template, both texts`, path)
	}
	return t.add(nameText, sourceText)
}

func names(templates map[string]*jinja.Template) string {
	var list []string
	for name := range templates {
		list = append(list, `"`+name+`"`)
	}
	sort.Strings(list)
	return strings.Join(list, ", ")
}
