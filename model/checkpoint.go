package model

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/safetensors"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// Checkpoint is a model on disk or a random initialisation of one: a configuration and the source of its tensors.
type Checkpoint struct {
	Config *Config
	Folder string // where it was read; "" for a random one

	family family
	params []Param
	files  *safetensors.Folder // nil for a random one
	layout []layoutEntry       // of the files, or of new ones
	seed   uint64
}

// layoutEntry is one tensor as it stands in the files: its name there, dtype and dimensions.
type layoutEntry struct {
	name, dtype string
	dims        []int
}

// Open reads the configuration and the tensor headers of a Hugging Face folder and checks that every parameter is there in
// the right shape and that nothing unknown is. Close it after binding.
func Open(folder string) (*Checkpoint, error) {
	config, err := ReadConfig(folder)
	if err != nil {
		return nil, err
	}
	files, err := safetensors.OpenFolder(folder)
	if err != nil {
		return nil, usage.Wrap(fmt.Errorf("model %s: %w", folder, err))
	}
	c := &Checkpoint{Config: config, Folder: folder, family: families[config.Type], files: files}
	c.params = c.family.params(config)
	if err := c.checkTensors(); err != nil {
		files.Close()
		return nil, usage.Wrap(fmt.Errorf("model %s: %w", folder, err))
	}
	return c, nil
}

// Random is a freshly initialised model. The values depend on the configuration and the seed alone.
func Random(config *Config, seed uint64) *Checkpoint {
	c := &Checkpoint{Config: config, family: families[config.Type], seed: seed}
	c.params = c.family.params(config)
	for _, p := range c.params {
		if len(c.layout) > 0 && c.layout[len(c.layout)-1].name == p.Tensor {
			continue
		}
		c.layout = append(c.layout, layoutEntry{name: p.Tensor, dtype: "F32", dims: p.whole()})
	}
	return c
}

// Close releases the files.
func (c *Checkpoint) Close() error {
	if c.files == nil {
		return nil
	}
	return c.files.Close()
}

// NumParameters counts the weights, tied ones once.
func (c *Checkpoint) NumParameters() int {
	n := 0
	for _, p := range c.params {
		n += p.size()
	}
	return n
}

// checkTensors compares the files with the parameters and records the files' layout.
func (c *Checkpoint) checkTensors() error {
	first := c.params[0].Tensor
	if _, ok := c.files.Tensor(first); !ok {
		if _, ok := c.files.Tensor(strings.TrimPrefix(first, c.family.prefix())); ok {
			for i, p := range c.params {
				c.params[i].Tensor = strings.TrimPrefix(p.Tensor, c.family.prefix())
			}
		}
	}
	wanted := map[string][]int{}
	for _, p := range c.params {
		wanted[p.Tensor] = p.whole()
	}
	var problems []string
	for _, p := range c.params {
		name := p.Tensor
		dims, pending := wanted[name]
		if !pending {
			continue
		}
		t, ok := c.files.Tensor(name)
		switch {
		case !ok:
			problems = append(problems, fmt.Sprintf("tensor %q is missing", name))
		case !slices.Equal(t.Shape, dims):
			problems = append(problems, fmt.Sprintf("tensor %q is %v, config.json asks for %v", name, t.Shape, dims))
		case !slices.Contains([]string{"F32", "F16", "BF16", "F64"}, t.DType):
			problems = append(problems, fmt.Sprintf("tensor %q has dtype %s; supported: F32, F16, BF16, F64", name, t.DType))
		}
		delete(wanted, name)
	}
	known := map[string]bool{}
	for _, p := range c.params {
		known[p.Tensor] = true
	}
	for _, name := range c.files.Names() {
		t, _ := c.files.Tensor(name)
		tied := c.Config.TieHead && name == headTensor
		switch {
		case known[name] || tied:
			c.layout = append(c.layout, layoutEntry{name, t.DType, t.Shape})
		case c.family.buffer(name):
		default:
			problems = append(problems, fmt.Sprintf("tensor %q is not one of a %s model", name, c.Config.Type))
		}
	}
	if len(problems) > 0 {
		const shown = 5
		if len(problems) > shown {
			problems = append(problems[:shown], fmt.Sprintf("and %d more", len(problems)-shown))
		}
		return fmt.Errorf("the files do not fit config.json: %s", strings.Join(problems, "; "))
	}
	return nil
}

const headTensor = "lm_head.weight"

// stream is a parameter's own random numbers.
func stream(name string, seed uint64) *rand.Rand {
	hash := uint64(14695981039346656037) // FNV-1a of the name
	for _, b := range []byte(name) {
		hash = (hash ^ uint64(b)) * 1099511628211
	}
	return rand.New(rand.NewPCG(seed, hash))
}

// name is what messages call the checkpoint.
func (c *Checkpoint) name() string {
	if c.Folder == "" {
		return "(new)"
	}
	return c.Folder
}

// initial fills into with the values of a fresh parameter from element first on. Every block of initialBlock values has its
// own random stream, so that they depend neither on the other parameters nor on how they are read.
func (c *Checkpoint) initial(p Param, into []float32, first int) {
	switch p.Kind {
	case KindGain:
		for i := range into {
			into[i] = 1
		}
	case KindWeight:
		for done := 0; done < len(into); {
			block, skip := (first+done)/initialBlock, (first+done)%initialBlock
			rnd := stream(fmt.Sprintf("%s#%d", p.Name, block), c.seed)
			n := min(initialBlock-skip, len(into)-done)
			for range skip {
				rnd.NormFloat64()
			}
			for i := range n {
				into[done+i] = float32(rnd.NormFloat64() * p.Std)
			}
			done += n
		}
	default:
		clear(into)
	}
}

const initialBlock = 1 << 16

// tokenizerFiles are the files that make up a tokenizer.
var tokenizerFiles = []string{
	"tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "special_tokens.json", "added_tokens.json",
	"vocab.json", "encoder.json", "merges.txt", "vocab.bpe", "chat_template.jinja", "chat_template.json",
}

const generationFile = "generation_config.json"

// CopyCompanions copies the tokenizer's and the generation configuration's files from one model folder to another, as far
// as they exist.
func CopyCompanions(from, to string) error {
	return copyFiles(append([]string{generationFile}, tokenizerFiles...), from, to)
}

// copyTokenizer copies the files of an adapter's tokenizer: those beside the adapter, or else those beside its base. Folders
// that are empty are passed over.
func copyTokenizer(base, adapter, to string) error {
	if adapter != "" && tokenizer.Exists(adapter) {
		base = adapter
	}
	return copyFiles(tokenizerFiles, base, to)
}

func copyFiles(names []string, from, to string) error {
	if from == "" {
		return nil
	}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(from, name))
		if os.IsNotExist(err) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), text, 0o644)
		}
		if err != nil {
			return fmt.Errorf("copy %s: %w", name, err)
		}
	}
	return nil
}
