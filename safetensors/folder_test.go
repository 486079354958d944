package safetensors

import (
	"io/fs"
	"os"
	"path/filepath"
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
	tests := []struct {
		name  string
		files map[string]string
		want  string
		hint  string
	}{
		{"nothing", map[string]string{"config.json": "{}"}, "no model weights; expected model.safetensors or model.safetensors.index.json", ""},
		{"pickle only", map[string]string{"pytorch_model.bin": "x"}, "has pytorch_model.bin but no model.safetensors", "save_pretrained(FOLDER, safe_serialization=True)"},
		{"pickle shards", map[string]string{"pytorch_model.bin.index.json": "{}"}, "has pytorch_model.bin.index.json but no", "safe_serialization=True"},
		{"other name", map[string]string{"weights.safetensors": "@a"}, "has weights.safetensors but neither model.safetensors nor", ""},
		{"broken file", map[string]string{singleName: "x"}, "1 bytes long", ""},
		{
			"missing shards",
			map[string]string{"x.safetensors": "@a", indexName: `{"weight_map":{"a":"x.safetensors","b":"y.safetensors","c":"z.safetensors"}}`},
			"2 of 3 shards are missing (y.safetensors, z.safetensors)", "",
		},
		{
			"missing tensor",
			map[string]string{"x.safetensors": "@a", indexName: `{"weight_map":{"a":"x.safetensors","b":"x.safetensors"}}`},
			indexName + `: tensor "b": not in its shard x.safetensors`, "",
		},
		{"broken shard", map[string]string{"x.safetensors": "x", indexName: `{"weight_map":{"a":"x.safetensors"}}`}, "x.safetensors: 1 bytes long", ""},
		{"no map", map[string]string{indexName: `{"metadata":{}}`}, "weight_map is missing or empty", ""},
		{"empty map", map[string]string{indexName: `{"weight_map":{}}`}, "weight_map is missing or empty", ""},
		{"tensor twice", map[string]string{indexName: `{"weight_map":{"a":"x","a":"y"}}`}, `"a" stands there twice`, ""},
		{"shard elsewhere", map[string]string{indexName: `{"weight_map":{"a":"../x.safetensors"}}`}, `weight_map: "a": "../x.safetensors" is not a file name`, ""},
		{"shard is a number", map[string]string{indexName: `{"weight_map":{"a":1}}`}, `weight_map: "a": found 1, expected a string`, ""},
		{"index is no object", map[string]string{indexName: `[]`}, "found a list, expected an object", ""},
		{"index breaks off", map[string]string{indexName: `{"weight_map":{`}, "the JSON breaks off at byte 15", ""},
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
			if hints := strings.Join(usage.Hints(err), "\n"); !strings.Contains(hints, test.hint) {
				t.Errorf("hints: got %q want %q", hints, test.hint)
			}
		})
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
