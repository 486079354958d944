package model

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/internal/device"
	"github.com/sparsepo/sparsepo/safetensors"
)

// Network is a model whose parameters are variables of a GoMLX store.
type Network struct {
	Config *Config

	backend    compute.Backend
	family     family
	scope      *gomodel.Scope
	dtype      dtypes.DType       // of the forward pass
	linears    map[string]Param   // linear layers' weights by name
	base       []Variable         // all but the quantised ones
	quantised  map[string][][]int // bands of linear layers' weights in four bits, by name
	trainable  bool               // whether base is trained
	adapter    *attached          // nil: none, or turned off
	checkpoint *Checkpoint
}

// Variable is a parameter with the variable that holds it.
type Variable struct {
	Param
	*gomodel.Variable
}

// Variables lists the model's own parameters, an adapter's not among them, but for those that are quantised.
func (n *Network) Variables() []Variable { return n.base }

// Trained lists the parameters that training changes: the adapter's where there is one, else the model's; none where they
// were bound as frozen.
func (n *Network) Trained() []Variable {
	switch {
	case n.adapter != nil && n.adapter.trainable:
		return n.adapter.variables
	case n.adapter == nil && n.trainable:
		return n.base
	}
	return nil
}

// Dropout is the share of its inputs that a trained adapter drops where Inputs.Noise is given; 0 without one.
func (n *Network) Dropout() float64 {
	if n.adapter == nil || !n.adapter.trainable {
		return 0
	}
	return n.adapter.source.Dropout
}

// Forward adds the forward pass to the graph of in.Tokens. Hidden states and activations are float32.
func (n *Network) Forward(in Inputs) Outputs {
	w := &weights{network: n, graph: in.Tokens.Graph(), in: in, down: map[string]*Node{}}
	out := n.family.forward(n.Config, w, in)
	for i, h := range out.Hidden {
		out.Hidden[i] = ConvertDType(h, dtypes.Float32)
	}
	for i, a := range out.Activations {
		out.Activations[i].Value = ConvertDType(a.Value, dtypes.Float32)
	}
	return out
}

// Logits applies the LM head.
//
//	hidden  [n, hidden], taken from Outputs.Final, in any type of floats
//	returns float32 [n, vocab]
func (n *Network) Logits(hidden *Node) *Node {
	hidden.AssertRank(2)
	w := &weights{network: n, graph: hidden.Graph()}
	return ConvertDType(n.family.head(n.Config, w, ConvertDType(hidden, n.dtype)), dtypes.Float32)
}

// Save writes the network as a Hugging Face folder: config.json and the weights with the tensor names, order and dtypes of
// the checkpoint it was bound from, and the tokenizer's files from beside that checkpoint. A network with an adapter writes
// the adapter alone. The folder must exist; callers that need all or nothing write to a temporary one and rename it.
func (n *Network) Save(folder string) error {
	if n.adapter != nil {
		return n.saveAdapter(folder)
	}
	if err := os.WriteFile(filepath.Join(folder, "config.json"), n.Config.JSON(), 0o644); err != nil {
		return fmt.Errorf("write model configuration: %w", err)
	}
	c := n.checkpoint
	parts := map[string][]Variable{} // by the file's tensor
	for _, v := range n.base {
		name := v.Tensor
		parts[name] = append(parts[name], v)
	}
	var joined []float32 // memory for the tensors of several parts, one after the other
	list := make([]safetensors.TensorData, len(c.layout))
	for i, entry := range c.layout {
		variables := parts[entry.name]
		if variables == nil { // a tied head that the files hold all the same
			variables = parts[c.params[0].Tensor]
		}
		list[i] = safetensors.TensorData{Name: entry.name, DType: entry.dtype, Shape: entry.dims, Load: func() ([]float32, error) {
			if variables[0].Part == nil {
				return n.view(variables[0])
			}
			if size := product(entry.dims); len(joined) < size {
				joined = make([]float32, size)
			}
			return joined[:product(entry.dims)], n.join(variables, joined)
		}}
	}
	if err := safetensors.WriteFolder(folder, list, map[string]string{"format": "pt"}, safetensors.DefaultShard); err != nil {
		return err
	}
	return CopyCompanions(c.Folder, folder)
}

// view is a variable's values, for reading.
func (n *Network) view(v Variable) ([]float32, error) {
	value, err := v.Value()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", v.Param.Name, err)
	}
	return device.View(n.backend, value)
}

// join puts the parts of a tensor together.
func (n *Network) join(parts []Variable, whole []float32) error {
	for _, v := range parts {
		values, err := n.view(v)
		if err != nil {
			return err
		}
		v.Part.into(whole, values)
	}
	return nil
}

// Values returns the model's weights, or the adapter's where one is on, by the names of the files' tensors, each joined from
// its parts.
func (n *Network) Values() (map[string][]float32, error) {
	if n.adapter != nil {
		return n.joined(n.adapter.variables)
	}
	return n.joined(n.base)
}

func (n *Network) joined(variables []Variable) (map[string][]float32, error) {
	return n.Join(variables, func(i int) ([]float32, error) {
		value, err := variables[i].Value()
		if err != nil {
			return nil, err
		}
		return device.Values(n.backend, value)
	})
}

// Join puts values given variable by variable (weights, or gradients) together to the files' tensors.
func (n *Network) Join(variables []Variable, value func(i int) ([]float32, error)) (map[string][]float32, error) {
	whole := map[string][]float32{}
	for i, v := range variables {
		flat, err := value(i)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", v.Param.Name, err)
		}
		name := v.Tensor
		if v.Part == nil {
			whole[name] = flat
			continue
		}
		if whole[name] == nil {
			whole[name] = make([]float32, product(v.Part.View))
		}
		v.Part.into(whole[name], flat)
	}
	return whole, nil
}
