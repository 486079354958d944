package ifeval

import (
	"encoding/json"
	"math"
	"time"

	"github.com/dlclark/regexp2"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// arguments are one instruction's arguments, and the prompt it stands in.
type arguments struct {
	values map[string]any
	prompt string
}

func (a arguments) has(name string) bool { return a.values[name] != nil }

// text returns an argument that is a string, without white space around it.
func (a arguments) text(name string) (string, error) {
	text, ok := a.values[name].(string)
	if text = strip(text); !ok || text == "" {
		return "", usage.Errorf("argument %q: %v; it needs a string that is not empty", name, a.values[name])
	}
	return text, nil
}

// texts returns an argument that is a list of strings.
func (a arguments) texts(name string) ([]string, error) {
	list, _ := a.values[name].([]any)
	var texts []string
	for _, item := range list {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
		}
	}
	if len(texts) == 0 || len(texts) < len(list) {
		return nil, usage.Errorf("argument %q: %v; it needs a list of strings that is not empty", name, a.values[name])
	}
	return texts, nil
}

// number returns an argument that is a count.
func (a arguments) number(name string) (int, error) {
	number := math.NaN()
	switch value := a.values[name].(type) {
	case float64:
		number = value
	case int:
		number = float64(value)
	case json.Number:
		if parsed, err := value.Float64(); err == nil {
			number = parsed
		}
	}
	if number < 0 || number != math.Trunc(number) || number > math.MaxInt32 {
		return 0, usage.Errorf("argument %q: %v; it needs a whole number that is not negative", name, a.values[name])
	}
	return int(number), nil
}

// compare reports whether n stands in the wanted relation ("less than", "at least") to a limit; relation and limit name arguments.
func (a arguments) compare(n int, relation, limit string) (bool, error) {
	bound, err := a.number(limit)
	if err != nil {
		return false, err
	}
	switch a.values[relation] {
	case "less than":
		return n < bound, nil
	case "at least":
		return n >= bound, nil
	}
	return false, usage.Errorf("argument %q: %v; it needs \"less than\" or \"at least\"", relation, a.values[relation])
}

// patternTime is how long one search with a pattern of the user's may take.
const patternTime = 2 * time.Second

// countMatches returns how often a pattern is found in a text, without overlap, whatever the case of the letters if fold is set. A
// word of the data set is a pattern, as it is in the reference.
func countMatches(pattern, text string, fold bool) (int, error) {
	options := regexp2.RegexOptions(regexp2.None)
	if fold {
		options = regexp2.IgnoreCase
	}
	compiled, err := regexp2.Compile(pattern, options)
	if err != nil {
		return 0, usage.Errorf("%q is not a regular expression: %w", pattern, err)
	}
	compiled.MatchTimeout = patternTime
	n := 0
	match, err := compiled.FindStringMatch(text)
	for ; match != nil && err == nil; n++ {
		match, err = compiled.FindNextMatch(match)
	}
	if err != nil {
		return 0, usage.Errorf("search for %q: %w", pattern, err)
	}
	return n, nil
}
