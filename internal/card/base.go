package card

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
)

// Base is what the card of a base model says that the cards of models made of it repeat.
type Base struct {
	// Model is the hub id of the model that it was made of itself; "" where the card names none. It counts where the base
	// model has no id of its own.
	Model       string
	License     []string // the hub's names of its licenses, as a rule one: mit, apache-2.0, llama3.2, other, …
	LicenseName string   // where License is other
	LicenseLink string
}

// ReadBase reads the card in a base model's folder. A folder without a card, and a card without a header, say nothing. A
// header that is not YAML is an error that names the file; training does not depend on it, so callers may report it and go
// on without.
func ReadBase(folder string) (Base, error) {
	path := filepath.Join(folder, FileName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Base{}, nil
	}
	if err != nil {
		return Base{}, fmt.Errorf("read model card: %w", err)
	}
	base, err := parseBase(text)
	if err != nil {
		return Base{}, fmt.Errorf("read model card %s: %w", path, err)
	}
	return base, nil
}

// parseBase reads the header of a card's text.
func parseBase(text []byte) (Base, error) {
	text = bytes.ReplaceAll(bytes.TrimPrefix(text, []byte("\ufeff")), []byte("\r\n"), []byte("\n"))
	rest, found := bytes.CutPrefix(text, []byte("---\n"))
	if !found {
		return Base{}, nil
	}
	header, _, found := strings.Cut("\n"+string(rest)+"\n", "\n---\n")
	if !found {
		return Base{}, nil
	}
	var fields struct {
		BaseModel   any `yaml:"base_model"`
		License     any `yaml:"license"`
		LicenseName any `yaml:"license_name"`
		LicenseLink any `yaml:"license_link"`
	}
	if err := yaml.Unmarshal([]byte(header), &fields); err != nil {
		var positioned yaml.Error
		if errors.As(err, &positioned) {
			return Base{}, fmt.Errorf("header: %s", positioned.GetMessage())
		}
		return Base{}, fmt.Errorf("header: %w", err)
	}
	base := Base{License: texts(fields.License), LicenseName: only(fields.LicenseName), LicenseLink: only(fields.LicenseLink)}
	if id := only(fields.BaseModel); modelID.MatchString(id) {
		base.Model = id
	}
	return base, nil
}

// modelID matches the hub's ids of models; other programs also write paths of their machines.
var modelID = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$`)

// texts are the texts in a value that is a text or a list of texts.
func texts(value any) []string {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	var found []string
	for _, one := range list {
		if text, ok := one.(string); ok && strings.TrimSpace(text) != "" {
			found = append(found, strings.TrimSpace(text))
		}
	}
	return found
}

// only is the one text in a value, "" where there are none or several.
func only(value any) string {
	if found := texts(value); len(found) == 1 {
		return found[0]
	}
	return ""
}
