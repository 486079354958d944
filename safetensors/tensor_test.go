package safetensors

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// ramp is n numbers that every float type of the format holds exactly: -128, -127, …, 127, -128, …
func ramp(n int) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(i%256 - 128)
	}
	return values
}

func rampFile(t *testing.T, dtype string, n int) Tensor {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.safetensors")
	write(t, path, []TensorData{{Name: "odd", DType: "U8", Shape: []int{1}, Bytes: []byte{1}}, {Name: "w", DType: dtype, Shape: []int{n}, Float32: ramp(n)}}, nil)
	tensor, _ := open(t, path).Tensor("w")
	return tensor
}

// Pieces of every kind, within the four elements that are read together, across the pieces of the cores and to the very
// end, are those of the whole.
func TestDecodeFloat32(t *testing.T) {
	const n = 3*pieceSize + 5
	ranges := []struct{ first, count int }{
		{0, 0}, {0, 1}, {0, 3}, {0, 4}, {1, 7}, {2, 4097}, {n - 1, 1}, {n, 0}, {pieceSize - 1, 2}, {7, 2*pieceSize + 1}, {0, n},
	}
	for _, dtype := range []string{F64, F32, F16, BF16} {
		tensor := rampFile(t, dtype, n)
		for _, r := range ranges {
			got := make([]float32, r.count+1)
			got[r.count] = -7 // must stay
			if err := tensor.DecodeFloat32(got[:r.count], r.first); err != nil {
				t.Fatal(err)
			}
			for i, v := range got[:r.count] {
				if want := float32((r.first+i)%256 - 128); v != want {
					t.Fatalf("%s: %d elements from %d: element %d is %g, want %g", dtype, r.count, r.first, i, v, want)
				}
			}
			if got[r.count] != -7 {
				t.Errorf("%s: %d elements from %d: wrote beyond the slice", dtype, r.count, r.first)
			}
		}
	}
}

func TestDecodeFloat32Errors(t *testing.T) {
	tensor := rampFile(t, F32, 10)
	for _, r := range []struct {
		first, count int
		want         string
	}{
		{-1, 1, "1 elements from element -1 on asked for, it has 10"},
		{11, 0, "0 elements from element 11 on asked for, it has 10"},
		{5, 6, "6 elements from element 5 on asked for, it has 10"},
		{math.MaxInt, 1, "1 elements from element 9223372036854775807 on asked for, it has 10"},
	} {
		err := tensor.DecodeFloat32(make([]float32, r.count), r.first)
		if err == nil || !strings.Contains(err.Error(), `tensor "w": `+r.want) {
			t.Errorf("from %d: got %v, want %q", r.first, err, r.want)
		}
	}
	if err := tensor.file.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := tensor.Float32(); err == nil || !strings.Contains(err.Error(), "the file is closed") {
		t.Errorf("after Close: got %v", err)
	}
	tensor.Release() // must not touch memory that may belong to someone else by now
}

// Of several numbers out of range the first is reported, whichever core finds one first.
func TestDecodeFirstError(t *testing.T) {
	const n = 8 * pieceSize
	data := make([]byte, 8*n)
	for _, i := range []int{pieceSize + 9, 2 * pieceSize, n - 1} {
		data[8*i+6], data[8*i+7] = 0xef, 0x7f // the largest F64 of this leading half
	}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	write(t, path, []TensorData{{Name: "w", DType: F64, Shape: []int{n}, Bytes: data}}, nil)
	tensor, _ := open(t, path).Tensor("w")
	for range 20 {
		if _, err := tensor.Float32(); err == nil || !strings.Contains(err.Error(), "element 131081 is") {
			t.Fatalf("got %v, want element 131081", err)
		}
	}
}

// A file that another program shortens while it is open gives an error, where the system maps it.
func TestShortened(t *testing.T) {
	if !canMap {
		t.Skip("files are read, not mapped, on this system")
	}
	for _, dtype := range []string{F32, F16} {
		tensor := rampFile(t, dtype, 3*pieceSize)
		if err := os.Truncate(tensor.file.path, 1<<12); err != nil {
			t.Fatal(err)
		}
		_, err := tensor.Float32()
		if err == nil || !strings.Contains(err.Error(), `tensor "w": its bytes cannot be read`) || !usage.Is(err) {
			t.Errorf("%s: got %v, want the user's mistake", dtype, err)
		}
	}
}
