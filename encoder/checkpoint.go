package encoder

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/safetensors"
)

// Checkpoint is an encoder on disk, or a random initialisation of one: a configuration and the source of its tensors.
type Checkpoint struct {
	Config *Config
	Folder string // where it was read; "" for a random one

	head  []Tensor
	files *safetensors.Folder // nil for a random one
	names map[string]string   // the tensors' names in the files, by their names of today
	bare  bool                // the files leave the prefix off the encoder's tensors
	seed  uint64
}

// Open reads the configuration and the tensor headers of a Hugging Face folder and checks that every tensor of the encoder
// and of the head is there in the right shape. Where a head is asked for, tensors of anything else are an error; where none
// is, whatever head the folder has is left alone. The head's names are as in the files. Close it after binding.
func Open(folder string, head ...Tensor) (*Checkpoint, error) {
	config, err := ReadConfig(folder)
	if err != nil {
		return nil, err
	}
	return OpenAs(config, folder, head...)
}

// OpenAs is Open with a configuration that was read before.
func OpenAs(config *Config, folder string, head ...Tensor) (*Checkpoint, error) {
	files, err := safetensors.OpenFolder(folder)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", folder, err)
	}
	c := &Checkpoint{Config: config, Folder: folder, head: head, files: files}
	if err := c.check(); err != nil {
		files.Close()
		return nil, usage.Errorf("model %s: %w", folder, err)
	}
	return c, nil
}

// Close releases the files.
func (c *Checkpoint) Close() error {
	if c.files == nil {
		return nil
	}
	return c.files.Close()
}

// NumParameters counts the weights, the head's included.
func (c *Checkpoint) NumParameters() int {
	n := 0
	for _, t := range append(c.Config.Tensors(), c.head...) {
		n += t.size()
	}
	return n
}

// fileTensors are the tensors under their names in the files.
func (c *Checkpoint) fileTensors() []Tensor {
	list := c.Config.Tensors()
	for i := range list {
		list[i].Name = c.fileName(list[i].Name)
	}
	return append(list, c.head...)
}

func (c *Checkpoint) fileName(tensor string) string {
	if c.bare || slices.ContainsFunc(c.head, func(t Tensor) bool { return t.Name == tensor }) {
		return tensor
	}
	return c.Config.family.prefix + tensor
}

// oldNames are the ends of names that the first BERT checkpoints gave to gains and biases of norms.
var oldNames = strings.NewReplacer("Norm.gamma", "Norm.weight", "Norm.beta", "Norm.bias", "norm.gamma", "norm.weight", "norm.beta", "norm.bias")

// find finds a tensor of the files by its name of today.
func (c *Checkpoint) find(name string) (safetensors.Tensor, bool) {
	return c.files.Tensor(c.names[name])
}

// stored are the element types that weights may be stored in.
var stored = []string{"F32", "F16", "BF16", "F64"}

// check compares the files with the configuration.
func (c *Checkpoint) check() error {
	c.names = map[string]string{}
	for _, name := range c.files.Names() {
		c.names[oldNames.Replace(name)] = name
	}
	_, full := c.names[c.Config.family.prefix+wordTable]
	_, bare := c.names[wordTable]
	c.bare = bare && !full
	var problems []string
	known := map[string]bool{}
	for _, want := range c.fileTensors() {
		known[want.Name] = true
		t, ok := c.find(want.Name)
		switch {
		case !ok:
			problems = append(problems, fmt.Sprintf("tensor %q is missing", want.Name))
		case !slices.Equal(t.Shape, want.Dims):
			problems = append(problems, fmt.Sprintf("tensor %q is %v, config.json asks for %v", want.Name, t.Shape, want.Dims))
		case !slices.Contains(stored, t.DType):
			problems = append(problems, fmt.Sprintf("tensor %q has dtype %s; supported: %s", want.Name, t.DType, strings.Join(stored, ", ")))
		}
	}
	for _, name := range c.files.Names() {
		if now := oldNames.Replace(name); !known[now] && !c.ignored(now) {
			problems = append(problems, fmt.Sprintf("tensor %q is not one of this %s model", name, c.Config.Type))
		}
	}
	const shown = 5
	if n := len(problems); n > shown {
		problems = append(problems[:shown], fmt.Sprintf("and %d more", n-shown))
	}
	if len(problems) > 0 {
		return fmt.Errorf("the files do not fit config.json: %s", strings.Join(problems, "; "))
	}
	return nil
}

// ignored reports whether a tensor of the files is one that the hidden states and the head do not depend on: buffers, the
// pooler, and, where no head is asked for, all that lies outside the encoder.
func (c *Checkpoint) ignored(name string) bool {
	own := strings.TrimPrefix(name, c.Config.family.prefix)
	switch {
	case own == embeddings+"position_ids", own == embeddings+"token_type_ids", strings.HasPrefix(own, "pooler."):
		return true
	case len(c.head) > 0:
		return false
	}
	return !slices.ContainsFunc(c.Config.family.modules, func(module string) bool { return strings.HasPrefix(own, module) })
}

// values reads one tensor.
func (c *Checkpoint) values(t Tensor) ([]float32, error) {
	if c.files == nil {
		return c.initial(t), nil
	}
	file, _ := c.find(c.fileName(t.Name))
	return file.Float32()
}
