// Package maskfile reads and writes learned masks, mask.safetensors.
package maskfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/mask"
	"github.com/sparsepo/sparsepo/model"
	"github.com/sparsepo/sparsepo/safetensors"
)

// Name is the file's name in a run's final folder.
const Name = "mask.safetensors"

// File is what a mask file holds.
type File struct {
	Architecture mask.Learned         // as far as the tensors show it: not dropout, not rounding
	Tensors      map[string][]float32 // "reward.layer.weight", …
	Independent  bool                 // there is a second mask, under "kl."
}

// Read reads a mask for a reference model of the given configuration. The architecture shows in the tensors: no mixer means
// the last layer alone, layer.0 and layer.1 mean depth 2, no norm means none.
func Read(path string, reference *model.Config) (*File, error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	has := func(name string) bool { _, ok := f.Tensor("reward." + name); return ok }
	a := mask.Learned{
		Hidden: reference.Hidden, Layers: reference.Layers, Eps: reference.NormEps,
		AllLayers: has("mixer.weight"), Norm: has("norm.weight"), Depth: 1,
	}
	if t, ok := f.Tensor("reward.layer.0.weight"); ok {
		if len(t.Shape) != 3 {
			return nil, usage.Errorf("%s: tensor reward.layer.0.weight has shape %v; expected [layers, width, hidden]", path, t.Shape)
		}
		a.Depth, a.Width = 2, t.Shape[1]
	}
	file := &File{Architecture: a, Tensors: map[string][]float32{}}
	sides := []string{"reward."}
	if slices.ContainsFunc(f.Names(), func(n string) bool { return strings.HasPrefix(n, "kl.") }) {
		sides, file.Independent = append(sides, "kl."), true
	}
	for _, side := range sides {
		for _, p := range a.Params() {
			t, ok := f.Tensor(side + p.Name)
			if !ok {
				return nil, usage.Errorf("%s: tensor %s is missing; a mask of this shape needs it", path, side+p.Name)
			}
			if !slices.Equal(t.Shape, p.Dims) {
				return nil, usage.Errorf("%s: tensor %s is %v; the reference model (%d layers, hidden size %d) needs %v",
					path, side+p.Name, t.Shape, reference.Layers, reference.Hidden, p.Dims)
			}
			values, err := t.Float32()
			if err != nil {
				return nil, usage.Errorf("%s: %w", path, err)
			}
			file.Tensors[side+p.Name] = values
		}
	}
	for _, name := range f.Names() {
		if _, ok := file.Tensors[name]; !ok {
			return nil, usage.Errorf("%s: tensor %s is not one of a mask", path, name)
		}
	}
	return file, nil
}

// Tensor is one tensor to write.
type Tensor struct {
	Name   string
	Dims   []int
	Values []float32
}

// Write writes a mask file in one step.
func Write(path string, list []Tensor) error {
	out := make([]safetensors.TensorData, len(list))
	for i, t := range list {
		out[i] = safetensors.TensorData{Name: t.Name, DType: safetensors.F32, Shape: t.Dims, Float32: t.Values}
	}
	if err := safetensors.Write(path, out, map[string]string{"format": "pt"}); err != nil {
		return fmt.Errorf("write mask: %w", err)
	}
	return nil
}
