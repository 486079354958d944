package cli

import (
	"io"

	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/spf13/pflag"

	"github.com/sparsepo/sparsepo/internal/metrics"
	"github.com/sparsepo/sparsepo/internal/sample"
	"github.com/sparsepo/sparsepo/internal/source"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/model"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// addSamplingFlags adds the flags of what is drawn, with the options' values as defaults.
//
//	many  what is drawn, "completions for each prompt"
//	one   what is cut, "completions"
func addSamplingFlags(flags *pflag.FlagSet, o *sample.Options, many, one string) {
	flags.IntVar(&o.N, "n", o.N, many)
	flags.Float64Var(&o.Temperature, "temperature", o.Temperature, "divides the logits; 0 takes the most likely token")
	flags.Float64Var(&o.TopP, "top-p", o.TopP, "sample from the likeliest tokens of this probability in all (1: off)")
	flags.IntVar(&o.TopK, "top-k", o.TopK, "sample from so many likeliest tokens (0: off)")
	flags.IntVar(&o.MaxNewTokens, "max-new-tokens", o.MaxNewTokens, "cut "+one+" at so many tokens, the one that ends them included")
}

// newSampler puts a model onto the engine to sample from; the caller closes the sampler.
func newSampler(app *App, checkpoint *source.Model, o sample.Options) (*sample.Sampler, error) {
	backend, err := app.Backend()
	if err != nil {
		return nil, err
	}
	store := gomodel.NewStore()
	network, err := checkpoint.Bind(backend, store, "/policy", model.Binding{})
	if err != nil {
		return nil, err
	}
	return sample.New(backend, store, network, o)
}

// tokenizerOf reads the tokenizer of a model that texts are read with or sampled from; name is the user's for it.
func tokenizerOf(checkpoint *source.Model, name string) (*tokenizer.Tokenizer, error) {
	t, err := checkpoint.Tokenizer()
	if err == nil && t == nil {
		err = usage.Errorf("model %s: no tokenizer; put tokenizer.json beside the weights", name)
	}
	return t, err
}

// stages shows the progress of sampling and then of what is done with the samples.
type stages struct {
	output  io.Writer
	second  string // its title
	display *metrics.Progress
}

func newStages(output io.Writer, samples int, second string) *stages {
	return &stages{output, second, metrics.NewProgress(output, "sampling", 0, samples)}
}

// sampled is called with the number of samples so far.
func (s *stages) sampled(done, _ int) { s.display.Update(done, nil) }

// judged is called with what is done of the second stage, first with 0.
func (s *stages) judged(done, total int) {
	if done == 0 {
		s.display.Finish()
		s.display = metrics.NewProgress(s.output, s.second, 0, total)
	}
	s.display.Update(done, nil)
}

func (s *stages) finish() { s.display.Finish() }
