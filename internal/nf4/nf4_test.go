package nf4

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// normal returns n numbers of the standard normal distribution.
func normal(n int, seed uint64) []float32 {
	random := rand.New(rand.NewPCG(seed, 0))
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(random.NormFloat64())
	}
	return values
}

func mustQuantise(t testing.TB, values []float32, dims ...int) Tensor {
	t.Helper()
	tensor, err := Quantise(values, dims...)
	if err != nil {
		t.Fatal(err)
	}
	return tensor
}

// TestLevels derives the levels as QLoRA describes them (§3): quantiles of the normal distribution in equal steps from the
// tail to the middle, seven steps on the negative side and eight on the positive, with 0 once, divided by the largest.
// bitsandbytes' tail is (1/32 + 1/30)/2, half a step of each side's.
func TestLevels(t *testing.T) {
	quantile := func(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }
	tail := (1.0/32 + 1.0/30) / 2
	derived := []float64{0}
	for i := range 7 {
		derived = append(derived, quantile(tail+(0.5-tail)*float64(i)/7))
	}
	for i := range 8 {
		derived = append(derived, -quantile(tail+(0.5-tail)*float64(i)/8))
	}
	slices.Sort(derived)
	for i, level := range levels {
		want := derived[i] / derived[len(derived)-1]
		if math.Abs(float64(level)-want) > 2e-7 {
			t.Errorf("level %d is %.9g, the quantiles give %.9g", i, level, want)
		}
	}
}

// TestNearestLevel compares the codes of numbers all over [-1, 1], those next to midpoints included, with a search.
func TestNearestLevel(t *testing.T) {
	numbers := []float32{math.Nextafter32(-1, -2), math.Nextafter32(1, 2), float32(math.Copysign(0, -1))}
	for i := range 20001 {
		numbers = append(numbers, float32(i)/10000-1)
	}
	for _, m := range midpoints(levels[:]) {
		numbers = append(numbers, math.Nextafter32(m, -2), m, math.Nextafter32(m, 2))
	}
	for _, x := range numbers {
		code := nearestLevel(x)
		distance := math.Abs(float64(x) - float64(levels[code]))
		for other, level := range levels {
			// Midpoints are rounded to float32, so two levels may differ by that.
			if d := math.Abs(float64(x) - float64(level)); d < distance-6e-8 {
				t.Errorf("%v became level %d (%v), but %d (%v) is nearer", x, code, levels[code], other, level)
			}
		}
	}
}

func TestNearestDynamic(t *testing.T) {
	if !slices.IsSorted(dynamicMap[:]) || dynamicMap[127] != 0 || dynamicMap[255] != 1 {
		t.Fatalf("dynamic map %v: want ascending values, 0 at 127, 1 at 255", dynamicMap)
	}
	for code, value := range dynamicMap {
		if got := nearestDynamic(value); int(got) != code {
			t.Errorf("value %v of code %d got code %d", value, code, got)
		}
	}
	for i, m := range dynamicMidpoints {
		below, at, above := nearestDynamic(math.Nextafter32(m, -2)), nearestDynamic(m), nearestDynamic(math.Nextafter32(m, 2))
		if even := uint8(i + i%2); int(below) != i || at != even || int(above) != i+1 {
			t.Errorf("around the midpoint of %d and %d: codes %d, %d, %d; want %d, the even one, %d", i, i+1, below, at, above, i, i+1)
		}
	}
	if low, high := nearestDynamic(-1), nearestDynamic(math.Nextafter32(1, 2)); low != 0 || high != 255 {
		t.Errorf("the ends got codes %d and %d, want 0 and 255", low, high)
	}
}

// TestErrorBound checks |restored - value| ≤ half the widest gap · block scale + the error of the scale.
func TestErrorBound(t *testing.T) {
	widest := 0.0
	for i := range levels[1:] {
		widest = max(widest, float64(levels[i+1])-float64(levels[i]))
	}
	const blocks = 700
	values := normal(blocks*BlockSize-11, 1)
	for i := range values {
		values[i] *= float32(math.Exp2(float64(i / BlockSize % 9)))
	}
	tensor := mustQuantise(t, values, len(values))
	restored := tensor.Dequantise()
	for b := range blocks {
		block := values[b*BlockSize : min((b+1)*BlockSize, len(values))]
		scale := float64(largestMagnitude(block))
		bound := widest/2*scale + math.Abs(float64(tensor.scale(b))-scale)
		for i, value := range block {
			if off := math.Abs(float64(restored[b*BlockSize+i]) - float64(value)); off > bound*(1+1e-6) {
				t.Fatalf("block %d, element %d: %v became %v, off by %v; bound %v", b, i, value, restored[b*BlockSize+i], off, bound)
			}
		}
	}
}

// TestIdempotence: a tensor whose blocks all have the same scale is restored exactly when its elements are levels, and
// quantising what was restored changes nothing.
func TestIdempotence(t *testing.T) {
	values := make([]float32, 300*BlockSize)
	for i := range values {
		values[i] = levels[(i+i/BlockSize)%16] * 0.75
	}
	tensor := mustQuantise(t, values, 150, 128)
	if diff := cmp.Diff(values, tensor.Dequantise()); diff != "" {
		t.Errorf("levels became something else (-want +got):\n%s", diff)
	}
	once := mustQuantise(t, normal(BlockSize, 2), BlockSize)
	if diff := cmp.Diff(once, mustQuantise(t, once.Dequantise(), BlockSize)); diff != "" {
		t.Errorf("quantising twice (-once +twice):\n%s", diff)
	}
}

