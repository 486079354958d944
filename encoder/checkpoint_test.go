package encoder

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/safetensors"
)

const small = `{"model_type": "roberta", "vocab_size": 23, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
	"intermediate_size": 12, "max_position_embeddings": 12, "type_vocab_size": 2, "layer_norm_eps": 1e-5, "initializer_range": 0.5}`

func parse(t testing.TB, text string) *Config {
	t.Helper()
	c, err := ParseConfig([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// saved writes a random encoder and returns its folder.
func saved(t testing.TB, c *Config, head ...Tensor) string {
	t.Helper()
	folder := t.TempDir()
	if err := Random(c, 1, head...).Save(folder); err != nil {
		t.Fatal(err)
	}
	return folder
}

// rewrite changes the tensors of a saved encoder.
func rewrite(t testing.TB, folder string, change func(list []safetensors.TensorData) []safetensors.TensorData) {
	t.Helper()
	files, err := safetensors.OpenFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	var list []safetensors.TensorData
	for _, name := range files.Names() {
		x, _ := files.Tensor(name)
		values, err := x.Float32()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, safetensors.TensorData{Name: name, DType: "F32", Shape: x.Shape, Float32: values})
	}
	files.Close()
	if err := safetensors.Write(filepath.Join(folder, "model.safetensors"), change(list), nil); err != nil {
		t.Fatal(err)
	}
}

func extra(name string) safetensors.TensorData {
	return safetensors.TensorData{Name: name, DType: "F32", Shape: []int{2}, Float32: []float32{1, 2}}
}

// Encoders are found with and without the prefix, beside buffers and a pooler and, where none is asked for, a head; their
// weights are those that were saved.
func TestOpen(t *testing.T) {
	head := Linear("classifier.dense", 8, 8)
	trim := func(list []safetensors.TensorData) []safetensors.TensorData {
		for i := range list {
			list[i].Name = strings.TrimPrefix(list[i].Name, "roberta.")
		}
		return list
	}
	add := func(names ...string) func(list []safetensors.TensorData) []safetensors.TensorData {
		return func(list []safetensors.TensorData) []safetensors.TensorData {
			for _, name := range names {
				list = append(list, extra(name))
			}
			return list
		}
	}
	tests := []struct {
		name   string
		has    []Tensor
		change func(list []safetensors.TensorData) []safetensors.TensorData
		asks   []Tensor
	}{
		{name: "alone"},
		{name: "without prefix", change: trim},
		{name: "with a head", has: head, asks: head},
		{name: "without prefix, with a head", has: head, change: trim, asks: head},
		{name: "head left alone", has: head, change: add("lm_head.bias")},
		{name: "buffers and pooler", has: head, asks: head, change: add("roberta.embeddings.position_ids", "roberta.embeddings.token_type_ids", "roberta.pooler.dense.bias")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			folder := saved(t, parse(t, small), test.has...)
			if test.change != nil {
				rewrite(t, folder, test.change)
			}
			c, err := Open(folder, test.asks...)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fresh := Random(c.Config, 1)
			for _, x := range append(c.Config.Tensors(), test.asks...) {
				got, err := c.values(x)
				if want := fresh.initial(x); err != nil || !slices.Equal(got, want) {
					t.Errorf("%s: got %v, %v; want %v", x.Name, got, err, want)
				}
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	head := Linear("classifier.dense", 8, 8)
	const query = "roberta.encoder.layer.1.attention.self.query.weight"
	tests := []struct {
		name   string
		change func(list []safetensors.TensorData) []safetensors.TensorData
		want   string
	}{
		{"missing", func(list []safetensors.TensorData) []safetensors.TensorData {
			return slices.DeleteFunc(list, func(x safetensors.TensorData) bool { return x.Name == query })
		}, `tensor "` + query + `" is missing`},
		{"no head", func(list []safetensors.TensorData) []safetensors.TensorData { return list[:len(list)-2] }, `tensor "classifier.dense.weight" is missing; tensor "classifier.dense.bias" is missing`},
		{"of another shape", func(list []safetensors.TensorData) []safetensors.TensorData {
			list[0].Shape = []int{8, 23}
			return list
		}, `is [8 23], config.json asks for [23 8]`},
		{"one too many", func(list []safetensors.TensorData) []safetensors.TensorData {
			return append(list, extra("lm_head.bias"), extra("roberta.encoder.layer.2.output.dense.bias"))
		}, `tensor "lm_head.bias" is not one of this roberta model; tensor "roberta.encoder.layer.2.output.dense.bias" is not`},
		{"integers", func(list []safetensors.TensorData) []safetensors.TensorData {
			list[1].DType, list[1].Float32, list[1].Bytes = "I32", nil, make([]byte, 4*len(list[1].Float32))
			return list
		}, `has dtype I32; supported: F32, F16, BF16, F64`},
		{"another model", func([]safetensors.TensorData) []safetensors.TensorData {
			return []safetensors.TensorData{extra("transformer.wte.weight")}
		}, `; and 35 more`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			folder := saved(t, parse(t, small), head...)
			rewrite(t, folder, test.change)
			c, err := Open(folder, head...)
			if c != nil || !usage.Is(err) || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "model "+folder+": ") {
				t.Errorf("got error %v, want a mistake of the user with %q", err, test.want)
			}
		})
	}
}

func goBackend(t testing.TB) compute.Backend {
	t.Helper()
	opened, err := engine.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	return opened.Backend()
}
