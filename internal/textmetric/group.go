package textmetric

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Group is a prompt, the samples that were drawn for it, and what an answer should have been.
type Group struct {
	Prompt     string
	Samples    []string
	References []string // empty where nobody asked for them
}

// Fields name the fields of records.
type Fields struct {
	Prompt     string
	Completion string
	Reference  string // a text, or a list of texts; "": the first that a record has of usualReferences
}

// DefaultFields are the names in the files that this program writes.
func DefaultFields() Fields { return Fields{Prompt: "prompt", Completion: "completion"} }

// usualReferences are the fields that references stand in where no name is given.
var usualReferences = []string{"reference", "references", "completion", "chosen"}

// ReadSamples reads samples, JSONL records with a prompt and a completion, and brings those of the same prompt together, in
// the order of the file.
func ReadSamples(path string, fields Fields) ([]Group, error) {
	var groups []Group
	place := map[string]int{}
	err := eachRecord(path, func(o jsonl.Object) error {
		prompt, err := promptOf(o, fields.Prompt)
		if err != nil {
			return err
		}
		var completion string
		if err := o.Decode(fields.Completion, &completion, "a string"); err != nil {
			return err
		}
		i, seen := place[prompt]
		if !seen {
			i = len(groups)
			place[prompt] = i
			groups = append(groups, Group{Prompt: prompt})
		}
		groups[i].Samples = append(groups[i].Samples, completion)
		return nil
	})
	if err == nil && len(groups) == 0 {
		err = usage.Errorf("%s: no records", path)
	}
	return groups, err
}

// AddReferences reads references, JSONL records with a prompt and one or more texts, and gives each group those of its
// prompt. A group without any is an error; references for other prompts are left out.
func AddReferences(groups []Group, path string, fields Fields) error {
	place := map[string]int{}
	for i, group := range groups {
		place[group.Prompt] = i
	}
	err := eachRecord(path, func(o jsonl.Object) error {
		prompt, err := promptOf(o, fields.Prompt)
		if err != nil {
			return err
		}
		texts, err := referencesOf(o, fields.Reference)
		if err != nil {
			return err
		}
		if i, known := place[prompt]; known {
			groups[i].References = append(groups[i].References, texts...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, group := range groups {
		if len(group.References) == 0 {
			return usage.Errorf("%s: no reference for the prompt %.60q; every prompt of the samples needs one, spelled the same", path, group.Prompt)
		}
	}
	return nil
}

// ReadTexts reads the references of all records of a file, whatever their prompts.
func ReadTexts(path string, fields Fields) ([]string, error) {
	var all []string
	err := eachRecord(path, func(o jsonl.Object) error {
		texts, err := referencesOf(o, fields.Reference)
		all = append(all, texts...)
		return err
	})
	if err == nil && len(all) == 0 {
		err = usage.Errorf("%s: no records", path)
	}
	return all, err
}

// eachRecord calls use with every record of a file; what use finds wrong with one is the user's mistake.
func eachRecord(path string, use func(o jsonl.Object) error) error {
	file, err := jsonl.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return jsonl.Each(file, path, func(o jsonl.Object, _ int) error { return usage.Wrap(use(o)) })
}

// promptOf is a prompt's text, or the JSON of one that is a list of ids or of messages.
func promptOf(o jsonl.Object, name string) (string, error) {
	var raw json.RawMessage
	if err := o.Decode(name, &raw, "a prompt"); err != nil {
		return "", err
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	return string(raw), nil
}

func referencesOf(o jsonl.Object, name string) ([]string, error) {
	if name == "" {
		i := slices.IndexFunc(usualReferences, func(usual string) bool {
			return slices.ContainsFunc(o, func(f jsonl.Field) bool { return f.Name == usual })
		})
		if i < 0 {
			return nil, usage.Errorf("no field with references; known: %s", strings.Join(usualReferences, ", "))
		}
		name = usualReferences[i]
	}
	var raw json.RawMessage
	if err := o.Decode(name, &raw, "a text or a list of texts"); err != nil {
		return nil, err
	}
	var texts []string
	if len(raw) > 0 && raw[0] == '[' {
		err := o.Decode(name, &texts, "a text or a list of texts")
		if err == nil && len(texts) == 0 {
			err = usage.Errorf("field %q: empty; give at least one text", name)
		}
		return texts, err
	}
	var text string
	err := o.Decode(name, &text, "a text or a list of texts")
	return []string{text}, err
}
