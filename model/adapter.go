package model

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/safetensors"
)

// Files of an adapter, in PEFT's layout.
const (
	AdapterConfigFile  = "adapter_config.json"
	AdapterWeightsFile = "adapter_model.safetensors"
)

// peftPrefix is what PEFT puts before the names of the base model's modules.
const peftPrefix = "base_model.model."

// Adapter is a LoRA adapter: its settings and the source of its matrices, a PEFT folder or a fresh initialisation.
type Adapter struct {
	LoRA
	Folder string // where it was read; "" for a fresh one
	Base   string // the model it belongs to, as the folder names it, or as SaveAdapter is to name it

	seed uint64
	file *safetensors.File // nil for a fresh one
}

// NewAdapter is a fresh adapter that changes nothing yet: A is random, B zero.
func NewAdapter(l LoRA, base string, seed uint64) *Adapter {
	return &Adapter{LoRA: l, Base: base, seed: seed}
}

// IsAdapter reports whether a folder holds an adapter in place of a whole model.
func IsAdapter(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, AdapterConfigFile))
	return err == nil
}

// OpenAdapter reads an adapter's settings and the headers of its matrices. Close it after Adapt.
func OpenAdapter(folder string) (*Adapter, error) {
	f, l, err := readAdapterFile(folder)
	if err != nil {
		return nil, err
	}
	a := &Adapter{LoRA: l, Folder: folder, Base: f.base()}
	weights := filepath.Join(folder, AdapterWeightsFile)
	if _, err := os.Stat(weights); errors.Is(err, os.ErrNotExist) {
		return nil, usage.Hint(usage.Errorf("adapter %s: no %s", folder, AdapterWeightsFile), "adapters saved as adapter_model.bin are not read; save them again with PEFT's save_pretrained(folder, safe_serialization=True)")
	}
	if a.file, err = safetensors.Open(weights); err != nil {
		return nil, usage.Wrap(err)
	}
	return a, nil
}

// Close releases the files.
func (a *Adapter) Close() error {
	if a.file == nil {
		return nil
	}
	return a.file.Close()
}

// layers of an opened adapter are those it has matrices for; every matrix must fit a layer of the model.
func (a *Adapter) layers(c *Checkpoint) ([]*Linear, error) {
	if a.file == nil {
		return a.targeted(c)
	}
	known := map[string]*Linear{}
	for _, l := range c.linears() {
		known[l.Module] = l
	}
	wrong := func(format string, args ...any) error {
		return usage.Hint(usage.Errorf("adapter %s does not fit the model %s: %s", a.Folder, c.name(), fmt.Sprintf(format, args...)),
			fmt.Sprintf("it was made for %q", a.Base))
	}
	seen := map[string]string{} // the file's name of each matrix
	for _, name := range a.file.Names() {
		module, matrix, ok := splitAdapterName(name)
		if !ok {
			return nil, wrong("tensor %q is no LoRA matrix of a linear layer", name)
		}
		l := known[module]
		if l == nil {
			return nil, wrong("%q is none of the linear layers of this %s model, which are %s", module, c.Config.Type, strings.Join(layerNames(c.linears()), ", "))
		}
		want := []int{a.Rank, l.In}
		if matrix == upMatrix {
			want = []int{l.Out, a.Rank}
		}
		if t, _ := a.file.Tensor(name); !slices.Equal(t.Shape, want) {
			return nil, wrong("tensor %q is %v, the model and r ask for %v", name, t.Shape, want)
		}
		if first := seen[module+matrix]; first != "" {
			return nil, wrong("tensors %q and %q are the same matrix", first, name)
		}
		seen[module+matrix] = name
	}
	var layers []*Linear
	for _, l := range c.linears() {
		down, up := seen[l.Module+downMatrix], seen[l.Module+upMatrix]
		switch {
		case down != "" && up != "":
			layers = append(layers, l)
		case down+up != "":
			return nil, wrong("%s%s has no counterpart", down, up)
		}
	}
	if len(layers) == 0 {
		return nil, wrong("it has no matrices")
	}
	return layers, nil
}

// splitAdapterName takes a tensor's name apart; PEFT writes the adapter's name into it or not.
func splitAdapterName(name string) (module, matrix string, ok bool) {
	name = strings.TrimPrefix(name, peftPrefix)
	name = strings.Replace(name, ".default.weight", ".weight", 1)
	for _, matrix := range []string{downMatrix, upMatrix} {
		if module, ok := strings.CutSuffix(name, matrix); ok {
			return module, matrix, true
		}
	}
	return "", "", false
}

// values reads or initialises one matrix.
func (a *Adapter) values(p Param) ([]float32, error) {
	if a.file == nil {
		return uniform(p, a.seed), nil
	}
	for _, name := range a.file.Names() {
		if module, matrix, _ := splitAdapterName(name); module+matrix == p.Tensor {
			t, _ := a.file.Tensor(name)
			whole, err := t.Float32()
			if err != nil {
				return nil, fmt.Errorf("adapter %s: %w", a.Folder, err)
			}
			if p.Part == nil {
				return whole, nil
			}
			part := make([]float32, p.size())
			p.Part.of(whole, part)
			return part, nil
		}
	}
	return nil, fmt.Errorf("adapter %s: no tensor %q", a.Folder, p.Tensor)
}

// dtype is the type in which the matrices are saved: that of the file they were read from.
func (a *Adapter) dtype() string {
	if a.file == nil {
		return safetensors.F32
	}
	t, _ := a.file.Tensor(a.file.Names()[0])
	return t.DType
}

// uniform are the values of a fresh matrix: A evenly spread with the parameter's deviation, from a stream of its own; B zero.
func uniform(p Param, seed uint64) []float32 {
	values := make([]float32, p.size())
	if p.Std == 0 {
		return values
	}
	rnd := stream(p.Name, seed)
	bound := p.Std * math.Sqrt(3)
	for i := range values {
		values[i] = float32((2*rnd.Float64() - 1) * bound)
	}
	return values
}
