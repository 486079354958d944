package hub

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// card is what the header of a data set's README.md says about its files: its configurations, none where it is silent.
type card []config

// config is one configuration: a variant of the data set with its own splits.
type config struct {
	name      string
	isDefault bool
	splits    []splitFiles
}

// splitFiles are the files of a split, as patterns.
type splitFiles struct {
	name     string
	patterns []string
}

// defaultConfigName is what a configuration without special meaning is called.
const defaultConfigName = "default"

// readCard reads the card in folder. A missing or unreadable one says nothing: names of files then decide.
func readCard(folder string) card {
	text, err := os.ReadFile(filepath.Join(folder, cardName))
	if err != nil {
		return nil
	}
	return parseCard(text)
}

// parseCard reads the YAML between the first two lines of "---".
func parseCard(text []byte) card {
	text = bytes.ReplaceAll(bytes.TrimPrefix(text, []byte("\ufeff")), []byte("\r\n"), []byte("\n"))
	rest, found := bytes.CutPrefix(text, []byte("---\n"))
	if !found {
		return nil
	}
	header, _, found := bytes.Cut(rest, []byte("\n---"))
	if !found {
		return nil
	}
	var document struct {
		Configs []struct {
			Name      string `yaml:"config_name"`
			Default   bool   `yaml:"default"`
			DataFiles any    `yaml:"data_files"`
		} `yaml:"configs"`
	}
	if err := yaml.Unmarshal(header, &document); err != nil {
		return nil
	}
	var c card
	for _, entry := range document.Configs {
		if splits := readSplits(entry.DataFiles); len(splits) > 0 {
			c = append(c, config{name: entry.Name, isDefault: entry.Default, splits: splits})
		}
	}
	return c
}

// readSplits reads data_files: a pattern, a list of patterns (both the training split), or a list of split and path.
func readSplits(value any) []splitFiles {
	if patterns := readPatterns(value); len(patterns) > 0 {
		return []splitFiles{{name: trainSplit, patterns: patterns}}
	}
	entries, _ := value.([]any)
	var splits []splitFiles
	for _, entry := range entries {
		fields, _ := entry.(map[string]any)
		name, _ := fields["split"].(string)
		if patterns := readPatterns(fields["path"]); name != "" && len(patterns) > 0 {
			splits = append(splits, splitFiles{name: name, patterns: patterns})
		}
	}
	return splits
}

// readPatterns reads a string or a list of strings.
func readPatterns(value any) []string {
	switch value := value.(type) {
	case string:
		return []string{value}
	case []any:
		var patterns []string
		for _, entry := range value {
			pattern, ok := entry.(string)
			if !ok {
				return nil
			}
			patterns = append(patterns, pattern)
		}
		return patterns
	}
	return nil
}

// convertedRevision is where the hub keeps data sets that it converted to Parquet, without a card, as
// CONFIGURATION/SPLIT/0000.parquet.
const convertedRevision = "refs/convert/parquet"

// convertedCard reads configurations and splits off the names in a converted data set.
func convertedCard(names []string) card {
	var c card
	for _, name := range names {
		elements := strings.Split(name, "/")
		if len(elements) != 3 || !isData(name) {
			continue
		}
		one := c.config(elements[0])
		if one == nil {
			c = append(c, config{name: elements[0]})
			one = &c[len(c)-1]
		}
		pattern := elements[0] + "/" + elements[1] + "/*"
		if !slices.ContainsFunc(one.splits, func(s splitFiles) bool { return s.name == elements[1] }) {
			one.splits = append(one.splits, splitFiles{name: elements[1], patterns: []string{pattern}})
		}
	}
	return c
}

// config returns the configuration of that name, nil where there is none.
func (c card) config(name string) *config {
	if i := slices.IndexFunc(c, func(one config) bool { return one.name == name }); i >= 0 {
		return &c[i]
	}
	return nil
}

// defaultConfig returns the configuration to use where none is named; nil where the card is silent.
func (c card) defaultConfig() (*config, error) {
	if len(c) == 0 {
		return nil, nil
	}
	if i := slices.IndexFunc(c, func(one config) bool { return one.isDefault }); i >= 0 {
		return &c[i], nil
	}
	if one := c.config(defaultConfigName); one != nil {
		return one, nil
	}
	if len(c) == 1 {
		return &c[0], nil
	}
	var names []string
	for _, one := range c {
		names = append(names, one.name)
	}
	return nil, fmt.Errorf("the data set has several configurations (%s); take one of them", strings.Join(names, ", "))
}

// files returns those of the data files that belong to a split of the configuration.
func (c *config) files(data []string, split string) ([]string, error) {
	var names []string
	for _, one := range c.splits {
		names = append(names, one.name)
		if one.name != split {
			continue
		}
		var found []string
		for _, pattern := range one.patterns {
			found = append(found, matching(data, glob(strings.TrimPrefix(pattern, "./")))...)
		}
		slices.Sort(found)
		if found = slices.Compact(found); len(found) > 0 {
			return found, nil
		}
		return nil, fmt.Errorf("the files of split %q (%s) are of a kind that is not read", split, strings.Join(one.patterns, ", "))
	}
	return nil, fmt.Errorf("no file, folder or split %q; the card names %s", split, strings.Join(names, ", "))
}
