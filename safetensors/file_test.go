package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func write(t *testing.T, path string, tensors []TensorData, metadata map[string]string) {
	t.Helper()
	if err := Write(path, tensors, metadata); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, path string) *File {
	t.Helper()
	file, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// The layout is written out byte by byte from the format's definition.
func TestWriteLayout(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	write(t, path, []TensorData{
		{Name: `h.0 "<ü>"`, DType: BF16, Shape: []int{1, 3}, Float32: []float32{1, -2, 0.5}},
		{Name: "wte", DType: F32, Shape: []int{1}, Float32: []float32{1}},
		{Name: "bias", DType: "BOOL", Shape: []int{2}, Bytes: []byte{1, 0}},
		{Name: "step", DType: BF16, Float32: []float32{3}},
	}, nil)
	head := `{"__metadata__":{"format":"pt"},` +
		`"wte":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},` +
		`"h.0 \"<ü>\"":{"dtype":"BF16","shape":[1,3],"data_offsets":[4,10]},` +
		`"step":{"dtype":"BF16","shape":[],"data_offsets":[10,12]},` +
		`"bias":{"dtype":"BOOL","shape":[2],"data_offsets":[12,14]}}`
	head += strings.Repeat(" ", 7-(len(head)+7)%8)
	want := binary.LittleEndian.AppendUint64(nil, uint64(len(head)))
	want = append(want, head...)
	want = append(want, 0, 0, 0x80, 0x3f, 0x80, 0x3f, 0, 0xc0, 0, 0x3f, 0x40, 0x40, 1, 0)
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("file (-want +got):\n%s", cmp.Diff(want, got))
	}
	if length := binary.LittleEndian.Uint64(got); length%8 != 0 {
		t.Errorf("header length %d is no multiple of 8", length)
	}
}

func TestRoundTripBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	var tensors []TensorData
	for dtype, size := range elementSize {
		data := make([]byte, 6*size)
		for i := range data {
			data[i] = byte(37*i + len(dtype))
		}
		tensors = append(tensors, TensorData{Name: "x." + dtype, DType: dtype, Shape: []int{2, 3}, Bytes: data})
	}
	tensors = append(tensors, TensorData{Name: "empty", DType: "I64", Shape: []int{4, 0}})
	write(t, path, tensors, map[string]string{"format": "np", "note": "mask"})
	file := open(t, path)
	if diff := cmp.Diff(map[string]string{"format": "np", "note": "mask"}, file.Metadata()); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	if len(file.Names()) != len(elementSize)+1 {
		t.Errorf("names: got %d want %d", len(file.Names()), len(elementSize)+1)
	}
	for _, want := range tensors {
		got, ok := file.Tensor(want.Name)
		if !ok {
			t.Errorf("tensor %q is missing", want.Name)
			continue
		}
		if got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) || !bytes.Equal(got.Bytes, want.Bytes) {
			t.Errorf("tensor %q: got %v want %v", want.Name, got, want)
		}
		if size := int(elementSize[want.DType]); got.Len()*size != len(want.Bytes) {
			t.Errorf("tensor %q: Len() = %d, want %d", want.Name, got.Len(), len(want.Bytes)/size)
		}
	}
	if _, ok := file.Tensor("none"); ok {
		t.Error(`Tensor("none") found something`)
	}
}

// The pieces of the writer show only on a tensor longer than one.
func TestRoundTripFloats(t *testing.T) {
	special := []float32{0, float32(math.Copysign(0, -1)), inf, -inf, 1, 0x1p-24, -0x1p-14, 65504}
	values := make([]float32, 40_000)
	for i := range values {
		values[i] = special[i%len(special)] * float32(1+i/30_000) // doubled at the end: infinities stay, 65504 is halved below
		if values[i] > 65504 && !isInf(values[i]) {
			values[i] = 32752
		}
	}
	for _, dtype := range []string{F64, F32, F16} { // every value above is exact in these
		path := filepath.Join(t.TempDir(), dtype)
		write(t, path, []TensorData{{Name: "w", DType: dtype, Shape: []int{4, 10_000}, Float32: values}}, nil)
		tensor, _ := open(t, path).Tensor("w")
		got, err := tensor.Float32()
		if err != nil {
			t.Fatal(err)
		}
		for i := range values {
			if math.Float32bits(got[i]) != math.Float32bits(values[i]) {
				t.Fatalf("%s: element %d: got %g want %g", dtype, i, got[i], values[i])
			}
		}
	}
	for _, dtype := range []string{F64, F32, F16, BF16} {
		path := filepath.Join(t.TempDir(), dtype)
		write(t, path, []TensorData{{Name: "w", DType: dtype, Shape: []int{2}, Float32: []float32{nan, 1.00390625}}}, nil)
		tensor, _ := open(t, path).Tensor("w")
		got, err := tensor.Float32()
		if err != nil {
			t.Fatal(err)
		}
		want := float32(1.00390625)
		if dtype == BF16 {
			want = 1 // half-way between 1 and 1+2^-7, to even
		}
		if got[0] == got[0] || got[1] != want {
			t.Errorf("%s: got %v want [NaN %g]", dtype, got, want)
		}
	}
}

