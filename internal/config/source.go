package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Source is one layer of settings.
type Source struct {
	// read returns the layer's settings; a preset's depend on the method, which the other sources decide.
	read   func(method string) ([]setting, error)
	preset bool
}

// setting is one value with its place.
type setting struct {
	key   string
	value value
	origin
}

// origin says where a value came from.
type origin struct {
	place    string // "run.yaml:9", "--set", …
	isFlag   bool   // place names the setting already
	explicit bool   // the user asked for it, in these words
	preset   bool   // a preset has it
	fixed    bool   // the command leaves no choice
}

// at puts place and key before a message.
func (o origin) at(key, message string) error {
	switch {
	case o.place == "":
		return fmt.Errorf("%s: %s", key, message)
	case o.isFlag:
		return fmt.Errorf("%s: %s", o.place, message)
	}
	return fmt.Errorf("%s: %s: %s", o.place, key, message)
}

// File is the settings in a YAML file.
func File(path string) Source {
	return Source{read: func(string) ([]setting, error) { return readFile(path) }}
}

// Set is one "key=value" assignment, the key dotted.
func Set(assignment string) Source {
	return Source{read: func(string) ([]setting, error) {
		key, text, ok := strings.Cut(assignment, "=")
		if !ok {
			return nil, fmt.Errorf("--set %q: expected KEY=VALUE, such as --set beta=0.5", assignment)
		}
		return []setting{{strings.TrimSpace(key), value{text: strings.TrimSpace(text)}, origin{place: "--set", explicit: true}}}, nil
	}}
}

// Flag is the value of the command-line flag name, without its dashes, for a setting.
func Flag(name, key, text string) Source {
	return single(key, text, origin{place: "--" + name, isFlag: true, explicit: true})
}

// Fixed is a setting that a command does not leave open. Another source that asks for another value is an error, which
// gives the reason, a clause such as "sparsepo sft always trains with sft".
func Fixed(key, text, reason string) Source {
	return single(key, text, origin{place: reason, fixed: true})
}

func single(key, text string, from origin) Source {
	return Source{read: func(string) ([]setting, error) {
		return []setting{{key, value{text: text}, from}}, nil
	}}
}

// Values are settings that a program makes; place says where, for messages.
func Values(place string, values map[string]string) Source {
	return Source{read: func(string) ([]setting, error) {
		var settings []setting
		for _, key := range slices.Sorted(maps.Keys(values)) {
			settings = append(settings, setting{key, value{text: values[key]}, origin{place: place, explicit: true}})
		}
		return settings, nil
	}}
}

// Optional is the same source for several methods at once: a setting that the run's method does not read is no error.
func (s Source) Optional() Source {
	read := s.read
	s.read = func(method string) ([]setting, error) {
		settings, err := read(method)
		for i := range settings {
			settings[i].explicit = false
		}
		return settings, err
	}
	return s
}

// Resolve lays the sources over the defaults, later ones winning, and returns every problem it finds with them: unknown
// keys, wrong types, values out of range. Whether the settings fit together is for Validate to say.
func Resolve(sources ...Source) (*Run, error) {
	settings, problems := collect(sources)
	run := &Run{origins: map[string]origin{}}
	method := lastMethod(settings)
	for _, k := range keys {
		if text, _ := k.defaultFor(method); text != "" {
			if err := k.assign(run, value{text: text}); err != nil {
				return nil, fmt.Errorf("default of %s: %w", k.name, err)
			}
		}
	}
	for _, s := range settings {
		if err := run.apply(s); err != nil {
			problems = append(problems, err)
		}
	}
	problems = append(problems, overruled(settings)...)
	if len(problems) > 0 {
		return nil, usage.Wrap(errors.Join(problems...))
	}
	for _, k := range keys {
		_, followed := k.defaultFor(method)
		if _, given := run.origins[k.name]; followed != "" && (!given || k.text(run) == "") {
			k.of(run).Set(keyByName[followed].of(run))
		}
	}
	if _, given := run.origins["max_prompt_length"]; !given && run.MaxPromptLength >= run.MaxLength {
		run.MaxPromptLength = max(1, run.MaxLength/2)
	}
	return run, nil
}

// collect reads the sources, those that depend on the method last, and returns their settings in the order of the sources.
func collect(sources []Source) (settings []setting, problems []error) {
	layers := make([][]setting, len(sources))
	read := func(presets bool, method string) {
		for i, s := range sources {
			if s.preset == presets {
				layer, err := s.read(method)
				layers[i] = layer
				if err != nil {
					problems = append(problems, err)
				}
			}
		}
	}
	read(false, "")
	read(true, lastMethod(slices.Concat(layers...)))
	return slices.Concat(layers...), problems
}

func lastMethod(settings []setting) string {
	method := ""
	for _, s := range settings {
		if s.key == "method" {
			method = s.value.text
		}
	}
	return method
}

func (r *Run) apply(s setting) error {
	k, ok := keyByName[s.key]
	if !ok {
		return origin{place: s.place}.at(s.key, "no such setting"+suggestion(s.key))
	}
	if err := k.assign(r, s.value); err != nil {
		return s.at(s.key, err.Error())
	}
	r.origins[s.key] = s.origin
	return nil
}

// overruled returns an error for every explicit setting that differs from a fixed one.
func overruled(settings []setting) (problems []error) {
	for _, fixed := range settings {
		for _, s := range settings {
			if fixed.fixed && s.explicit && s.key == fixed.key && s.value.text != fixed.value.text {
				problems = append(problems, s.at(s.key, fmt.Sprintf("found %v, but %s", s.value, fixed.place)))
			}
		}
	}
	return problems
}

// FromPreset reports whether the key's value is a preset's, which no later source replaced.
func (r *Run) FromPreset(key string) bool { return r.origins[key].preset }
