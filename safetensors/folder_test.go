package safetensors

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// folder fills a new folder; the content "@a b" stands for a safetensors file with tensors a and b.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		tensors, isWeights := strings.CutPrefix(text, "@")
		if !isWeights {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		var list []TensorData
		for i, tensor := range strings.Fields(tensors) {
			list = append(list, TensorData{Name: tensor, DType: F32, Shape: []int{1}, Float32: []float32{float32(i)}})
		}
		write(t, path, list, nil)
	}
	return dir
}

func TestOpenFolder(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"one file", map[string]string{singleName: "@wte wpe"}, []string{"wte", "wpe"}},
		{"one file beside an index", map[string]string{singleName: "@wte", indexName: "{}"}, []string{"wte"}},
		{"shards", map[string]string{
			"model-00002-of-00002.safetensors": "@c",
			"model-00001-of-00002.safetensors": "@b a",
			indexName:                          `{"metadata":{"total_size":12},"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00001-of-00002.safetensors","c":"model-00002-of-00002.safetensors"}}`,
		}, []string{"b", "a", "c"}},
		{"a tensor the index forgets", map[string]string{
			"x.safetensors": "@a more", "y.safetensors": "@b",
			indexName: `{"weight_map":{"a":"x.safetensors","b":"y.safetensors"}}`,
		}, []string{"a", "more", "b"}},
		{"the index decides between two copies", map[string]string{
			"x.safetensors": "@a b", "y.safetensors": "@b",
			indexName: `{"weight_map":{"a":"x.safetensors","b":"y.safetensors"}}`,
		}, []string{"a", "b"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			model, err := OpenFolder(folder(t, test.files))
			if err != nil {
				t.Fatal(err)
			}
			defer model.Close()
			if diff := cmp.Diff(test.want, model.Names()); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
			for _, name := range test.want {
				if tensor, ok := model.Tensor(name); !ok || tensor.Name != name || len(tensor.Bytes) != 4 {
					t.Errorf("Tensor(%q) = %v, %v", name, tensor, ok)
				}
			}
			if _, ok := model.Tensor("none"); ok {
				t.Error(`Tensor("none") found something`)
			}
		})
	}
}

