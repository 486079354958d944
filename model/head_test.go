package model

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/internal/golden"
)

// A network of the head alone has the logits of the whole one, in every family, and no more weights than they take.
func TestHeadOnly(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		tinyNetworks(t, e, func(t *testing.T, name string, n *Network, store *gomodel.Store) {
			if e.Name != "go" && name != "gpt2" {
				t.Skip("preparing a graph takes long")
			}
			saved := t.TempDir()
			if err := n.Save(saved); err != nil {
				t.Fatal(err)
			}
			checkpoint, err := Open(saved)
			if err != nil {
				t.Fatal(err)
			}
			defer checkpoint.Close()
			own := gomodel.NewStore()
			head, err := checkpoint.Bind(e.Backend, own, "/head", Binding{HeadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			hidden := make([]float32, 3*n.Config.Hidden)
			for i := range hidden {
				hidden[i] = float32(i%7) - 2.5
			}
			logits := func(n *Network, store *gomodel.Store) []float32 {
				exec, err := gomodel.NewExec(e.Backend, store, func(_ *gomodel.Scope, x *Node) *Node { return n.Logits(x) })
				if err != nil {
					t.Fatal(err)
				}
				defer exec.Finalize()
				out, err := exec.Call(tensors.FromFlatDataAndDimensions(hidden, 3, n.Config.Hidden))
				if err != nil {
					t.Fatal(err)
				}
				return tensors.MustCopyFlatData[float32](out[0])
			}
			if diff := cmp.Diff(logits(n, store), logits(head, own)); diff != "" {
				t.Errorf("logits (-whole +head):\n%s", diff)
			}
			size := 0
			for _, v := range head.Variables() {
				size += v.Shape().Size()
			}
			if size != checkpoint.HeadParameters() || size >= checkpoint.NumParameters()/2 {
				t.Errorf("%d weights are bound, want %d, of %d in all", size, checkpoint.HeadParameters(), checkpoint.NumParameters())
			}
			if _, err := checkpoint.Bind(e.Backend, gomodel.NewStore(), "/head", Binding{HeadOnly: true, Trainable: true}); err == nil {
				t.Error("a head alone is bound for training")
			}
		})
	})
}
