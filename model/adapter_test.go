package model

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/safetensors"
)

// adapted puts a fresh adapter on a small GPT-2 that lies in a folder.
func adapted(t *testing.T, l LoRA) (n *Network, folder string) {
	t.Helper()
	folder = t.TempDir()
	if err := tiny(t).Save(folder); err != nil {
		t.Fatal(err)
	}
	return onFolder(t, folder, NewAdapter(l, folder, 7)), folder
}

// onFolder opens the model in a folder and puts an adapter on it.
func onFolder(t *testing.T, folder string, a *Adapter) *Network {
	t.Helper()
	checkpoint, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer checkpoint.Close()
	backend, store := goBackend(t), gomodel.NewStore()
	base, err := checkpoint.Bind(backend, store, "/base", Binding{})
	if err != nil {
		t.Fatal(err)
	}
	n, err := base.Adapt(backend, store, "/adapter", a, true)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func saved(t *testing.T, n *Network) string {
	t.Helper()
	folder := t.TempDir()
	if err := n.Save(folder); err != nil {
		t.Fatal(err)
	}
	return folder
}

// matrices are the tensors of an adapter as its file holds them.
func matrices(t *testing.T, folder string) []stored {
	t.Helper()
	f, err := safetensors.Open(filepath.Join(folder, AdapterWeightsFile))
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

// adapterConfig reads adapter_config.json as PEFT would.
func adapterConfig(t *testing.T, folder string) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(readFile(t, folder, AdapterConfigFile), &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

// The names in target_modules mean the layers that have an adapter to PEFT too, which takes each for a name or the end of one.
func TestSavedTargets(t *testing.T) {
	for _, test := range []struct {
		name    string
		targets []string
		want    []any
	}{
		{"the family's", nil, []any{"c_attn"}},
		{"all", []string{AllLinear}, []any{"c_attn", "c_proj", "c_fc"}},
		{"an end of two parts", []string{"attn.c_proj"}, []any{"attn.c_proj"}},
		{"a pattern of some layers", []string{`.*\.1\.mlp\.(c_fc|c_proj)`}, []any{"1.mlp.c_fc", "1.mlp.c_proj"}},
		{"a whole name", []string{"transformer.h.0.attn.c_attn"}, []any{"0.attn.c_attn"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			n, folder := adapted(t, LoRA{Rank: 2, Alpha: 4, Targets: test.targets})
			out := saved(t, n)
			got := adapterConfig(t, out)["target_modules"]
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("target_modules (-want +got):\n%s", diff)
			}
			again, err := OpenAdapter(out)
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			checkpoint, err := Open(folder)
			if err != nil {
				t.Fatal(err)
			}
			defer checkpoint.Close()
			meant, err := NewAdapter(again.LoRA, "", 0).layers(checkpoint)
			if err != nil {
				t.Fatal(err)
			}
			had, err := again.layers(checkpoint)
			if err != nil || !slices.Equal(meant, had) {
				t.Errorf("the names mean %d layers, the adapter has %d (%v)", len(meant), len(had), err)
			}
		})
	}
}

// An adapter in half precision, under the names that some of PEFT's versions write, with the revision of its base and a
// tokenizer of its own, is read and written as it was.
func TestAdapterKeepsItsFile(t *testing.T) {
	n, folder := adapted(t, LoRA{Rank: 2, Alpha: 4, RankStabilised: true, Dropout: 0.1})
	writeFile(t, []byte("base's"), folder, "tokenizer.json")
	writeFile(t, []byte("base's"), folder, "merges.txt")
	first := saved(t, n)
	for _, dtype := range []string{"BF16", "F16"} {
		half := t.TempDir()
		inHalf(t, first, half, dtype)
		fields := adapterConfig(t, first)
		fields["base_model_name_or_path"], fields["revision"] = "org/none", "v2"
		text, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, text, half, AdapterConfigFile)
		writeFile(t, []byte("adapter's"), half, "tokenizer.json")
		a, err := OpenAdapter(half)
		if err != nil {
			t.Fatal(err)
		}
		if a.Base != "org/none@v2" {
			t.Errorf("base %q, want org/none@v2", a.Base)
		}
		second := saved(t, onFolder(t, folder, a))
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fields, adapterConfig(t, second)); diff != "" {
			t.Errorf("%s: %s (-read +written):\n%s", dtype, AdapterConfigFile, diff)
		}
		for _, x := range matrices(t, second) {
			if x.DType != dtype || strings.Contains(x.Name, "default") {
				t.Errorf("%s was written as %s", x.Name, x.DType)
			}
		}
		if got := string(readFile(t, second, "tokenizer.json")); got != "adapter's" {
			t.Errorf("tokenizer.json is the %s", got)
		}
		if _, err := os.Stat(filepath.Join(second, "merges.txt")); err == nil {
			t.Error("a file of the base's tokenizer lies among the adapter's")
		}
	}
}

