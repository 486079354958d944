package encoder

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

// Tensors lists the encoder's tensors in the order in which checkpoints store them, without the prefix that models with a
// head put before the names.
func (c *Config) Tensors() []Tensor {
	d := c.Hidden
	list := []Tensor{{wordTable, []int{c.Vocab, c.Embedding}}}
	if !c.family.relative {
		list = append(list, Tensor{placeTable, []int{c.MaxPositions, c.Embedding}})
	}
	if !c.family.untyped {
		list = append(list, Tensor{typeTable, []int{c.TokenTypes, c.Embedding}})
	}
	list = append(list, normTensors(firstNorm, c.Embedding)...)
	if c.family.shared {
		list = append(list, Linear(widening, c.Embedding, d)...)
	}
	if c.family.relative {
		list = append(list, Tensor{distanceTable, []int{2 * c.distances.span, d}})
		list = append(list, normTensors(distanceNorm, d)...)
	}
	var last block
	for i := range c.Layers {
		b := c.family.block(c, i)
		if b == last {
			continue // shared with the layer before
		}
		last = b
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
