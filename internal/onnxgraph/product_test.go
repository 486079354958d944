package onnxgraph

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestProducts runs testdata/product.c: the products of every version that this machine has, at odd shapes, against sums in
// double precision, with every access to memory checked where the compiler can do that.
func TestProducts(t *testing.T) {
	compiler, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("skipped: no C compiler (cc) here")
	}
	program := filepath.Join(t.TempDir(), "product")
	source := filepath.Join("testdata", "product.c")
	checked := []string{"-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", source, "-o", program, "-lm"}
	if out, err := exec.Command(compiler, checked...).CombinedOutput(); err != nil {
		t.Logf("without checks of memory: %v\n%s", err, out)
		if out, err := exec.Command(compiler, "-O1", source, "-o", program, "-lm").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	out, err := exec.Command(program).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
