package bench

import (
	"encoding/json"
	"os"

	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/model"
)

// Shape is the size of a GPT-2, or another model's configuration with fewer layers.
type Shape struct {
	Layers, Dim, Heads, Vocab int
	Context                   int // positions

	Config string // a config.json whose sizes count, but for Layers; "" for a GPT-2
}

// checkpoint gives random weights of the shape. The model has no end-of-sequence token.
func (s Shape) checkpoint() (*model.Checkpoint, error) {
	if s.Config != "" {
		config, err := s.config()
		if err != nil {
			return nil, err
		}
		return model.Random(config, 1), nil
	}
	for _, size := range []struct {
		name  string
		value int
	}{{"layers", s.Layers}, {"dim", s.Dim}, {"heads", s.Heads}, {"vocab", s.Vocab}, {"ctx", s.Context}} {
		if size.value < 1 {
			return nil, usage.Errorf("%s: found %d, expected a positive whole number", size.name, size.value)
		}
	}
	if s.Dim%s.Heads != 0 {
		return nil, usage.Errorf("dim: found %d, expected a multiple of the %d heads", s.Dim, s.Heads)
	}
	config, err := model.GPT2Config(s.Vocab, s.Dim, s.Layers, s.Heads, s.Context, -1)
	if err != nil {
		return nil, err
	}
	return model.Random(config, 1), nil
}

// config reads the configuration file and changes its number of layers.
func (s Shape) config() (*model.Config, error) {
	text, err := os.ReadFile(s.Config)
	if err != nil {
		return nil, usage.Wrap(err)
	}
	fields := map[string]any{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, usage.Errorf("%s: not a JSON object: %w", s.Config, err)
	}
	for _, name := range []string{"n_layer", "num_hidden_layers"} {
		if _, ok := fields[name]; ok {
			fields[name] = s.Layers
		}
	}
	if text, err = json.Marshal(fields); err != nil {
		return nil, err
	}
	config, err := model.ParseConfig(text)
	if err != nil {
		return nil, usage.Errorf("%s: %w", s.Config, err)
	}
	return config, nil
}
