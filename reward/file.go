package reward

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/usage"
)

const (
	// FileName is the file that makes a folder one of our reward models.
	FileName = "reward.json"
	// LinearKind is the kind that FileName states for the linear n-gram classifier.
	LinearKind = "linear-ngram"

	linearVersion = 1
)

// linearFile is the content of reward.json. NGrams and Weights are parallel; an n-gram follows those it is made of.
type linearFile struct {
	Kind    string       `json:"kind"`
	Version int          `json:"version"`
	Options TrainOptions `json:"options"`
	Bias    float64      `json:"bias"`
	NGrams  []string     `json:"ngrams"`
	Weights []float32    `json:"weights"`
}

func init() {
	register(format{
		name:      LinearKind,
		recognise: func(folder string) bool { return statedKind(folder) == LinearKind },
		load:      loadLinear,
	})
}

// Save writes the model to FileName in folder, which is made if it does not exist, in one step: a reader sees the old file
// or the new one.
func (l *Linear) Save(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("save reward model: %w", err)
	}
	err := atomicfile.Write(filepath.Join(folder, FileName), func(w io.Writer) error {
		return jsonl.Write(w, linearFile{LinearKind, linearVersion, l.options, l.bias, l.ngrams.texts, l.weights})
	})
	if err != nil {
		return fmt.Errorf("save reward model: %w", err)
	}
	return nil
}

func loadLinear(folder string, options Options) (Scorer, error) {
	if options.Label != "" {
		return nil, usage.Errorf("reward model %s: label %q: a %s model has no labels to choose from", folder, options.Label, LinearKind)
	}
	path := filepath.Join(folder, FileName)
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load reward model: %w", err)
	}
	model, err := parseLinear(content)
	if err != nil {
		return nil, usage.Errorf("%s: %w", path, err)
	}
	return model, nil
}

// parseLinear reads the content of a reward.json of this kind and checks that it makes a usable model.
func parseLinear(content []byte) (*Linear, error) {
	var f linearFile
	if err := json.Unmarshal(content, &f); err != nil {
		return nil, fmt.Errorf("not a whole JSON object of a reward model: %w", err)
	}
	switch {
	case f.Kind != LinearKind:
		return nil, fmt.Errorf("kind: %q, want %q", f.Kind, LinearKind)
	case f.Version != linearVersion:
		return nil, fmt.Errorf("version: %d, this program reads version %d; fit the model again with \"sparsepo reward train\"", f.Version, linearVersion)
	case len(f.NGrams) == 0:
		return nil, fmt.Errorf("ngrams: none")
	case len(f.NGrams) != len(f.Weights):
		return nil, fmt.Errorf("weights: %d of them for %d n-grams", len(f.Weights), len(f.NGrams))
	}
	if err := f.Options.validate(); err != nil {
		return nil, fmt.Errorf("options: %w", err)
	}
	grams := newNGrams(len(f.NGrams))
	for _, text := range f.NGrams {
		if err := grams.add(text); err != nil {
			return nil, fmt.Errorf("ngrams: %w", err)
		}
	}
	return newLinear(grams, f.Weights, f.Bias, f.Options), nil
}

// statedKind returns the kind that the folder's reward.json states, "" when there is no such file or it states none.
func statedKind(folder string) string {
	file, err := os.Open(filepath.Join(folder, FileName))
	if err != nil {
		return ""
	}
	defer file.Close()
	return firstKind(file)
}

// firstKind returns the string under "kind" of the JSON object in r, "" when there is none. It reads no further than that.
func firstKind(r io.Reader) string {
	decoder := json.NewDecoder(r)
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return ""
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return ""
		}
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return ""
		}
		var kind string
		if name == "kind" && json.Unmarshal(value, &kind) == nil {
			return kind
		}
	}
	return ""
}
