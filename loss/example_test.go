package loss_test

import (
	"fmt"
	"log"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/loss"
)

// One pair with two chosen tokens and one rejected token: Σ logratio is 0.75 for the chosen response and -0.25 for the
// rejected one, so that DPO's loss with β = 1 is -logσ(1).
func ExampleObjective() {
	opened, err := engine.Open("go")
	if err != nil {
		log.Fatal(err)
	}
	objective, _ := loss.Lookup("dpo")
	exec, err := NewExec(opened.Backend(), func(owner, policy, reference *Node) []*Node {
		out := objective.Build(loss.Terms{
			LogProb: policy, Reference: reference, Sides: loss.NewSides(owner, 1, dtypes.Float32),
		}, loss.Options{Beta: 1})
		return []*Node{out.Loss, out.Chosen, out.Rejected}
	})
	if err != nil {
		log.Fatal(err)
	}
	out, err := exec.Call([]int64{0, 0, 1}, []float32{-1, -0.5, -2}, []float32{-1.5, -0.75, -1.75})
	if err != nil {
		log.Fatal(err)
	}
	for i, name := range []string{"loss", "chosen", "rejected"} {
		fmt.Printf("%s %.4f\n", name, tensors.MustCopyFlatData[float32](out[i])[0])
	}
	// Output:
	// loss 0.3133
	// chosen 0.7500
	// rejected -0.2500
}