func TestFloat32Error(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	write(t, path, []TensorData{{Name: "ids", DType: "I64", Shape: []int{1}, Bytes: make([]byte, 8)}}, nil)
	tensor, _ := open(t, path).Tensor("ids")
	_, err := tensor.Float32()
	if want := path + `: tensor "ids": dtype I64 does not convert`; err == nil || !strings.HasPrefix(err.Error(), want) || !usage.Is(err) {
		t.Errorf("got %v, want the user's mistake %s", err, want)
	}
}

func TestCloseTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	write(t, path, nil, nil)
	file, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWriteErrors(t *testing.T) {
	ok := TensorData{Name: "w", DType: F32, Shape: []int{1}, Float32: []float32{1}}
	with := func(change func(*TensorData)) []TensorData {
		changed := ok
		change(&changed)
		return []TensorData{changed}
	}
	tests := []struct {
		name    string
		tensors []TensorData
		want    string
	}{
		{"name twice", []TensorData{ok, ok}, `tensor "w": the name is used twice`},
		{"reserved name", with(func(d *TensorData) { d.Name = "__metadata__" }), "used twice or reserved"},
		{"name not UTF-8", with(func(d *TensorData) { d.Name = "\xff" }), "not valid UTF-8"},
		{"dtype", with(func(d *TensorData) { d.DType = "f32" }), `unknown dtype "f32"; known: BF16, BOOL`},
		{"both", with(func(d *TensorData) { d.Bytes = make([]byte, 4) }), "more than one of Float32, Load and Bytes"},
		{"too few numbers", with(func(d *TensorData) { d.Shape = []int{2} }), "shape [2] has 2 elements, Float32 1"},
		{"too few bytes", with(func(d *TensorData) { d.Float32, d.Bytes = nil, make([]byte, 3) }), "shape [1] of F32 takes 4 bytes, Bytes has 3"},
		{"no data", with(func(d *TensorData) { d.Float32 = nil }), "none of Float32, Load and Bytes is given"},
		{"numbers for integers", with(func(d *TensorData) { d.DType = "I32" }), "I32 does not convert from float32; give its Bytes"},
		{"negative size", with(func(d *TensorData) { d.Shape = []int{-1, -1} }), "shape [-1 -1] has a negative size"},
		{"huge", with(func(d *TensorData) { d.Shape = []int{math.MaxInt, 2} }), "takes more than 2^63 bytes"},
		{"overflow", with(func(d *TensorData) { d.DType, d.Float32 = F16, []float32{1e5} }), `tensor "w": element 0 is 100000, beyond the range of F16`},
	}
	for _, test := range tests {
		dir := t.TempDir()
		path := filepath.Join(dir, "m.safetensors")
		err := Write(path, test.tensors, nil)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want the path and %q", test.name, err, test.want)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("%s: left %v behind", test.name, left)
		}
	}
}

func ExampleWrite() {
	path := filepath.Join(os.TempDir(), "example.safetensors")
	defer os.Remove(path)
	err := Write(path, []TensorData{{Name: "w", DType: BF16, Shape: []int{2}, Float32: []float32{1, 0.1}}}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	w, _ := file.Tensor("w")
	values, err := w.Float32()
	fmt.Println(w.DType, w.Shape, values, err)
	// Output: BF16 [2] [1 0.100097656] <nil>
}
