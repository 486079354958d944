package engine

import (
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// TestPrune: what no output needs goes, what one needs stays.
func TestPrune(t *testing.T) {
	opened, err := Open("onnx")
	if err != nil {
		t.Skipf("skipped: engine onnx is not here (`make engine` installs ONNX Runtime): %v", err)
	}
	builder := opened.Backend().(*adapted).Backend.Builder("pruned")
	main := builder.Main()
	must := func(v compute.Value, err error) compute.Value {
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	x := must(main.Parameter("x", shapes.Make(dtypes.Float32, 3), nil))
	y := must(main.Exp(x))
	must(main.Neg(must(main.Exp(y))))
	if err := main.Return([]compute.Value{must(main.Tanh(y))}, nil); err != nil {
		t.Fatal(err)
	}
	if before, after := prune(builder); before != 5 || after != 3 {
		t.Errorf("%d operations of %d left, want 3 of 5; has compute-onnx changed?", after, before)
	}
	executable, err := builder.Compile()
	if err != nil {
		t.Fatal(err)
	}
	executable.Finalize()
	if before, _ := prune(nil); before != 0 {
		t.Error("pruned nothing's operations")
	}
}