// inHalf writes an adapter's matrices in another dtype, with the adapter's name in theirs.
func inHalf(t *testing.T, from, to, dtype string) {
	t.Helper()
	f, err := safetensors.Open(filepath.Join(from, AdapterWeightsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []safetensors.TensorData
	for _, name := range f.Names() {
		x, _ := f.Tensor(name)
		values, err := x.Float32()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, safetensors.TensorData{Name: strings.Replace(name, ".weight", ".default.weight", 1), DType: dtype, Shape: x.Shape, Float32: values})
	}
	if err := safetensors.Write(filepath.Join(to, AdapterWeightsFile), list, nil); err != nil {
		t.Fatal(err)
	}
}

// What an adapter's files can have wrong with them.
func TestAdapterErrors(t *testing.T) {
	n, folder := adapted(t, LoRA{Rank: 2, Alpha: 4})
	good := saved(t, n)
	checkpoint, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer checkpoint.Close()
	const a, b = "base_model.model.transformer.h.0.attn.c_attn.lora_A.weight", "base_model.model.transformer.h.0.attn.c_attn.lora_B.weight"
	set := func(key string, value any) func(map[string]any) { return func(f map[string]any) { f[key] = value } }
	tests := []struct {
		name    string
		config  func(map[string]any)
		weights func([]stored) []stored
		want    string
	}{
		{"no LoRA", set("peft_type", "IA3"), nil, `peft_type: found "IA3"; of PEFT's adapters this version has LORA`},
		{"no rank", set("r", 0), nil, "r: found 0, expected a rank of 1 or more"},
		{"a rank of another kind", set("r", "8"), nil, "r: found a JSON string, expected a whole number"},
		{"a truth value of another kind", set("use_dora", "no"), nil, "use_dora: found a JSON string, expected true or false"},
		{"no scale", func(f map[string]any) { delete(f, "lora_alpha") }, nil, "lora_alpha: missing"},
		{"a scale of nothing", set("lora_alpha", 0), nil, "lora_alpha: found 0, expected a number above 0"},
		{"dropout", set("lora_dropout", 1), nil, "lora_dropout: found 1, expected a share from 0 to below 1"},
		{"bias", set("bias", "all"), nil, `bias: found "all", and trained biases are not supported`},
		{"DoRA", set("use_dora", true), nil, "use_dora: DoRA adapters are not supported; merge the adapter with PEFT's"},
		{"whole layers", set("modules_to_save", []string{"lm_head"}), nil, "modules_to_save: found [lm_head]"},
		{"ranks of layers", set("rank_pattern", map[string]int{"c_attn": 4}), nil, "rank_pattern"},
		{"PiSSA", set("init_lora_weights", "pissa_niter_4"), nil, `init_lora_weights: "pissa_niter_4" changes the base's weights as well`},
		{"repeated layers", set("layer_replication", [][]int{{0, 2}}), nil, "layer_replication: not supported"},
		{"activated by tokens", set("alora_invocation_tokens", []int{1}), nil, "alora_invocation_tokens: not supported"},
		{"targets", set("target_modules", 7), nil, "target_modules: found 7, expected a list of names or a pattern"},
		{"another rank", set("r", 3), nil, `tensor "` + a + `" is [2 8], the model and r ask for [3 8]`},
		{"a matrix alone", nil, func(l []stored) []stored { return slices.DeleteFunc(l, func(x stored) bool { return x.Name == b }) }, "c_attn.lora_A.weight has no counterpart"},
		{"a matrix twice", nil, func(l []stored) []stored {
			x := l[0]
			x.Name = strings.Replace(x.Name, ".weight", ".default.weight", 1)
			return append(l, x)
		}, "are the same matrix"},
		{"a layer of another family", nil, func(l []stored) []stored {
			for i := range l {
				l[i].Name = strings.Replace(l[i].Name, "c_attn", "q_proj", 1)
			}
			return l
		}, `is none of the linear layers of this gpt2 model, which are c_attn, c_proj, c_fc`},
		{"a layer beyond the last", nil, func(l []stored) []stored {
			for i := range l {
				l[i].Name = strings.Replace(l[i].Name, ".h.1.", ".h.2.", 1)
			}
			return l
		}, `"transformer.h.2.attn.c_attn" is none of the linear layers`},
		{"an adapter of embeddings", nil, func(l []stored) []stored {
			l[0].Name = "base_model.model.transformer.wte.lora_embedding_A"
			return l
		}, "is no LoRA matrix of a linear layer"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fields, list := adapterConfig(t, good), matrices(t, good)
			if test.config != nil {
				test.config(fields)
			}
			if test.weights != nil {
				list = test.weights(list)
			}
			folder := t.TempDir()
			text, err := json.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, text, folder, AdapterConfigFile)
			write(t, folder, AdapterWeightsFile, list)
			adapter, err := OpenAdapter(folder)
			if err == nil {
				err = checkpoint.Check(adapter)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), folder) || !usage.Is(err) {
				t.Errorf("error %v (the user's: %v), want %q and the folder", err, usage.Is(err), test.want)
			}
		})
	}
	for text, want := range map[string]string{
		"{": "not a JSON object as PEFT writes it", "[]": "not a JSON object as PEFT writes it", "{}": "peft_type: found \"\"",
	} {
		broken := t.TempDir()
		writeFile(t, []byte(text), broken, AdapterConfigFile)
		if _, err := OpenAdapter(broken); err == nil || !strings.Contains(err.Error(), want) || !usage.Is(err) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
	without := t.TempDir()
	writeFile(t, readFile(t, good, AdapterConfigFile), without, AdapterConfigFile)
	if _, err := OpenAdapter(without); err == nil || !strings.Contains(err.Error(), "no adapter_model.safetensors") || !usage.Is(err) {
		t.Errorf("without matrices: %v", err)
	}
	writeFile(t, readFile(t, good, AdapterWeightsFile)[:100], without, AdapterWeightsFile)
	if _, err := OpenAdapter(without); !usage.Is(err) || !strings.Contains(err.Error(), AdapterWeightsFile) {
		t.Errorf("matrices cut off: %v", err)
	}
}

