package sample

import (
	"context"
	"fmt"
	"runtime"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/internal/beginning"
	"github.com/sparsepo/sparsepo/internal/device"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/model"
)

// Sampler draws responses from a network as its variables are at the time of each call, so that it can follow a model in
// training. Its graphs are compiled once. It is not safe for concurrent use, nor while a step changes the variables.
type Sampler struct {
	backend compute.Backend
	network *model.Network
	options Options
	inPlace bool // steps write into the cache's memory
	longest int  // tokens of a beginning that is read by itself

	beginnings                                         *beginning.Reader
	prefill, prefillAfter, decode, decodeInto, arrange *gomodel.Exec
}

// New prepares sampling from a network whose variables are in the store.
func New(backend compute.Backend, store *gomodel.Store, network *model.Network, options Options) (*Sampler, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	if options.N == 0 {
		options.N = 1
	}
	if options.BatchRows == 0 {
		options.BatchRows = DefaultBatchRows
	}
	s := &Sampler{
		backend: backend, network: network, options: options, inPlace: backend.HasSharedBuffers(), longest: beginning.Longest(network.Config),
	}
	var err error
	if s.beginnings, err = beginning.NewReader(backend, store, network); err != nil {
		return nil, err
	}
	for _, e := range []struct {
		into  **gomodel.Exec
		graph func(*gomodel.Scope, []*Node) []*Node
		name  string
	}{
		{&s.prefill, s.prefillGraph, "prefill"},
		{&s.prefillAfter, s.prefillAfterGraph, "prefill after a beginning"},
		{&s.decode, s.decodeGraph, "decode"},
		{&s.decodeInto, s.enterGraph, "decode into the cache"},
		{&s.arrange, s.arrangeGraph, "arrange"},
	} {
		if *e.into, err = device.Prepare(backend, store, e.name, e.graph); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Close releases the compiled graphs.
func (s *Sampler) Close() {
	s.beginnings.Close()
	for _, e := range []*gomodel.Exec{s.prefill, s.prefillAfter, s.decode, s.decodeInto, s.arrange} {
		e.Finalize()
	}
}

// Sample draws Options.N responses for every prompt, a list of token ids that must not be empty; the result has them in the
// order of the prompts and samples. progress, which may be nil, is told how many of all responses are complete. When ctx
// ends, so does sampling, with ctx's error.
func (s *Sampler) Sample(ctx context.Context, prompts [][]int32, progress func(done, total int)) ([][]Completion, error) {
	requests := make([]Request, len(prompts))
	for i, p := range prompts {
		requests[i] = Request{Prompt: p, Stream: i}
	}
	return s.Answer(ctx, requests, progress)
}

// Answer is Sample for requests, which say what else ends their responses.
func (s *Sampler) Answer(ctx context.Context, requests []Request, progress func(done, total int)) ([][]Completion, error) {
	if err := s.check(requests); err != nil {
		return nil, err
	}
	r := &run{
		Sampler: s, requests: requests, progress: progress,
		completions: make([][]Completion, len(requests)),
		choosers:    make([]chooser, runtime.GOMAXPROCS(0)),
	}
	for i := range requests {
		r.completions[i] = make([]Completion, s.options.N)
	}
	r.divide()
	for i := range r.choosers {
		r.choosers[i] = chooser{temperature: s.options.Temperature, topK: s.options.TopK, topP: s.options.TopP}
	}
	defer r.release()
	if err := r.all(ctx); err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	return r.completions, nil
}

// check refuses prompts that the model cannot go on with.
func (s *Sampler) check(requests []Request) error {
	config := s.network.Config
	for i, request := range requests {
		p := request.Prompt
		where := fmt.Sprintf("prompt %d of %d", i+1, len(requests))
		if err := s.options.checkStop(request.Stop); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		switch longest := config.MaxPositions - s.options.MaxNewTokens; {
		case len(p) == 0:
			return usage.Errorf("%s: no tokens; a response begins after at least one, such as the token that begins texts", where)
		case len(p) > longest:
			return usage.Errorf("%s: %d tokens and max-new-tokens %d are more than the model's %d positions; shorten the prompt or lower max-new-tokens",
				where, len(p), s.options.MaxNewTokens, config.MaxPositions)
		}
		for _, id := range p {
			if id < 0 || int(id) >= config.Vocab {
				return usage.Errorf("%s: token id %d is outside the model's vocabulary of %d", where, id, config.Vocab)
			}
		}
	}
	return nil
}
