package evaluation

import (
	"context"

	"github.com/sparsepo/sparsepo/internal/sample"
)

// Question is a text and what may follow it.
type Question struct {
	Prompt        string
	Continuations []string
}

// Likelihoods say how likely the continuations of a question are.
type Likelihoods struct {
	LogProbs []float64 // of each continuation, nats
	Cut      bool      // the model has no room for the whole text: its beginning was left out
}

// Sampling says how responses are drawn.
type Sampling struct {
	N           int      // responses to each prompt
	Temperature float64  // 0 takes the likeliest token
	TopP        float64  // 1: off
	TopK        int      // 0: off
	MaxTokens   int      // longest response
	Stop        []string // what ends a response, and is no part of it
	Seed        uint64
	// Streams tell the random numbers of the prompts apart, so that what is drawn for one does not depend on what it is asked
	// with; nil counts the prompts.
	Streams []int
}

// Validate reports every value that makes no sense, by the names of the command line.
func (s Sampling) Validate() error { return s.options().Validate() }

func (s Sampling) options() sample.Options {
	return sample.Options{N: s.N, Temperature: s.Temperature, TopP: s.TopP, TopK: s.TopK, MaxNewTokens: s.MaxTokens, Seed: s.Seed, EOS: -1}
}

// Responses are what a model made of a prompt.
type Responses struct {
	Texts []string
	Cut   bool // the model has no room for prompt and response: the prompt's beginning was left out, or the response is shorter
}

// Model is what is evaluated.
type Model interface {
	// LogProbs answers questions, in their order.
	LogProbs(ctx context.Context, questions []Question) ([]Likelihoods, error)
	// Generate goes on from prompts, in their order.
	Generate(ctx context.Context, prompts []string, s Sampling) ([]Responses, error)
}
