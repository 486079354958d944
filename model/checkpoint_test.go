package model

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/safetensors"
)

func goBackend(t testing.TB) compute.Backend {
	t.Helper()
	opened, err := engine.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	return opened.Backend()
}

// tiny is a random GPT-2: 11 tokens, 2 layers of width 8.
func tiny(t testing.TB) *Network {
	t.Helper()
	config, err := GPT2Config(11, 8, 2, 2, 16, 0)
	if err != nil {
		t.Fatal(err)
	}
	n, err := Random(config, 3).Bind(goBackend(t), gomodel.NewStore(), "/tiny", Binding{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// resave opens a model folder, binds it and writes it to a new one.
func resave(t testing.TB, folder string) string {
	t.Helper()
	checkpoint, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer checkpoint.Close()
	n, err := checkpoint.Bind(goBackend(t), gomodel.NewStore(), "/n", Binding{})
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if err := n.Save(out); err != nil {
		t.Fatal(err)
	}
	return out
}

func readFile(t testing.TB, elements ...string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func writeFile(t testing.TB, content []byte, elements ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(elements...), content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// stored is a tensor as a file holds it.
type stored struct {
	Name, DType string
	Shape       []int
	Bytes       []byte
}

func storedTensors(t testing.TB, folder string) []stored {
	t.Helper()
	f, err := safetensors.OpenFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []stored
	for _, name := range f.Names() {
		x, _ := f.Tensor(name)
		list = append(list, stored{name, x.DType, x.Shape, bytes.Clone(x.Bytes)})
	}
	return list
}

// write stores tensors in one file of a folder, in this order.
func write(t testing.TB, folder, file string, list []stored) {
	t.Helper()
	data := make([]safetensors.TensorData, len(list))
	for i, x := range list {
		data[i] = safetensors.TensorData{Name: x.Name, DType: x.DType, Shape: x.Shape, Bytes: x.Bytes}
	}
	if err := safetensors.Write(filepath.Join(folder, file), data, nil); err != nil {
		t.Fatal(err)
	}
}

// What is read and written again keeps every tensor's name, place, dtype, shape and bits, and config.json every byte.
func TestSaveKeepsTheFiles(t *testing.T) {
	for _, family := range golden.Families(t) {
		for _, which := range []string{"policy", "reference"} {
			t.Run(family+" "+which, func(t *testing.T) {
				original := golden.Shared(t, "golden", family, which)
				first := resave(t, original)
				if diff := cmp.Diff(storedTensors(t, original), storedTensors(t, first), cmp.Comparer(bytes.Equal)); diff != "" {
					t.Errorf("tensors (-original +saved):\n%s", diff)
				}
				second := resave(t, first)
				for _, file := range []string{"config.json", "model.safetensors"} {
					if !bytes.Equal(readFile(t, first, file), readFile(t, second, file)) {
						t.Errorf("%s is not byte-identical when saved a second time", file)
					}
				}
				if !bytes.Equal(readFile(t, original, "config.json"), readFile(t, first, "config.json")) {
					t.Error("config.json changed")
				}
			})
		}
	}
}

// Half precision stays half precision, bit for bit, and a file of several dtypes keeps them.
func TestSaveKeepsDTypes(t *testing.T) {
	whole := t.TempDir()
	if err := tiny(t).Save(whole); err != nil {
		t.Fatal(err)
	}
	for name, dtype := range map[string]func(tensor string) string{
		"BF16": func(string) string { return "BF16" },
		"F16":  func(string) string { return "F16" },
		"norms in F32, the rest in BF16": func(tensor string) string {
			if strings.Contains(tensor, ".ln_") {
				return "F32"
			}
			return "BF16"
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			writeFile(t, readFile(t, whole, "config.json"), folder, "config.json")
			f, err := safetensors.OpenFolder(whole)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var data []safetensors.TensorData
			for _, tensor := range f.Names() {
				x, _ := f.Tensor(tensor)
				values, err := x.Float32()
				if err != nil {
					t.Fatal(err)
				}
				data = append(data, safetensors.TensorData{Name: tensor, DType: dtype(tensor), Shape: x.Shape, Float32: values})
			}
			if err := safetensors.Write(filepath.Join(folder, "model.safetensors"), data, nil); err != nil {
				t.Fatal(err)
			}
			out := resave(t, folder)
			if diff := cmp.Diff(storedTensors(t, folder), storedTensors(t, out)); diff != "" {
				t.Errorf("tensors (-read +saved):\n%s", diff)
			}
			if !bytes.Equal(readFile(t, folder, "model.safetensors"), readFile(t, out, "model.safetensors")) {
				t.Error("model.safetensors is not byte-identical")
			}
		})
	}
}

// A model in shards is read as a whole one and saved in one file.
func TestShards(t *testing.T) {
	whole, folder := t.TempDir(), t.TempDir()
	n := tiny(t)
	if err := n.Save(whole); err != nil {
		t.Fatal(err)
	}
	list := storedTensors(t, whole)
	index := map[string]any{"metadata": map[string]int{"total_size": 1}}
	shardOf := map[string]string{}
	for i, part := range [][]stored{list[:5], list[5:]} {
		file := []string{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}[i]
		write(t, folder, file, part)
		for _, x := range part {
			shardOf[x.Name] = file
		}
	}
	index["weight_map"] = shardOf
	text, err := json.Marshal(index)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, text, folder, "model.safetensors.index.json")
	writeFile(t, readFile(t, whole, "config.json"), folder, "config.json")
	out := resave(t, folder)
	if !bytes.Equal(readFile(t, whole, "model.safetensors"), readFile(t, out, "model.safetensors")) {
		t.Error("the model put together is not the one that was taken apart")
	}
	if entries, _ := filepath.Glob(filepath.Join(out, "*")); len(entries) != 2 {
		t.Errorf("saved %q, want config.json and model.safetensors", entries)
	}
}

// The tokenizer's files go along with the weights.
func TestSaveTakesCompanionsAlong(t *testing.T) {
	folder := t.TempDir()
	if err := tiny(t).Save(folder); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tokenizer.json", "generation_config.json", "merges.txt", "notes.md"} {
		writeFile(t, []byte("{ }\n"+name), folder, name)
	}
	out := resave(t, folder)
	for _, name := range []string{"tokenizer.json", "generation_config.json", "merges.txt"} {
		if !bytes.Equal(readFile(t, folder, name), readFile(t, out, name)) {
			t.Errorf("%s changed", name)
		}
	}
	if _, err := os.Stat(filepath.Join(out, "notes.md")); err == nil {
		t.Error("notes.md was copied, which is no file of a model")
	}
}

func TestOpenErrors(t *testing.T) {
	whole := t.TempDir()
	if err := tiny(t).Save(whole); err != nil {
		t.Fatal(err)
	}
	at := func(list []stored, name string) int {
		return slices.IndexFunc(list, func(x stored) bool { return x.Name == name })
	}
	tests := []struct {
		name   string
		change func(list []stored) []stored
		config string // replaces config.json; "" keeps it
		want   []string
	}{
		{
			name: "a tensor is missing", want: []string{`tensor "transformer.h.1.ln_2.bias" is missing`},
			change: func(list []stored) []stored {
				i := at(list, "transformer.h.1.ln_2.bias")
				return slices.Delete(list, i, i+1)
			},
		},
		{
			name: "a tensor too many", want: []string{`tensor "transformer.h.2.ln_1.bias" is not one of a gpt2 model`},
			change: func(list []stored) []stored {
				x := list[at(list, "transformer.h.1.ln_1.bias")]
				x.Name = "transformer.h.2.ln_1.bias"
				return append(list, x)
			},
		},
		{
			name: "a tensor of another shape", want: []string{`tensor "transformer.wpe.weight" is [8 16], config.json asks for [16 8]`},
			change: func(list []stored) []stored {
				list[at(list, "transformer.wpe.weight")].Shape = []int{8, 16}
				return list
			},
		},
		{
			name: "an integer tensor", want: []string{`tensor "transformer.wpe.weight" has dtype I32; supported: F32, F16, BF16, F64`},
			change: func(list []stored) []stored {
				list[at(list, "transformer.wpe.weight")].DType = "I32"
				return list
			},
		},
		{name: "many problems", want: []string{"and 22 more"}, change: func(list []stored) []stored { return list[:1] }},
		{name: "another model type", config: `{"model_type": "bert", "vocab_size": 11}`, want: []string{`model_type "bert" is not supported; known: `, "gpt2"}},
		{name: "no model type", config: `{"vocab_size": 11}`, want: []string{`model_type "" is not supported`}},
		{name: "half a file", config: `{"model_type": "gpt2", `, want: []string{"config.json: not a JSON object"}},
		{name: "not an object", config: `[1]`, want: []string{"config.json: not a JSON object"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			config := readFile(t, whole, "config.json")
			if test.config != "" {
				config = []byte(test.config)
			}
			writeFile(t, config, folder, "config.json")
			list := storedTensors(t, whole)
			if test.change != nil {
				list = test.change(list)
			}
			write(t, folder, "model.safetensors", list)
			checkpoint, err := Open(folder)
			if checkpoint != nil || err == nil {
				t.Fatalf("got %v, %v; want an error", checkpoint, err)
			}
			for _, want := range append(test.want, folder) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %q in it", err, want)
				}
			}
			if !usage.Is(err) {
				t.Errorf("error %q is not marked as the user's", err)
			}
		})
	}
	for _, folder := range []string{t.TempDir(), filepath.Join(whole, "none")} {
		if _, err := Open(folder); !usage.Is(err) || !strings.Contains(err.Error(), "no config.json; expected a folder in Hugging Face layout") {
			t.Errorf("without config.json: %v", err)
		}
	}
}