func TestZeros(t *testing.T) {
	values := normal(5*BlockSize, 3)
	clear(values[BlockSize : 2*BlockSize])
	for i, restored := range mustQuantise(t, values, 5, BlockSize).Dequantise()[BlockSize : 2*BlockSize] {
		if restored != 0 {
			t.Errorf("zero %d became %v", i, restored)
		}
	}
	for i, restored := range mustQuantise(t, make([]float32, 70), 70).Dequantise() {
		if restored != 0 {
			t.Errorf("zero %d of zeros became %v", i, restored)
		}
	}
}

func TestPieces(t *testing.T) {
	values := normal(5000*BlockSize+17, 4)
	want := mustQuantise(t, values, len(values))
	for _, blocks := range []int{1, 7, 1500, 4999, 6000} {
		q, err := NewQuantiser(len(values))
		if err != nil {
			t.Fatal(err)
		}
		for rest := values; len(rest) > 0; {
			n := min(blocks*BlockSize, len(rest))
			if err := q.Add(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		got, err := q.Finish()
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(want, got) {
			t.Errorf("pieces of %d blocks give another tensor than the whole", blocks)
		}
	}
}

func TestMemory(t *testing.T) {
	for _, c := range []struct {
		dims []int
		want int
		why  string
	}{
		{[]int{256, 64}, 256*32 + 256 + 4 + 4, "one group of 256 whole blocks"},
		{[]int{257, 64}, 257*32 + 257 + 8 + 4, "a second group"},
		{[]int{3, 7}, 32 + 1 + 4 + 4, "a partial block takes the codes of a whole one"},
	} {
		tensor := mustQuantise(t, normal(size(c.dims), 5), c.dims...)
		if got := tensor.Bytes(); got != c.want {
			t.Errorf("dimensions %v: %d bytes, want %d: %s", c.dims, got, c.want, c.why)
		}
		if got := len(tensor.Dequantise()); got != size(c.dims) {
			t.Errorf("dimensions %v: %d elements, want %d", c.dims, got, size(c.dims))
		}
	}
}

// TestKnownError compares the error on standard normal numbers with bitsandbytes' figures for blocks of 64: mean absolute
// error 0.072798, mean relative error 0.203339 over 1024x1024 numbers, with standard deviations of 0.000074 and 0.00034
// over tensors (its tests/test_functional.py, test_4bit_quant). Those are without double quantisation, which adds little.
func TestKnownError(t *testing.T) {
	values := normal(1024*1024, 6)
	tensor := mustQuantise(t, values, 1024, 1024)
	single := make([]float32, len(values))
	for b := range tensor.Scales {
		at := b * BlockSize
		decodeBlock(single[at:at+BlockSize], tensor.Codes[b*blockBytes:(b+1)*blockBytes], largestMagnitude(values[at:at+BlockSize]))
	}
	absolute, relative := meanErrors(values, single)
	if math.Abs(absolute-0.072798) > 7*0.000074 || math.Abs(relative-0.203339) > 7*0.00034 {
		t.Errorf("mean errors %.6f absolute, %.6f relative; want 0.072798, 0.203339", absolute, relative)
	}
	double, _ := meanErrors(values, tensor.Dequantise())
	if double < absolute || double > 1.005*absolute {
		t.Errorf("mean absolute error %.6f with double quantisation, %.6f without; want up to 0.5 %% more", double, absolute)
	}
	t.Logf("mean absolute error %.6f, %.6f with double quantisation; relative %.6f", absolute, double, relative)
}

func meanErrors(values, restored []float32) (absolute, relative float64) {
	for i, value := range values {
		off := math.Abs(float64(restored[i]) - float64(value))
		absolute += off / float64(len(values))
		relative += off / (math.Abs(float64(value)) + 1e-8) / float64(len(values))
	}
	return absolute, relative
}

func TestRefused(t *testing.T) {
	with := func(n, at int, value float64) []float32 {
		values := make([]float32, n)
		values[at] = float32(value)
		return values
	}
	add := func(dims []int, pieces ...[]float32) error {
		q, err := NewQuantiser(dims...)
		for _, piece := range pieces {
			if err == nil {
				err = q.Add(piece)
			}
		}
		if err == nil {
			_, err = q.Finish()
		}
		return err
	}
	far := with(100_000, 99_999, math.Inf(-1))
	far[70_003] = float32(math.NaN())
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"NaN", add([]int{2, 50}, with(100, 67, math.NaN())), "element 67 of 100 is NaN"},
		{"infinity", add([]int{64}, with(64, 0, math.Inf(1))), "element 0 of 64 is +Inf"},
		{"the first of several", add([]int{100_000}, far), "element 70003 of 100000 is NaN"},
		{"in a later piece", add([]int{130}, make([]float32, 64), with(66, 65, math.Inf(-1))), "element 129 of 130 is -Inf"},
		{"too many", add([]int{8, 8}, make([]float32, 65)), "1 elements too many for a tensor of dimensions [8 8]"},
		{"too many, later", add([]int{100}, make([]float32, 64), make([]float32, 64)), "28 elements too many"},
		{"too few", add([]int{8, 9}, make([]float32, 64)), "8 elements missing of a tensor of dimensions [8 9]"},
		{"a part before the end", add([]int{200}, make([]float32, 65)), "a piece of 65 elements, 135 before the end of the tensor"},
		{"no elements", add([]int{4, 0}), "dimensions [4 0]: every one must be at least 1"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, c.err, c.want)
		}
	}
}

func BenchmarkQuantise(b *testing.B) {
	values := normal(1<<22, 7)
	b.SetBytes(4 << 22)
	for b.Loop() {
		mustQuantise(b, values, len(values))
	}
}

func BenchmarkDequantise(b *testing.B) {
	tensor := mustQuantise(b, normal(1<<22, 8), 1<<22)
	b.SetBytes(4 << 22)
	for b.Loop() {
		tensor.Dequantise()
	}
}
