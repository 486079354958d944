package safetensors

import (
	"io"
	"path/filepath"
	"testing"
)

// benchSize is the number of elements of the benchmarks' tensor: that of GPT-J's embeddings, in round numbers.
const benchSize = 1 << 26

func benchValues() []float32 {
	values := make([]float32, benchSize)
	for i := range values {
		values[i] = float32(i%2003-1001) / 7000
	}
	return values
}

// BenchmarkDecode reads a mapped file that the system holds in its cache; MB/s are those of the file. "resident" finds the
// pages in memory, "streamed" asks the system for each and gives it back.
func BenchmarkDecode(b *testing.B) {
	values := benchValues()
	for _, dtype := range []string{F32, BF16, F16} {
		path := filepath.Join(b.TempDir(), "m.safetensors")
		if err := Write(path, []TensorData{{Name: "w", DType: dtype, Shape: []int{benchSize}, Float32: values}}, nil); err != nil {
			b.Fatal(err)
		}
		file, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		defer file.Close()
		tensor, _ := file.Tensor("w")
		for _, way := range []string{"resident", "streamed"} {
			b.Run(dtype+"/"+way, func(b *testing.B) {
				b.SetBytes(int64(len(tensor.Bytes)))
				const piece = 1 << 22
				for b.Loop() {
					for first := 0; first < benchSize; first += piece {
						if err := tensor.DecodeFloat32(values[first:first+piece], first); err != nil {
							b.Fatal(err)
						}
						if way == "streamed" {
							tensor.Release()
						}
					}
				}
			})
		}
	}
}

// BenchmarkEncode converts without writing; MB/s are those of the file.
func BenchmarkEncode(b *testing.B) {
	values := benchValues()
	for _, dtype := range []string{BF16, F16} { // F32 goes into the file as it stands in memory
		b.Run(dtype, func(b *testing.B) {
			tensor := TensorData{Name: "w", DType: dtype, Shape: []int{benchSize}, Float32: values}
			b.SetBytes(benchSize * elementSize[dtype])
			for b.Loop() {
				if err := (&encoder{w: io.Discard}).write(tensor); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
