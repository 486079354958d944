package step

import (
	"fmt"
	"math"
	"runtime"
	"sync"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/device"
)

// On engines that share their memory with the program AdamW runs here, in place and in one pass over each weight. In a graph
// it would be two dozen passes, and for a moment weights and moments would exist twice. The numbers are those of
// Optimiser.apply.

// gradientsGraph gives the values of a batch and its gradients.
func (p *Program) gradientsGraph(_ *gomodel.Scope, nodes []*Node) []*Node {
	c, gradients := p.gradients(p.newInputs(nodes))
	return append(p.outputs(c), gradients...)
}

// updateInPlace is Update on an engine with shared memory.
func (p *Program) updateInPlace(micro []*data.Batch, r Rates, noise func() float32) ([]Values, float64, error) {
	var sums [][]float32
	list := make([]Values, len(micro))
	for i, b := range micro {
		out, err := p.callOn(p.gradient, nil, b, noise)
		if err != nil {
			return nil, 0, err
		}
		if i == 0 {
			defer finalize(out) // the sums are in it
		}
		list[i], err = p.values(out, true)
		if err == nil {
			sums, err = p.addTo(sums, out[len(out)-len(p.trained):])
		}
		if i > 0 {
			finalize(out)
		}
		if err != nil {
			return nil, 0, err
		}
	}
	norm, err := p.adamW(sums, r)
	return list, norm, err
}

// addTo adds gradients to their sums over earlier batches. The first batch's are the sums of one.
func (p *Program) addTo(sums [][]float32, of []*tensors.Tensor) ([][]float32, error) {
	gradients, err := p.memories(of)
	if sums == nil || err != nil {
		return gradients, err
	}
	inPieces(gradients, func(_, variable, first, end int) {
		sum := sums[variable][first:end]
		for j, g := range gradients[variable][first:end] {
			sum[j] += g
		}
	})
	return sums, nil
}

func (p *Program) memories(list []*tensors.Tensor) ([][]float32, error) {
	memories := make([][]float32, len(list))
	for i, t := range list {
		var err error
		if memories[i], err = device.Memory(p.backend, t); err != nil {
			return nil, fmt.Errorf("%s: %w", p.trained[i].name, err)
		}
	}
	return memories, nil
}

// adamW clips the gradients by their global norm, updates weights and moments, and returns the norm before clipping.
func (p *Program) adamW(gradients [][]float32, r Rates) (norm float64, err error) {
	var state [3][][]float32 // weights, first and second moments
	for i, of := range []func(t trained) *gomodel.Variable{
		func(t trained) *gomodel.Variable { return t.variable },
		func(t trained) *gomodel.Variable { return t.first },
		func(t trained) *gomodel.Variable { return t.second },
	} {
		list := make([]*tensors.Tensor, len(p.trained))
		for j, t := range p.trained {
			if list[j], err = of(t).Value(); err != nil {
				return 0, fmt.Errorf("%s: %w", t.name, err)
			}
		}
		if state[i], err = p.memories(list); err != nil {
			return 0, err
		}
	}
	norm = globalNormOf(gradients)
	o := p.settings.Optimiser
	scale := float32(1)
	if o.MaxGradNorm > 0 {
		scale = min(1, float32(o.MaxGradNorm/(norm+1e-6)))
	}
	beta1, beta2, epsilon := float32(o.Beta1), float32(o.Beta2), float32(o.Epsilon)
	rest1, rest2 := float32(1-o.Beta1), float32(1-o.Beta2)
	correction1, correction2 := float32(1/(1-math.Pow(o.Beta1, float64(r.Step)))), float32(1/(1-math.Pow(o.Beta2, float64(r.Step))))
	inPieces(gradients, func(_, variable, first, end int) {
		t := p.trained[variable]
		rate := float32(r.Policy)
		if t.mask {
			rate = float32(r.Mask)
		}
		keep := 1 - rate*float32(t.decay)
		weights, firsts, seconds := state[0][variable][first:end], state[1][variable][first:end], state[2][variable][first:end]
		for j, g := range gradients[variable][first:end] {
			g *= scale
			m := firsts[j]*beta1 + g*rest1
			v := seconds[j]*beta2 + g*g*rest2
			firsts[j], seconds[j] = m, v
			weights[j] = weights[j]*keep - rate*(m*correction1/(float32(math.Sqrt(float64(v*correction2)))+epsilon))
		}
	})
	return norm, nil
}

// globalNormOf is the L2 norm of all gradients together, the same whatever the number of cores.
func globalNormOf(gradients [][]float32) float64 {
	sums := make([]float64, countPieces(gradients))
	inPieces(gradients, func(piece, variable, first, end int) {
		sum := 0.0
		for _, g := range gradients[variable][first:end] {
			sum += float64(g) * float64(g)
		}
		sums[piece] = sum
	})
	total := 0.0
	for _, sum := range sums {
		total += sum
	}
	return math.Sqrt(total)
}

// pieceSize is how many elements are worked on at a time: few enough that their state stays in a core's cache.
const pieceSize = 1 << 14

func countPieces(list [][]float32) int {
	n := 0
	for _, values := range list {
		n += (len(values) + pieceSize - 1) / pieceSize
	}
	return n
}

// inPieces calls do for every piece of every list, on all cores; pieces are numbered from 0.
func inPieces(list [][]float32, do func(piece, variable, first, end int)) {
	type piece struct{ variable, first, end int }
	pieces := make([]piece, 0, countPieces(list))
	for variable, values := range list {
		for first := 0; first < len(values); first += pieceSize {
			pieces = append(pieces, piece{variable, first, min(first+pieceSize, len(values))})
		}
	}
	workers := min(runtime.GOMAXPROCS(0), len(pieces))
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := worker * len(pieces) / workers; i < (worker+1)*len(pieces)/workers; i++ {
				do(i, pieces[i].variable, pieces[i].first, pieces[i].end)
			}
		})
	}
	group.Wait()
}