// Constants that older writers stored beside the weights are left out when saved.
func TestBuffersAreIgnored(t *testing.T) {
	whole := t.TempDir()
	if err := tiny(t).Save(whole); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	writeFile(t, readFile(t, whole, "config.json"), folder, "config.json")
	causal := stored{Name: "transformer.h.0.attn.bias", DType: "U8", Shape: []int{1, 1, 2, 2}, Bytes: []byte{1, 0, 1, 1}}
	write(t, folder, "model.safetensors", append(storedTensors(t, whole), causal))
	if diff := cmp.Diff(storedTensors(t, whole), storedTensors(t, resave(t, folder))); diff != "" {
		t.Errorf("tensors (-want +saved):\n%s", diff)
	}
}

// A tied head that stands in the file all the same follows the embedding; an untied one is a parameter of its own.
func TestHead(t *testing.T) {
	whole := t.TempDir()
	if err := tiny(t).Save(whole); err != nil {
		t.Fatal(err)
	}
	list := storedTensors(t, whole)
	head := list[slices.IndexFunc(list, func(x stored) bool { return x.Name == "transformer.wte.weight" })]
	head.Name = headTensor
	for _, tied := range []bool{true, false} {
		folder := t.TempDir()
		config := map[string]any{}
		if err := json.Unmarshal(readFile(t, whole, "config.json"), &config); err != nil {
			t.Fatal(err)
		}
		config["tie_word_embeddings"] = tied
		text, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, text, folder, "config.json")
		write(t, folder, "model.safetensors", append(slices.Clone(list), head))
		if diff := cmp.Diff(storedTensors(t, folder), storedTensors(t, resave(t, folder))); diff != "" {
			t.Errorf("tied %v: tensors (-read +saved):\n%s", tied, diff)
		}
		checkpoint, err := Open(folder)
		if err != nil {
			t.Fatal(err)
		}
		defer checkpoint.Close()
		want := Random(checkpoint.Config, 0).NumParameters()
		if got := checkpoint.NumParameters(); got != want {
			t.Errorf("tied %v: %d parameters, want %d", tied, got, want)
		}
		names := map[string]bool{}
		for _, p := range checkpoint.params {
			names[p.Name] = true
		}
		if names[headTensor] == tied {
			t.Errorf("tied %v: parameters %q", tied, slices.Sorted(maps.Keys(names)))
		}
	}
}
