package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/step"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/loss"
	"github.com/sparsepo/sparsepo/mask"
	"github.com/sparsepo/sparsepo/model"
)

// TrainOptions says what is measured.
type TrainOptions struct {
	Shape
	Pairs  string // file of records of token ids
	Method string
	Batch  int // pairs a step
	Steps  int // counted steps

	Rank      int          // of a LoRA adapter on every linear layer; 0 trains all weights
	FourBit   bool         // the frozen base in four bits
	Recompute bool         // gradient checkpointing
	DType     dtypes.DType // of the passes and of frozen weights; the zero value stands for float32

	Precompute bool // what the objective needs of the reference is computed before the first step
}

// TrainResult of a measurement. Steps that warm up are not in it.
type TrainResult struct {
	Method       string  `json:"method"`
	Params       int     `json:"params"`
	MedianStep   float64 `json:"median_step_s"`
	TokensPerSec float64 `json:"tokens_per_s"` // prompt and response tokens of both sides, padding never
	PeakRSS      int     `json:"peak_rss_mb"`  // of the process, MiB; 0 where the system does not tell
	Batch        int     `json:"batch"`
	Steps        int     `json:"steps"`
	FirstStep    float64 `json:"first_step_s"` // with building its graph
	Graphs       int     `json:"graphs"`       // shapes of batches
	Padding      float64 `json:"padding"`      // share of the rows' positions

	Useful  float64 `json:"useful_gflops"`  // floating-point operations that the steps needed (see usefulWork), 1e9 a second
	Product float64 `json:"product_gflops"` // what the engine reaches in a plain product of matrices after the steps

	ReferencePairs int     `json:"reference_pairs,omitempty"` // with Precompute, those computed before the first step: each pair of the batches once
	ReferenceTime  float64 `json:"reference_s,omitempty"`     // what that took, with building its graphs and writing to the disk
	ReferenceBytes int64   `json:"reference_bytes,omitempty"` // what it takes on the disk
}

// Train measures optimiser steps: forward passes of policy and reference, loss, backward pass, clipping and AdamW. The
// batches follow the file, as often as needed; the shapes are those that a training on the file would use. Not counted are
// the first two steps, and for every shape two steps more, the first of which builds its graph.
func Train(ctx context.Context, backend compute.Backend, o TrainOptions) (*TrainResult, error) {
	objective, ok := loss.Lookup(o.Method)
	if !ok {
		return nil, unknownMethod(o.Method)
	}
	if o.Batch < 1 || o.Steps < 1 {
		return nil, usage.Errorf("batch %d, steps %d: expected positive whole numbers", o.Batch, o.Steps)
	}
	checkpoint, err := o.checkpoint()
	if err != nil {
		return nil, err
	}
	if o.FourBit && o.Rank == 0 {
		return nil, usage.Errorf("weights in four bits cannot be trained; give the rank of an adapter")
	}
	batches, work, err := o.batches(ctx, checkpoint.Config, objective)
	if err != nil {
		return nil, err
	}
	result := &TrainResult{Method: o.Method, Params: checkpoint.NumParameters(), Batch: o.Batch, Steps: o.Steps}
	settings := o.settings(checkpoint.Config, objective)
	if o.Precompute && objective.Reference {
		cache, err := o.precompute(ctx, backend, checkpoint, settings, batches, result)
		if err != nil {
			return nil, err
		}
		defer cache.remove()
		settings.Given = cache
	}
	program, err := o.program(backend, checkpoint, settings)
	if err != nil {
		return nil, err
	}
	defer program.Close()
	c := &course{program: program, noise: rand.New(rand.NewPCG(1, 2)).Float32}
	if err := c.measure(ctx, batches, result); err != nil {
		return nil, err
	}
	result.Useful *= work * o.passes(objective)
	result.PeakRSS = peakRSS()
	product, err := productSpeed(backend)
	result.Product = product / 1e9
	return result, err
}

func unknownMethod(name string) error {
	if near := usage.Nearest(name, loss.Names()); near != "" {
		return usage.Errorf("unknown method %q; known: %v (did you mean %q?)", name, loss.Names(), near)
	}
	return usage.Errorf("unknown method %q; known: %v", name, loss.Names())
}

// warmUp is the number of steps at the beginning that are not counted.
const warmUp = 2

// passes are the forward passes that a step is worth.
func (o TrainOptions) passes(objective loss.Objective) float64 {
	passes := 3.0
	if o.Rank > 0 {
		passes--
	}
	if objective.Reference && !o.Precompute {
		passes++
	}
	return passes
}

// batches lays out the warm-up steps and the counted ones, and tells what forward passes of the counted ones need, in 1e9
// floating-point operations.
func (o TrainOptions) batches(ctx context.Context, c *model.Config, objective loss.Objective) ([]data.Batch, float64, error) {
	options := data.LoadOptions{VocabSize: c.Vocab}
	if !objective.Pairs {
		options.Task = data.Supervised
	}
	set, _, err := data.Load(ctx, o.Pairs, options)
	if err != nil {
		return nil, 0, err
	}
	defer set.Close()
	if longest, source := set.Longest(); longest > c.MaxPositions {
		return nil, 0, usage.Errorf("%s: prompt and response have %d tokens, the model %d positions; raise --ctx", source, longest, c.MaxPositions)
	}
	plan, err := data.NewPlan(set, data.PlanOptions{BatchSize: o.Batch, Work: step.Work(c)})
	if err != nil {
		return nil, 0, err
	}
	needed := 0.0
	batches := make([]data.Batch, warmUp+o.Steps)
	for i := range batches {
		pairs := make([]data.TokenPair, o.Batch)
		for j := range pairs {
			if pairs[j], err = set.Pair((i*o.Batch + j) % set.Len()); err != nil {
				return nil, 0, err
			}
		}
		if i >= warmUp {
			needed += usefulWork(pairs, step.Work(c))
		}
		if batches[i], err = data.Collate(pairs, cheapest(plan.Shapes(), pairs)); err != nil {
			return nil, 0, err
		}
	}
	return batches, needed / 1e9, nil
}

