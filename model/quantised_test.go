package model

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/nf4"
)

// A matrix of several bands multiplies as its bands do after quantising and restoring them on the host.
func TestBands(t *testing.T) {
	const rows, columns, n = 3*bandSize/4096 + 5, 4096, 2
	linear := &Linear{Module: "m", In: columns, Out: rows}
	p := Param{Name: "m.weight", Tensor: "m.weight", Kind: KindWeight, Std: 0.02, Dims: []int{rows, columns}, Linear: linear}
	c := &Checkpoint{seed: 3}
	x := make([]float32, n*columns)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)))
	}
	want := make([]float64, n*rows)
	first, counted := 0, 0
	for _, dims := range bands(p) {
		counted++
		values := make([]float32, product(dims))
		if err := c.read(p, values, first*columns); err != nil {
			t.Fatal(err)
		}
		q, err := nf4.Quantise(values, dims...)
		if err != nil {
			t.Fatal(err)
		}
		restored := q.Dequantise()
		for r := range dims[0] {
			for i := range n {
				for k := range columns {
					want[i*rows+first+r] += float64(x[i*columns+k]) * float64(restored[r*columns+k])
				}
			}
		}
		first += dims[0]
	}
	if counted != 4 || first != rows {
		t.Fatalf("%d bands of %d rows in all", counted, first)
	}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		store := gomodel.NewStore()
		net := &Network{scope: store.Scope("/n"), linears: map[string]Param{p.Name: p}, quantised: map[string][][]int{}, checkpoint: c}
		if err := net.bindQuantised(e.Backend, p); err != nil {
			t.Fatal(err)
		}
		exec, err := gomodel.NewExec(e.Backend, store, func(_ *gomodel.Scope, in []*Node) []*Node {
			w := &weights{network: net, graph: in[0].Graph()}
			return []*Node{w.product(in[0], p)}
		})
		if err != nil {
			t.Fatal(err)
		}
		defer exec.Finalize()
		out, err := exec.Call(tensors.FromFlatDataAndDimensions(x, n, columns))
		if err != nil {
			t.Fatal(err)
		}
		got := tensors.MustCopyFlatData[float32](out[0])
		for i, v := range got {
			golden.Close(t, "product", float64(v), want[i], 2e-5*e.Slack)
		}
	})
}
