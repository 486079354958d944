package nf4

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/sparsepo/sparsepo/internal/device"
	"github.com/sparsepo/sparsepo/internal/golden"
)

// parts are a tensor's values in the engine's memory, in the order of Weights' fields.
func parts(t *testing.T, e golden.Engine, tensor Tensor) []any {
	t.Helper()
	values := []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(tensor.Words(), len(tensor.Codes)/2),
		tensors.FromFlatDataAndDimensions(tensor.Scales, len(tensor.Scales)),
		tensors.FromFlatDataAndDimensions(tensor.ScaleScales, len(tensor.ScaleScales)),
		tensors.FromFlatDataAndDimensions([]float32{tensor.Offset}, 1),
	}
	placed := make([]any, len(values))
	for i, value := range values {
		p, err := device.Place(e.Backend, value)
		if err != nil {
			t.Fatal(err)
		}
		placed[i] = p
	}
	return placed
}

func weightsOf(nodes []*Node, dims ...int) Weights {
	return Weights{nodes[0], nodes[1], nodes[2], nodes[3], dims}
}

// call runs a graph once and returns its results, which are float32.
func call(t *testing.T, e golden.Engine, build func(inputs []*Node) []*Node, inputs ...any) [][]float32 {
	t.Helper()
	exec, err := NewExec(e.Backend, build)
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	results, err := exec.Call(inputs...)
	if err != nil {
		t.Fatal(err)
	}
	flat := make([][]float32, len(results))
	for i, result := range results {
		if flat[i], err = tensors.CopyFlatData[float32](result); err != nil {
			t.Fatal(err)
		}
	}
	return flat
}

// TestRestore: the graph computes what the host does, to the last bit.
func TestRestore(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for _, c := range []struct {
			name string
			dims []int
		}{
			{"one group of whole blocks", []int{128, 128}},
			{"several groups", []int{512, 192}},
			{"a partial group", []int{40, 640}},
			{"a partial block", []int{37, 501}},
			{"less than a block", []int{3, 7}},
			{"a vector", []int{16448}},
			{"three axes", []int{4, 16, 257}},
		} {
			t.Run(c.name, func(t *testing.T) {
				values := normal(size(c.dims), 9)
				for i := range values {
					values[i] *= float32(math.Exp2(float64(i / BlockSize % 5)))
				}
				tensor := mustQuantise(t, values, c.dims...)
				got := call(t, e, func(in []*Node) []*Node {
					restored := weightsOf(in, c.dims...).Restore(in[3], dtypes.Float32)
					restored.AssertDims(c.dims...)
					return []*Node{restored}
				}, parts(t, e, tensor)...)[0]
				for i, want := range tensor.Dequantise() {
					if got[i] != want {
						t.Fatalf("element %d is %v, on the host %v", i, got[i], want)
					}
				}
			})
		}
	})
}

// TestEveryCode restores each pair of bytes of codes, and each code of a scale.
func TestEveryCode(t *testing.T) {
	tensor := Tensor{Dims: []int{1 << 18}, Codes: make([]uint8, 1<<17), Scales: make([]uint8, 1<<12), ScaleScales: make([]float32, 16), Offset: 1.5}
	for i := range 1 << 16 {
		tensor.Codes[2*i], tensor.Codes[2*i+1] = uint8(i>>8), uint8(i)
	}
	for i := range tensor.Scales {
		tensor.Scales[i] = uint8(i * 7)
	}
	for i := range tensor.ScaleScales {
		tensor.ScaleScales[i] = float32(i) - 5.25
	}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		got := call(t, e, func(in []*Node) []*Node {
			return []*Node{weightsOf(in, tensor.Dims...).Restore(in[0], dtypes.Float32)}
		}, parts(t, e, tensor)...)[0]
		for i, want := range tensor.Dequantise() {
			if got[i] != want {
				t.Fatalf("element %d is %v, on the host %v", i, got[i], want)
			}
		}
	})
}

// TestProduct compares products and gradients with those of the restored matrix, in float64 on the host; with few rows and
// many, inside a recomputed layer and outside.
func TestProduct(t *testing.T) {
	for _, c := range []struct {
		name      string
		dims      []int
		axis      int
		rows      int
		recompute bool
	}{
		{"stored [in, out]", []int{48, 80}, 0, 5, false},
		{"stored [out, in]", []int{80, 48}, 1, 5, false},
		{"stored [in, out], many rows", []int{24, 16}, 0, 100, false},
		{"stored [out, in], many rows", []int{16, 24}, 1, 100, false},
		{"stored [in, out], recomputed", []int{48, 80}, 0, 5, true},
		{"stored [out, in], recomputed", []int{80, 48}, 1, 5, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			tensor := mustQuantise(t, normal(size(c.dims), 10), c.dims...)
			in, out := c.dims[c.axis], c.dims[1-c.axis]
			x := normal(c.rows*in, 11)
			wantY, wantGradient := productOnHost(tensor, c.axis, x)
			golden.Engines(t, func(t *testing.T, e golden.Engine) {
				placed, err := device.Float32(e.Backend, x, c.rows, in)
				if err != nil {
					t.Fatal(err)
				}
				results := call(t, e, func(inputs []*Node) []*Node {
					x := inputs[4]
					layer := x
					if c.recompute {
						layer = x.Checkpoint()
					}
					y := weightsOf(inputs, c.dims...).Product(layer, c.axis)
					y.AssertDims(c.rows, out)
					squares := Square(y)
					if c.recompute {
						squares = squares.StopCheckpoint()
					}
					return []*Node{y, Gradient(MulScalar(ReduceAllSum(squares), 0.5), x)[0]}
				}, append(parts(t, e, tensor), placed)...)
				near(t, "product", results[0], wantY)
				near(t, "gradient", results[1], wantGradient)
			})
		})
	}
}

