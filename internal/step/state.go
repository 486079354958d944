package step

import (
	"fmt"
	"slices"

	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/internal/device"
	"github.com/sparsepo/sparsepo/safetensors"
)

// stateParts are the arrays kept for every trained variable: its weights in full precision, which a saved model may round,
// and AdamW's moments.
func (t trained) stateParts() map[string]*gomodel.Variable {
	return map[string]*gomodel.Variable{"weights": t.variable, "first": t.first, "second": t.second}
}

var statePartNames = []string{"weights", "first", "second"}

// SaveState writes what Update changes, so that a later LoadState continues exactly.
func (p *Program) SaveState(path string) error {
	if err := p.addMoments(); err != nil {
		return err
	}
	var list []safetensors.TensorData
	for _, t := range p.trained {
		for _, part := range statePartNames {
			v := t.stateParts()[part]
			list = append(list, safetensors.TensorData{
				Name: part + "/" + t.name, DType: safetensors.F32, Shape: v.Shape().Dimensions, Load: func() ([]float32, error) {
					value, err := v.Value()
					if err != nil {
						return nil, err
					}
					return device.View(p.backend, value)
				},
			})
		}
	}
	return safetensors.Write(path, list, nil)
}

// LoadState reads what SaveState wrote for a program of the same objective and models.
func (p *Program) LoadState(path string) error {
	if err := p.addMoments(); err != nil {
		return err
	}
	file, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if got, want := len(file.Names()), len(p.trained)*len(statePartNames); got != want {
		return fmt.Errorf("%s: %d tensors, this run trains %d; it is a checkpoint of another model or method", path, got, want)
	}
	for _, t := range p.trained {
		for part, v := range t.stateParts() {
			stored, ok := file.Tensor(part + "/" + t.name)
			if !ok {
				return fmt.Errorf("%s: no %s of %s; it is a checkpoint of another model or method", path, part, t.name)
			}
			if !slices.Equal(stored.Shape, v.Shape().Dimensions) {
				return fmt.Errorf("%s: %s of %s is %v, this run's is %v; it is a checkpoint of another model", path, part, t.name, stored.Shape, v.Shape().Dimensions)
			}
			values, err := stored.Float32()
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			placed, err := device.Float32(p.backend, values, stored.Shape...)
			if err != nil {
				return err
			}
			if err := v.SetValue(placed); err != nil {
				return fmt.Errorf("restore %s of %s: %w", part, t.name, err)
			}
		}
	}
	return nil
}