func TestOpenFolderErrors(t *testing.T) {
	const one, two = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
	index := func(weightMap string) string { return `{"metadata":{"total_size":8},"weight_map":{` + weightMap + `}}` }
	const layout = "download the model's version in Hugging Face layout"
	tests := []struct {
		name  string
		files map[string]string
		want  string
		hint  string
	}{
		{"nothing", map[string]string{"config.json": "{}"}, "no model weights; expected model.safetensors or model.safetensors.index.json", ""},
		{"a trainer's files alone", map[string]string{"optimizer.pt": "x", "training_args.bin": "x"}, "no model weights; expected", ""},
		{"pickle only", map[string]string{"pytorch_model.bin": "x"}, "has pytorch_model.bin (PyTorch weights) but no model.safetensors", `FOLDER).save_pretrained(FOLDER, safe_serialization=True)`},
		{"pickle and more", map[string]string{"pytorch_model.bin": "x", "model.gguf": "x", "a.pt": "x"}, "has pytorch_model.bin (PyTorch weights)", "from transformers import AutoModelForCausalLM"},
		{"pickle shards", map[string]string{"pytorch_model-00001-of-00002.bin": "x"}, "has pytorch_model-00001-of-00002.bin (PyTorch weights) but no", "safe_serialization=True"},
		{"pickle index", map[string]string{"pytorch_model.bin.index.json": "{}"}, "has pytorch_model.bin.index.json (PyTorch weights) but no", "safe_serialization=True"},
		{"GGUF", map[string]string{"gpt-q4.gguf": "x"}, "has gpt-q4.gguf (GGUF weights) but no", `FOLDER, gguf_file="gpt-q4.gguf")`},
		{"the author's format", map[string]string{"consolidated.00.pth": "x"}, "has consolidated.00.pth (weights in their author's own format)", layout},
		{"checkpoint", map[string]string{"model.pt": "x"}, "has model.pt (PyTorch weights without Hugging Face's names)", layout},
		{"TensorFlow", map[string]string{"tf_model.h5": "x"}, "has tf_model.h5 (TensorFlow weights)", layout},
		{"Flax", map[string]string{"flax_model.msgpack": "x"}, "has flax_model.msgpack (Flax weights)", layout},
		{"ONNX", map[string]string{"model.onnx": "x"}, "has model.onnx (an ONNX graph)", layout},
		{"adapter", map[string]string{"adapter_model.safetensors": "@a", "adapter_config.json": "{}"}, "it holds an adapter, not a whole model", "sparsepo merge"},
		{"pickled adapter", map[string]string{"adapter_model.bin": "x"}, "has adapter_model.bin but no model.safetensors: it holds an adapter", "sparsepo merge"},
		{"other name", map[string]string{"weights.safetensors": "@a"}, "has weights.safetensors but neither model.safetensors nor", ""},
		{"shards alone", map[string]string{one: "@a", two: "@b"}, "has " + one + " but no " + indexName, ""},
		{"broken file", map[string]string{singleName: "x"}, "1 bytes long", ""},
		{"unfetched file", map[string]string{singleName: "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"}, singleName + ": a Git LFS pointer, not the file itself; fetch it with: git lfs pull", ""},
		{"unfetched index", map[string]string{indexName: "version https://git-lfs.github.com/spec/v1\n"}, indexName + ": a Git LFS pointer", ""},
		{"missing shards", map[string]string{one: "@a", indexName: index(`"a":"` + one + `","b":"y","c":"z"`)}, "2 of 3 shards are missing (y, z); download them again", ""},
		{"many missing shards", map[string]string{indexName: index(`"a":"a","b":"b","c":"c","d":"d","e":"e","f":"f"`)}, "6 of 6 shards are missing (a, b, c, d, e, …)", ""},
		{"missing tensor", map[string]string{one: "@a", indexName: index(`"a":"` + one + `","b":"` + one + `"`)}, indexName + `: tensor "b": not in its shard ` + one, ""},
		{"tensor in another shard", map[string]string{one: "@a b", two: "@c", indexName: index(`"a":"` + one + `","b":"` + two + `"`)}, `tensor "b": not in its shard ` + two, ""},
		{"unnamed tensor twice", map[string]string{one: "@a x", two: "@x b", indexName: index(`"a":"` + one + `","b":"` + two + `"`)}, `tensor "x": in ` + one + " and in " + two + ", and the index does not say which", ""},
		{"broken shard", map[string]string{one: "x", indexName: index(`"a":"` + one + `"`)}, one + ": 1 bytes long", ""},
		{"no map", map[string]string{indexName: `{"metadata":{}}`}, "weight_map is missing or empty", ""},
		{"empty map", map[string]string{indexName: index("")}, "weight_map is missing or empty", ""},
		{"tensor twice", map[string]string{indexName: index(`"a":"x","a":"y"`)}, `"a" stands there twice`, ""},
		{"shard elsewhere", map[string]string{indexName: index(`"a":"../x.safetensors"`)}, `weight_map: "a": "../x.safetensors" is not a file name`, ""},
		{"shard without a name", map[string]string{indexName: index(`"a":""`)}, `weight_map: "a": "" is not a file name`, ""},
		{"shard is the folder above", map[string]string{indexName: index(`"a":".."`)}, `weight_map: "a": ".." is not a file name`, ""},
		{"shard is a number", map[string]string{indexName: index(`"a":1`)}, `weight_map: "a": found 1, expected a string`, ""},
		{"index is no object", map[string]string{indexName: `[]`}, "found a list, expected an object", ""},
		{"index is empty", map[string]string{indexName: ""}, "the JSON breaks off at byte 0", ""},
		{"index breaks off", map[string]string{indexName: `{"weight_map":{`}, "the JSON breaks off at byte 15", ""},
		{"index goes on", map[string]string{one: "@a", indexName: index(`"a":"`+one+`"`) + "{"}, "more follows after the JSON object", ""},
		{"index is no text", map[string]string{indexName: "{\"weight_map\":{\"\xff\":\"x\"}}"}, "not valid UTF-8", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t, test.files)
			model, err := OpenFolder(dir)
			if err == nil || model != nil {
				t.Fatalf("got %v, %v, want only an error", model, err)
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), dir) || !usage.Is(err) {
				t.Errorf("got  %v\nwant the user's mistake, the folder and %q", err, test.want)
			}
			hint := strings.ReplaceAll(test.hint, "FOLDER", strconv.Quote(dir))
			if hints := strings.Join(usage.Hints(err), "\n"); !strings.Contains(hints, hint) || hint == "" && hints != "" {
				t.Errorf("hints: got %q want %q", hints, hint)
			}
		})
	}
	dangling := t.TempDir()
	if err := os.Symlink("nowhere", filepath.Join(dangling, singleName)); err == nil {
		if _, err := OpenFolder(dangling); err == nil || !strings.Contains(err.Error(), "is a link to a file that is not there") || !usage.Is(err) {
			t.Errorf("dangling link: got %v", err)
		}
	}
	if _, err := OpenFolder(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "no such file") || !usage.Is(err) {
		t.Errorf("missing folder: got %v", err)
	}
}

// Files written by another library open, and every float tensor in them converts.
func TestSharedModels(t *testing.T) {
	root := filepath.Join("..", "..", "shared", "golden")
	if _, err := os.Stat(root); err != nil {
		t.Skip("no ../shared/golden beside the repository: no files of other libraries to open")
	}
	opened := 0
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".safetensors" {
			return err
		}
		file, err := Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		opened++
		for _, name := range file.Names() {
			if tensor, _ := file.Tensor(name); isFloat(tensor.DType) {
				if values, err := tensor.Float32(); err != nil || len(values) != tensor.Len() {
					t.Errorf("%s: %d values, %v", path, len(values), err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if opened == 0 {
		t.Errorf("no .safetensors file under %s", root)
	}
}

// Whatever the text: no panic; an index that passes names plain files only, and writing it anew gives the same map.
func FuzzParseIndex(f *testing.F) {
	for _, text := range []string{
		`{"metadata":{"total_size":12},"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}`,
		`{"weight_map":{"a":"x","a":"y"}}`, `{"weight_map":{"a":"../x"}}`, `{"weight_map":{"a":{}}}`, `{"weight_map":[]}`,
		`{"a":[[{}]],"weight_map":{"\u00fc<":"\u2028"}} `, `{"weight_map":{"a":"x"}}{`, pointerStart, "",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		shardOf, err := parseIndex(text)
		if err != nil {
			if shardOf != nil {
				t.Fatalf("a map came with the error %v", err)
			}
			return
		}
		for name, shard := range shardOf {
			if filepath.Join("folder", shard) != "folder"+string(filepath.Separator)+shard {
				t.Fatalf("tensor %q: shard %q is not beside the index", name, shard)
			}
		}
		encoded, err := encodeIndex(shardOf, 1)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseIndex(encoded)
		if err != nil {
			t.Fatalf("parse what was encoded: %v\n%s", err, encoded)
		}
		if diff := cmp.Diff(shardOf, again); diff != "" {
			t.Fatalf("parse → encode → parse (-was +is):\n%s", diff)
		}
	})
}
