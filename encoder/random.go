package encoder

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
	"github.com/sparsepo/sparsepo/safetensors"
)

// Random is a freshly initialised encoder with a head of the given tensors. The values depend on the configuration and the
// seed alone.
func Random(config *Config, seed uint64, head ...Tensor) *Checkpoint {
	return &Checkpoint{Config: config, head: head, seed: seed}
}

// initial are a tensor's fresh values: gains are 1, biases 0, and all others normally distributed, from a random stream of
// their own.
func (c *Checkpoint) initial(t Tensor) []float32 {
	values := make([]float32, t.size())
	switch {
	case strings.HasSuffix(strings.ToLower(t.Name), "norm.weight"):
		for i := range values {
			values[i] = 1
		}
	case !strings.HasSuffix(t.Name, ".bias"):
		hash := uint64(14695981039346656037) // FNV-1a of the name
		for _, b := range []byte(t.Name) {
			hash = (hash ^ uint64(b)) * 1099511628211
		}
		random := rand.New(rand.NewPCG(c.seed, hash))
		for i := range values {
			values[i] = float32(c.Config.Std * random.NormFloat64())
		}
	}
	return values
}

// Save writes the checkpoint to a folder, which must exist: config.json, and model.safetensors in float32.
func (c *Checkpoint) Save(folder string) error {
	list := append(c.Config.Tensors(), c.head...)
	data := make([]safetensors.TensorData, len(list))
	for i, t := range list {
		values, err := c.values(t)
		if err != nil {
			return fmt.Errorf("save encoder: %w", err)
		}
		data[i] = safetensors.TensorData{Name: c.fileName(t.Name), DType: "F32", Shape: t.Dims, Float32: values}
	}
	if err := safetensors.Write(filepath.Join(folder, "model.safetensors"), data, map[string]string{"format": "pt"}); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(filepath.Join(folder, "config.json"), c.Config.JSON()); err != nil {
		return fmt.Errorf("write model configuration: %w", err)
	}
	return nil
}
