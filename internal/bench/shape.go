package bench

import (
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/model"
)

// Shape is the size of a GPT-2.
type Shape struct {
	Layers, Dim, Heads, Vocab int
	Context                   int // positions
}

// checkpoint gives random weights of the shape. The model has no end-of-sequence token.
func (s Shape) checkpoint() (*model.Checkpoint, error) {
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
