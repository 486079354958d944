package model

import (
	"fmt"
	"os"
	"path/filepath"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/safetensors"
)

// Network is a model whose parameters are variables of a GoMLX store.
type Network struct {
	Config *Config
	Params []Param

	family     family
	scope      *gomodel.Scope
	variables  []*gomodel.Variable
	checkpoint *Checkpoint
}

// Variables are the parameters, in the order of Params.
func (n *Network) Variables() []*gomodel.Variable { return n.variables }

// Nodes are the parameters' values in a graph, in the order of Params.
func (n *Network) Nodes(g *Graph) []*Node {
	nodes := make([]*Node, len(n.variables))
	for i, v := range n.variables {
		nodes[i] = v.NodeValue(g)
	}
	return nodes
}

func (n *Network) weights(g *Graph) weights {
	return func(name string) *Node {
		v := n.scope.GetVariable(name)
		if v == nil {
			panic(fmt.Errorf("model: %s has no parameter %q", n.Config.Type, name))
		}
		return v.NodeValue(g)
	}
}

// Forward adds the forward pass to the graph of in.Tokens.
func (n *Network) Forward(in Inputs) Outputs {
	return n.family.forward(n.Config, n.weights(in.Tokens.Graph()), in)
}

// Logits applies the LM head.
//
//	hidden  [n, hidden], taken from Outputs.Final
//	returns [n, vocab]
func (n *Network) Logits(hidden *Node) *Node {
	hidden.AssertRank(2)
	return n.family.head(n.Config, n.weights(hidden.Graph()), hidden)
}

// Save writes the network as a Hugging Face folder: config.json and model.safetensors with the tensor names, order and
// dtypes of the checkpoint it was bound from, and the tokenizer's files from beside that checkpoint. The folder must exist;
// callers that need all or nothing write to a temporary one and rename it.
func (n *Network) Save(folder string) error {
	if err := os.WriteFile(filepath.Join(folder, "config.json"), n.Config.JSON(), 0o644); err != nil {
		return fmt.Errorf("write model configuration: %w", err)
	}
	whole, err := n.Values()
	if err != nil {
		return err
	}
	c := n.checkpoint
	list := make([]safetensors.TensorData, 0, len(c.layout))
	for _, entry := range c.layout {
		values := whole[entry.name]
		if values == nil && entry.name == headTensor {
			values = whole[c.fileName(n.Params[0].Tensor)]
		}
		list = append(list, safetensors.TensorData{Name: entry.name, DType: entry.dtype, Shape: entry.dims, Float32: values})
	}
	if err := safetensors.Write(filepath.Join(folder, "model.safetensors"), list, map[string]string{"format": "pt"}); err != nil {
		return err
	}
	if c.Folder == "" {
		return nil
	}
	return CopyCompanions(c.Folder, folder)
}

// Values returns the current weights by the names of the files' tensors, each joined from its parts.
func (n *Network) Values() (map[string][]float32, error) {
	return n.Join(func(i int) ([]float32, error) {
		value, err := n.variables[i].Value()
		if err != nil {
			return nil, err
		}
		return tensors.CopyFlatData[float32](value)
	})
}

// Join puts values given parameter by parameter (weights, or gradients) together to the files' tensors.
func (n *Network) Join(value func(param int) ([]float32, error)) (map[string][]float32, error) {
	whole := map[string][]float32{}
	for i, p := range n.Params {
		flat, err := value(i)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", p.Name, err)
		}
		name := n.checkpoint.fileName(p.Tensor)
		if p.Part == nil {
			whole[name] = flat
			continue
		}
		if whole[name] == nil {
			whole[name] = make([]float32, p.Part.size())
		}
		p.Part.copyPart(whole[name], flat, false)
	}
	return whole, nil
}
