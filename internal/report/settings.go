package report

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// settings are a run's resolved settings under dotted keys, as text.
type settings map[string]string

// readSettings reads config.yaml; a missing or broken one gives a note, not an error, for the measurements stand without it.
func readSettings(path string) (text string, s settings, notes []string) {
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", settings{}, []string{"config.yaml is missing, so the settings are unknown"}
	case err != nil:
		return "", settings{}, []string{fmt.Sprintf("config.yaml cannot be read: %v", errors.Unwrap(err))}
	}
	s, err = parseSettings(content)
	if err != nil {
		return string(content), settings{}, []string{"config.yaml is not valid YAML, so its values are unknown"}
	}
	return string(content), s, nil
}

func parseSettings(content []byte) (settings, error) {
	var tree map[string]any
	if err := yaml.Unmarshal(content, &tree); err != nil {
		return nil, err
	}
	s := settings{}
	s.flatten("", tree)
	return s, nil
}

func (s settings) flatten(prefix string, tree map[string]any) {
	for key, value := range tree {
		key = prefix + key
		if inner, ok := value.(map[string]any); ok {
			s.flatten(key+".", inner)
			continue
		}
		s[key] = settingText(value)
	}
}

func settingText(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	case []any:
		parts := make([]string, len(value))
		for i, part := range value {
			parts[i] = settingText(part)
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprint(value)
}

// ownPaths are settings that name a run's place and say nothing about what it computes.
var ownPaths = []string{"out", "output_dir", "resume", "run_name"}

// differing returns the keys whose value is not the same in all runs, sorted; a missing key is a value of its own.
func differing(runs []*run) []string {
	keys := map[string]bool{}
	for _, r := range runs {
		for key := range r.Settings {
			keys[key] = true
		}
	}
	var differ []string
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if slices.Contains(ownPaths, key) {
			continue
		}
		first, known := runs[0].Settings[key]
		for _, r := range runs[1:] {
			if value, ok := r.Settings[key]; value != first || ok != known {
				differ = append(differ, key)
				break
			}
		}
	}
	return differ
}

// settingRow is one line of the table of differences.
type settingRow struct {
	Key   string
	Cells []settingCell
}

// settingCell is one run's value; Odd marks a value that differs from the one that most runs of the row have.
type settingCell struct {
	Value string
	Known bool
	Odd   bool
}

func settingRows(runs []*run) []settingRow {
	var rows []settingRow
	for _, key := range differing(runs) {
		counts := map[string]int{}
		for _, r := range runs {
			counts[r.Settings[key]]++
		}
		// Without a value that more than half of the runs share, none is odd.
		commonest := slices.MaxFunc(slices.Sorted(maps.Keys(counts)), func(a, b string) int { return cmp.Compare(counts[a], counts[b]) })
		row := settingRow{Key: key}
		for _, r := range runs {
			value, known := r.Settings[key]
			row.Cells = append(row.Cells, settingCell{Value: value, Known: known, Odd: value != commonest && 2*counts[commonest] > len(runs)})
		}
		rows = append(rows, row)
	}
	return rows
}