// cheapest returns the first of the plan's shapes, which come in order of their cost, that holds the pairs.
func cheapest(shapes []data.Shape, pairs []data.TokenPair) data.Shape {
	for _, s := range shapes {
		if s.Holds(pairs) {
			return s
		}
	}
	// The pairs of a file shorter than a batch are repeated in it, which the plan does not foresee.
	return data.Fit(pairs, len(pairs), shapes[0].Layout)
}

// settings are those that training has by default; the rates of learning are the callers'.
func (o TrainOptions) settings(c *model.Config, objective loss.Objective) step.Settings {
	return step.Settings{
		Objective: objective,
		Options:   loss.Options{Beta: 0.1, Alpha: 0.5, Gamma: 0.3, Lambda: 50},
		Map:       mask.MinMax,
		Learned: mask.Learned{
			Hidden: c.Hidden, Layers: c.Layers, Eps: c.NormEps, AllLayers: true, Depth: 1, Norm: true,
			Binary: objective.Mask == loss.BinaryMask,
		},
		Recompute: o.Recompute,
		Optimiser: step.Optimiser{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.01, MaskWeightDecay: 0.01, MaxGradNorm: 1},
	}
}

// program builds policy, reference and masks.
func (o TrainOptions) program(backend compute.Backend, checkpoint *model.Checkpoint, settings step.Settings) (*step.Program, error) {
	store := gomodel.NewStore()
	policy, reference, err := o.networks(backend, store, checkpoint, settings)
	if err != nil {
		return nil, err
	}
	return step.New(backend, store, policy, reference, settings, nil, 1)
}

func (o TrainOptions) networks(backend compute.Backend, store *gomodel.Store, checkpoint *model.Checkpoint, s step.Settings) (policy, reference *model.Network, err error) {
	base, err := checkpoint.Bind(backend, store, "/policy", o.binding(o.Rank == 0))
	if err != nil {
		return nil, nil, err
	}
	if o.Rank > 0 {
		adapter := model.NewAdapter(model.LoRA{Rank: o.Rank, Alpha: float64(2 * o.Rank), Targets: []string{model.AllLinear}}, "", 1)
		policy, err = base.Adapt(backend, store, "/adapter", adapter, true)
		return policy, base, err
	}
	given := s.Given != nil
	if s.Objective.Reference && (!given || step.HeadNeeded(s.Fields(checkpoint.Config))) {
		binding := o.binding(false)
		binding.HeadOnly = given
		reference, err = checkpoint.Bind(backend, store, "/reference", binding)
	}
	return base, reference, err
}

// binding says how weights are kept.
func (o TrainOptions) binding(trainable bool) model.Binding {
	return model.Binding{DType: o.DType, Quantise: o.FourBit, Trainable: trainable}
}

// course is a training being measured.
type course struct {
	program *step.Program
	noise   func() float32
	done    int
}

// rate is the learning rate of all weights.
const rate = 1e-6

// run does one step and returns its time.
func (c *course) run(ctx context.Context, b *data.Batch) (time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	c.done++
	start := time.Now()
	_, _, err := c.program.Update([]*data.Batch{b}, step.Rates{Policy: rate, Mask: rate, Step: c.done}, c.noise)
	return time.Since(start), err
}

// extent tells batches of different shapes apart.
type extent struct{ rows, seq, responses int }

func extentOf(b *data.Batch) extent { return extent{b.Rows, b.Seq, b.Responses} }

func (c *course) measure(ctx context.Context, batches []data.Batch, r *TrainResult) error {
	warm := map[extent]bool{}
	for i := range batches {
		b := &batches[i]
		for n := 0; (n < warmUp && !warm[extentOf(b)]) || (n == 0 && i < warmUp); n++ {
			took, err := c.run(ctx, b)
			if err != nil {
				return fmt.Errorf("warm up: %w", err)
			}
			if c.done == 1 {
				r.FirstStep = took.Seconds()
			}
		}
		warm[extentOf(b)] = true
	}
	r.Graphs = len(warm)
	var times []float64
	tokens, positions, filled := 0, 0, 0
	for i := range batches[warmUp:] {
		b := &batches[warmUp+i]
		took, err := c.run(ctx, b)
		if err != nil {
			return err
		}
		times = append(times, took.Seconds())
		tokens += b.RealTokens
		positions += b.Rows * b.Seq
		for _, slot := range b.Pair {
			if slot > 0 {
				filled++
			}
		}
	}
	r.MedianStep = median(times)
	r.TokensPerSec = float64(tokens) / sum(times)
	r.Useful = 1 / sum(times)
	r.Padding = 1 - float64(filled)/float64(positions)
	return nil
}

// median of a list that is not empty; the mean of the two middle ones where their number is even.
func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

func sum(list []float64) float64 {
	total := 0.0
	for _, x := range list {
		total += x
	}
	return total
}