// productOnHost is y = x·W and the gradient of Σy²/2 by x, y·Wᵀ.
func productOnHost(tensor Tensor, axis int, x []float32) (y, gradient []float64) {
	matrix := tensor.Dequantise()
	in, out := tensor.Dims[axis], tensor.Dims[1-axis]
	weight := func(i, o int) float64 {
		if axis == 0 {
			return float64(matrix[i*out+o])
		}
		return float64(matrix[o*in+i])
	}
	rows := len(x) / in
	y, gradient = make([]float64, rows*out), make([]float64, rows*in)
	for r := range rows {
		for o := range out {
			for i := range in {
				y[r*out+o] += float64(x[r*in+i]) * weight(i, o)
			}
			for i := range in {
				gradient[r*in+i] += y[r*out+o] * weight(i, o)
			}
		}
	}
	return y, gradient
}

func near(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d elements, want %d", what, len(got), len(want))
	}
	largest := 0.0
	for _, w := range want {
		largest = max(largest, math.Abs(w))
	}
	for i, w := range want {
		if !(math.Abs(float64(got[i])-w) <= 1e-5*largest) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], w)
		}
	}
}

// TestSharedInput takes two products of one input, as a layer's queries and keys are, one after the other.
func TestSharedInput(t *testing.T) {
	first, second := mustQuantise(t, normal(32*32, 12), 32, 32), mustQuantise(t, normal(32*32, 13), 32, 32)
	x := normal(4*32, 14)
	_, one := productOnHost(first, 0, x)
	_, two := productOnHost(second, 1, x)
	want := make([]float64, len(one))
	for i := range want {
		want[i] = one[i] + two[i]
	}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		placed, err := device.Float32(e.Backend, x, 4, 32)
		if err != nil {
			t.Fatal(err)
		}
		inputs := append(append(parts(t, e, first), parts(t, e, second)...), placed)
		got := call(t, e, func(in []*Node) []*Node {
			x := in[8]
			a, b := weightsOf(in, 32, 32).Product(x, 0), weightsOf(in[4:], 32, 32).Product(x, 1)
			return []*Node{Gradient(MulScalar(ReduceAllSum(Add(Square(a), Square(b))), 0.5), x)[0]}
		}, inputs...)[0]
		near(t, "gradient", got, want)
	})
}

// TestNotFinite: an infinite input spoils its own row alone, as with float weights.
func TestNotFinite(t *testing.T) {
	tensor := mustQuantise(t, normal(16*16, 15), 16, 16)
	x := normal(3*16, 16)
	wantY, _ := productOnHost(tensor, 0, x)
	for _, bad := range []float64{math.Inf(1), math.NaN()} {
		x[0] = float32(bad)
		golden.Engines(t, func(t *testing.T, e golden.Engine) {
			placed, err := device.Float32(e.Backend, x, 3, 16)
			if err != nil {
				t.Fatal(err)
			}
			got := call(t, e, func(in []*Node) []*Node {
				return []*Node{weightsOf(in, 16, 16).Product(in[4], 0)}
			}, append(parts(t, e, tensor), placed)...)[0]
			near(t, "the other rows", got[16:], wantY[16:])
			if finite(got[0]) {
				t.Errorf("the product of %v is %v", bad, got[0])
			}
		})
	}
}

func TestMisfit(t *testing.T) {
	tensor := mustQuantise(t, normal(64*96, 17), 64, 96)
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for _, c := range []struct {
			name  string
			build func(w Weights, x *Node) *Node
			want  string
		}{
			{"other dimensions", func(w Weights, x *Node) *Node {
				w.Dims = []int{64, 95}
				return w.Restore(x, dtypes.Float32)
			}, "weights [64 95]: codes are (Uint16)[1536], want 1520 of type Uint16"},
			{"scales of another tensor", func(w Weights, x *Node) *Node {
				w.Scales = Concatenate([]*Node{w.Scales, w.Scales}, 0)
				return w.Restore(x, dtypes.Float32)
			}, "weights [64 96]: scales are (Uint8)[192], want 96 of type Uint8"},
			{"bytes for words", func(w Weights, x *Node) *Node {
				w.Codes = w.Scales
				return w.Restore(x, dtypes.Float32)
			}, "codes are (Uint8)[96], want 1536 of type Uint16"},
			{
				"the wrong axis", func(w Weights, x *Node) *Node { return w.Product(x, 1) },
				"product of x (Float32)[2, 64] with axis 1 of weights [64 96]",
			},
		} {
			exec, err := NewExec(e.Backend, func(in []*Node) *Node { return c.build(weightsOf(in, 64, 96), in[4]) })
			if err != nil {
				t.Fatal(err)
			}
			_, err = exec.Call(append(parts(t, e, tensor), [][]float32{make([]float32, 64), make([]float32, 64)})...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error %v, want %q", c.name, err, c.want)
			}
			exec.Finalize()
		}
	})
}
