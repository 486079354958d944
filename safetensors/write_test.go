package safetensors

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// One buffer serves all tensors, loaded in the order in which they are written, and the file is the one that values given
// at once make.
func TestWriteLoad(t *testing.T) {
	dir := t.TempDir()
	shapes := []int{3, 2*pieceSize + 1, 0, 17 * pieceSize}
	for _, dtype := range []string{F64, F32, F16, BF16} {
		buffer := make([]float32, 17*pieceSize)
		loaded := ""
		var given, lazy []TensorData
		for i, n := range shapes {
			name := string(rune('a' + i))
			values := ramp(n)
			for j := range values {
				values[j] += float32(i)
			}
			given = append(given, TensorData{Name: name, DType: dtype, Shape: []int{n}, Float32: values})
			lazy = append(lazy, TensorData{Name: name, DType: dtype, Shape: []int{n}, Load: func() ([]float32, error) {
				loaded += name
				return buffer[:copy(buffer, values)], nil
			}})
		}
		lazy = append(lazy, TensorData{Name: "raw", DType: "U8", Shape: []int{2}, Bytes: []byte{1, 2}})
		given = append(given, lazy[len(lazy)-1])
		write(t, filepath.Join(dir, "given"), given, nil)
		write(t, filepath.Join(dir, "lazy"), lazy, nil)
		if loaded != "abcd" {
			t.Errorf("%s: loaded %q, want each tensor once, in order", dtype, loaded)
		}
		want, _ := os.ReadFile(filepath.Join(dir, "given"))
		got, _ := os.ReadFile(filepath.Join(dir, "lazy"))
		if !bytes.Equal(got, want) || len(got) == 0 {
			t.Errorf("%s: loaded values make another file than given ones (%d and %d bytes)", dtype, len(got), len(want))
		}
	}
}

func TestWriteLoadErrors(t *testing.T) {
	broken := errors.New("the device is gone")
	returns := func(n int, err error) func() ([]float32, error) {
		return func() ([]float32, error) { return make([]float32, n), err }
	}
	huge := make([]float32, 20*pieceSize)
	huge[18*pieceSize+1], huge[19*pieceSize] = 7e4, 8e4
	for _, test := range []struct {
		name   string
		tensor TensorData
		want   string
	}{
		{"load fails", TensorData{DType: F32, Shape: []int{2}, Load: returns(0, broken)}, `tensor "w": the device is gone`},
		{"too few", TensorData{DType: F32, Shape: []int{2}, Load: returns(1, nil)}, `tensor "w": shape [2] has 2 elements, Load gave 1`},
		{"too many for none", TensorData{DType: F32, Shape: []int{0}, Load: returns(1, nil)}, `shape [0] has 0 elements, Load gave 1`},
		{"integers", TensorData{DType: "I8", Shape: []int{1}, Load: returns(1, nil)}, "I8 does not convert from float32"},
		{"twice", TensorData{DType: F32, Shape: []int{1}, Load: returns(1, nil), Float32: huge[:1]}, "more than one of Float32, Load and Bytes"},
		{"and raw", TensorData{DType: F32, Shape: []int{1}, Load: returns(1, nil), Bytes: make([]byte, 4)}, "more than one of Float32, Load and Bytes"},
		{"first of two out of range", TensorData{DType: F16, Shape: []int{len(huge)}, Float32: huge}, "element 2359297 is 70000, beyond the range of F16"},
	} {
		dir := t.TempDir()
		test.tensor.Name = "w"
		err := Write(filepath.Join(dir, "m.safetensors"), []TensorData{test.tensor}, nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("%s: left %v behind", test.name, left)
		}
	}
	if err := Write(filepath.Join(t.TempDir(), "m"), []TensorData{{Name: "w", DType: F32, Shape: []int{2}, Load: returns(0, broken)}}, nil); !errors.Is(err, broken) {
		t.Errorf("got %v, want an error that wraps Load's", err)
	}
}
