package safetensors

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sized makes F32 tensors a, b, … of the given numbers of elements, with values that tell them apart.
func sized(base float32, counts ...int) []TensorData {
	var list []TensorData
	for i, n := range counts {
		values := make([]float32, n)
		for j := range values {
			values[j] = base + float32(100*i+j)
		}
		list = append(list, TensorData{Name: string(rune('a' + i)), DType: F32, Shape: []int{n}, Float32: values})
	}
	return list
}

// contents lists a folder's files, each safetensors file with its tensors.
func contents(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, entry := range entries {
		line := entry.Name()
		if filepath.Ext(line) == ".safetensors" {
			line += " " + strings.Join(open(t, filepath.Join(dir, line)).Names(), " ")
		}
		list = append(list, line)
	}
	return list
}

func checkFolder(t *testing.T, dir string, want []TensorData) {
	t.Helper()
	model, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	if len(model.Names()) != len(want) {
		t.Errorf("tensors: got %v, want %d", model.Names(), len(want))
	}
	for _, w := range want {
		tensor, _ := model.Tensor(w.Name)
		got, err := tensor.Float32()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(w.Float32, got); diff != "" {
			t.Errorf("tensor %q (-want +got):\n%s", w.Name, diff)
		}
	}
}

func TestWriteFolder(t *testing.T) {
	const one, two, three = "model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors"
	tests := []struct {
		name     string
		counts   []int // elements of four bytes
		maxShard int64
		want     []string
	}{
		{"all in one file", []int{4, 4, 2}, 40, []string{"model.safetensors a b c"}},
		{"the default", []int{4, 4, 2}, DefaultShard, []string{"model.safetensors a b c"}},
		{"one large tensor", []int{11}, 40, []string{"model.safetensors a"}},
		{"nothing", nil, 40, []string{"model.safetensors "}},
		{"a byte too many", []int{4, 4, 2}, 39, []string{"model-00001-of-00002.safetensors a b", "model-00002-of-00002.safetensors c", indexName}},
		{"a large one between", []int{2, 20, 2, 2}, 40, []string{one + " a", two + " b", three + " c d", indexName}},
		{"a large one first", []int{20, 2, 8, 1}, 40, []string{one + " a", two + " b c", three + " d", indexName}},
		{"an empty one", []int{10, 0, 10}, 40, []string{"model-00001-of-00002.safetensors a b", "model-00002-of-00002.safetensors c", indexName}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			list := sized(0, test.counts...)
			if err := WriteFolder(dir, list, map[string]string{"note": "x"}, test.maxShard); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, contents(t, dir)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			checkFolder(t, dir, list)
			model, err := OpenFolder(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer model.Close()
			for _, file := range model.Files() {
				if diff := cmp.Diff(map[string]string{"note": "x", "format": "pt"}, file.Metadata()); diff != "" {
					t.Errorf("%s: metadata (-want +got):\n%s", file.Path(), diff)
				}
			}
		})
	}
}

func TestWriteFolderIndex(t *testing.T) {
	dir := t.TempDir()
	list := sized(0, 8, 3)
	list[1].DType = BF16 // 6 bytes instead of 12
	if err := WriteFolder(dir, list, nil, 32); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, indexName))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]any{
		"metadata":   {"total_size": 38.},
		"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("index (-want +got):\n%s", diff)
	}
}

// A save takes the place of whatever earlier save stood there, and of nothing else.
func TestWriteFolderReplaces(t *testing.T) {
	others := []string{"README.md", "adapter_model.safetensors", "config.json", "model-x.safetensors", "pytorch_model.bin"}
	limits := map[string]int64{"one file": 1000, "two shards": 40, "three shards": 16, "other three": 20}
	for before, beforeLimit := range limits {
		for after, afterLimit := range limits {
			dir := t.TempDir()
			for _, name := range others {
				if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := WriteFolder(dir, sized(1000, 4, 4, 4), nil, beforeLimit); err != nil {
				t.Fatal(err)
			}
			list := sized(0, 4, 4, 4)
			if err := WriteFolder(dir, list, nil, afterLimit); err != nil {
				t.Fatal(err)
			}
			checkFolder(t, dir, list)
			fresh := t.TempDir()
			if err := WriteFolder(fresh, list, nil, afterLimit); err != nil {
				t.Fatal(err)
			}
			got, _ := filepath.Glob(filepath.Join(dir, "*"))
			want, _ := filepath.Glob(filepath.Join(fresh, "*"))
			if len(got) != len(want)+len(others) {
				t.Errorf("%s after %s: left %q", after, before, got)
			}
			if hidden, _ := filepath.Glob(filepath.Join(dir, ".*")); len(hidden) > 0 {
				t.Errorf("%s after %s: left %q", after, before, hidden)
			}
		}
	}
}

// An error in the middle of a save leaves the earlier one as it was.
func TestWriteFolderErrors(t *testing.T) {
	broken := errors.New("the device is gone")
	for _, test := range []struct {
		name     string
		change   func(list []TensorData)
		maxShard int64
		want     string
	}{
		{"load fails in the second shard", func(l []TensorData) { l[1].Float32, l[1].Load = nil, func() ([]float32, error) { return nil, broken } }, 16, `tensor "b": the device is gone`},
		{"load fails in the one file", func(l []TensorData) { l[1].Float32, l[1].Load = nil, func() ([]float32, error) { return nil, broken } }, 100, `tensor "b": the device is gone`},
		{"name twice over shards", func(l []TensorData) { l[2].Name = "a" }, 16, `tensor "a": the name is used twice`},
		{"reserved name", func(l []TensorData) { l[2].Name = metadataKey }, 16, "used twice or reserved"},
		{"wrong shape", func(l []TensorData) { l[2].Shape = []int{5} }, 16, `tensor "c": shape [5] has 5 elements, Float32 4`},
		{"no limit", func([]TensorData) {}, 0, "the largest shard is to have 0 bytes; give a positive number"},
	} {
		for _, earlier := range []int64{16, 100} {
			dir := t.TempDir()
			old := sized(1000, 4, 4, 4)
			if err := WriteFolder(dir, old, nil, earlier); err != nil {
				t.Fatal(err)
			}
			was := contents(t, dir)
			list := sized(0, 4, 4, 4)
			test.change(list)
			err := WriteFolder(dir, list, nil, test.maxShard)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("%s: got %v, want the folder and %q", test.name, err, test.want)
			}
			if diff := cmp.Diff(was, contents(t, dir)); diff != "" {
				t.Errorf("%s: files (-was +is):\n%s", test.name, diff)
			}
			checkFolder(t, dir, old)
		}
	}
	if err := WriteFolder(filepath.Join(t.TempDir(), "none"), sized(0, 4, 4), nil, 16); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("missing folder: got %v", err)
	}
}

// A save that ends between the removal of the old index and the new one does not open as a mixture of both.
func TestInterruptedPublish(t *testing.T) {
	dir := t.TempDir()
	if err := WriteFolder(dir, sized(1000, 4, 4), nil, 16); err != nil {
		t.Fatal(err)
	}
	shards, err := divide(sized(0, 4, 4), 16)
	if err != nil {
		t.Fatal(err)
	}
	stage := t.TempDir() // has the first shard only: moving the second one fails
	write(t, filepath.Join(stage, shards[0].name), shards[0].tensors, nil)
	if err := publish(stage, dir, shards); err == nil {
		t.Fatal("published a shard that is not there")
	}
	if model, err := OpenFolder(dir); err == nil || !strings.Contains(err.Error(), "but no "+indexName) {
		t.Errorf("opened %v, %v; want that the index is missing", model, err)
	}
}
