package model

import (
	"fmt"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/internal/golden"
)

// The forward pass returns one hidden state a layer, the last of them after the final norm, and with Trace the activations of
// every group.
func TestForwardOutputs(t *testing.T) {
	const rows, seq, layers = 2, 5, 3
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		config, err := GPT2Config(11, 8, layers, 2, 16, 0)
		if err != nil {
			t.Fatal(err)
		}
		store := gomodel.NewStore()
		n, err := Random(config, 3).Bind(e.Backend, store, "/n", Binding{})
		if err != nil {
			t.Fatal(err)
		}
		var groups map[string]int
		exec, err := gomodel.NewExec(e.Backend, store, func(_ *gomodel.Scope, in []*Node) []*Node {
			g := in[0].Graph()
			shape := shapes.Make(dtypes.Int64, rows, seq, seq)
			visible := GreaterOrEqual(Iota(g, shape, 1), Iota(g, shape, 2))
			positions := Iota(g, shapes.Make(dtypes.Int64, rows, seq), 1)
			out := n.Forward(Inputs{Tokens: in[0], Positions: positions, Visible: visible, Trace: true})
			if len(out.Hidden) != layers || len(out.Keys) != layers || len(out.Values) != layers {
				panic(fmt.Errorf("%d hidden states, %d keys, %d values; want %d of each", len(out.Hidden), len(out.Keys), len(out.Values), layers))
			}
			for _, x := range append(out.Hidden, out.Final) {
				x.AssertDims(rows, seq, 8)
			}
			for _, x := range append(out.Keys, out.Values...) {
				x.AssertDims(rows, 2, seq, 4)
			}
			groups = map[string]int{}
			for _, a := range out.Activations {
				groups[a.Group]++
			}
			last := Sub(out.Hidden[layers-1], out.Final)
			return []*Node{ReduceAllMax(Abs(last)), ReduceAllMax(Abs(Sub(out.Hidden[0], out.Final)))}
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Call([][]int64{{1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}})
		if err != nil {
			t.Fatal(err)
		}
		if last, first := out[0].Value().(float32), out[1].Value().(float32); last != 0 || first == 0 {
			t.Errorf("the last layer's hidden state is %g and the first one's %g away from the final one; want 0 and more", last, first)
		}
		// mlp: one a layer; attn: q, k, v and the heads' output; resid: the embedding, six a layer and the final norm
		for group, want := range map[string]int{"mlp": layers, "attn": 4 * layers, "resid": 6*layers + 2} {
			if groups[group] != want {
				t.Errorf("%d activations in group %s, want %d", groups[group], group, want)
			}
		}
	})
}
