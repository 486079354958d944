package mask_test

import (
	"fmt"
	"log"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/mask"
)

// A mask over the two layers of a reference model of width 2, for three tokens. The second token's score is negative in
// both layers, so that its mask is zero: the token drops out of the loss.
func ExampleLearned_Values() {
	opened, err := engine.Open("go")
	if err != nil {
		log.Fatal(err)
	}
	architecture := mask.Learned{Hidden: 2, Layers: 2, AllLayers: true, Depth: 1}
	exec, err := NewExec(opened.Backend(), func(layer1, layer2 *Node) *Node {
		tensors := map[string]*Node{
			"layer.weight": Const(layer1.Graph(), [][]float32{{1, 0}, {0, 1}}),
			"layer.bias":   Const(layer1.Graph(), []float32{0, -0.5}),
			"mixer.weight": Const(layer1.Graph(), []float32{0.5, 0.5}),
		}
		param := func(name string) *Node { return tensors[name] }
		return architecture.Values(param, []*Node{layer1, layer2}, nil)
	})
	if err != nil {
		log.Fatal(err)
	}
	out, err := exec.Call1([][]float32{{1, 0}, {-1, 2}, {2, 1}}, [][]float32{{0, 0}, {3, 0.25}, {1, 1.5}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tensors.MustCopyFlatData[float32](out))
	// Output:
	// [0.5 0 1.5]
}
