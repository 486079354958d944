package encoder

import "fmt"

// Tensor is a tensor of a checkpoint: its name and its dimensions.
type Tensor struct {
	Name string
	Dims []int
}

// size counts the tensor's values.
func (t Tensor) size() int {
	n := 1
	for _, d := range t.Dims {
		n *= d
	}
	return n
}

// Linear are the tensors of a linear layer: Module.weight [out, in] and Module.bias [out].
func Linear(module string, in, out int) []Tensor {
	return []Tensor{{module + ".weight", []int{out, in}}, {module + ".bias", []int{out}}}
}

// normTensors are the tensors of a LayerNorm.
func normTensors(module string, width int) []Tensor {
	return []Tensor{{module + ".weight", []int{width}}, {module + ".bias", []int{width}}}
}

const (
	embeddings = "embeddings."
	wordTable  = embeddings + "word_embeddings.weight"
	placeTable = embeddings + "position_embeddings.weight"
	typeTable  = embeddings + "token_type_embeddings.weight"
	firstNorm  = embeddings + "LayerNorm"
)

// block names the modules of one layer.
type block struct{ query, key, value, output, outputNorm, inner, outer, outerNorm string }

func blockNames(layer int) block {
	p := fmt.Sprintf("encoder.layer.%d.", layer)
	return block{
		query: p + "attention.self.query", key: p + "attention.self.key", value: p + "attention.self.value",
		output: p + "attention.output.dense", outputNorm: p + "attention.output.LayerNorm",
		inner: p + "intermediate.dense", outer: p + "output.dense", outerNorm: p + "output.LayerNorm",
	}
}

// Tensors lists the encoder's tensors in the order in which checkpoints store them, without the prefix that models with a
// head put before the names.
func (c *Config) Tensors() []Tensor {
	d := c.Hidden
	list := []Tensor{{wordTable, []int{c.Vocab, d}}, {placeTable, []int{c.MaxPositions, d}}, {typeTable, []int{c.TokenTypes, d}}}
	list = append(list, normTensors(firstNorm, d)...)
	for i := range c.Layers {
		b := blockNames(i)
		for _, module := range []string{b.query, b.key, b.value, b.output} {
			list = append(list, Linear(module, d, d)...)
		}
		list = append(list, normTensors(b.outputNorm, d)...)
		list = append(list, Linear(b.inner, d, c.Inner)...)
		list = append(list, Linear(b.outer, c.Inner, d)...)
		list = append(list, normTensors(b.outerNorm, d)...)
	}
	return list
}
