package train

import "math/rand/v2"

// noise is the stream of uniform numbers for one step: the same for a step whether the run was interrupted or not, and on
// every engine.
func noise(seed, step int) func() float32 {
	return rand.New(rand.NewPCG(uint64(seed), uint64(step))).Float32
}