// Targets that mean no layer name those that there are.
func TestTargetErrors(t *testing.T) {
	_, folder := adapted(t, LoRA{Rank: 2, Alpha: 4})
	checkpoint, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer checkpoint.Close()
	for target, want := range map[string]string{
		"q_proj":       `lora_target_modules: "q_proj" is no linear layer of this gpt2 model; it has c_attn, c_proj, c_fc, and "all-linear" stands for all`,
		`.*\.h\.9\..*`: `lora_target_modules: ".*\\.h\\.9\\..*" is no linear layer`,
		`.*(`:          `lora_target_modules: ".*(" is not a regular expression`,
	} {
		err := checkpoint.Check(NewAdapter(LoRA{Rank: 2, Alpha: 4, Targets: []string{"c_fc", target}}, "", 0))
		if err == nil || !strings.HasPrefix(err.Error(), want) || !usage.Is(err) {
			t.Errorf("%s: error %v, want %q", target, err, want)
		}
	}
}

// Whatever stands in adapter_config.json: an error of the user's, or settings that make sense.
func FuzzAdapterFile(f *testing.F) {
	for _, text := range []string{
		`{"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["c_attn"], "base_model_name_or_path": "gpt2"}`,
		`{"peft_type": "LORA", "r": 8, "lora_alpha": 1e400}`, `{"peft_type": "LORA", "r": 1, "lora_alpha": 1, "target_modules": "a|b", "revision": "x"}`,
		`{"peft_type": "LORA", "r": 1e3, "lora_alpha": null}`, `{"r": {"a": []}}`, `null`, `[`, `{"layer_replication": {}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		folder := t.TempDir()
		writeFile(t, text, folder, AdapterConfigFile)
		file, l, err := readAdapterFile(folder)
		if err != nil {
			if !usage.Is(err) {
				t.Fatalf("%v: not the user's mistake", err)
			}
			return
		}
		if l.Rank < 1 || !(l.scale() > 0) || l.Dropout < 0 || l.Dropout >= 1 || !strings.HasPrefix(file.base(), file.Base) {
			t.Fatalf("settings %+v", l)
		}
	})
}
