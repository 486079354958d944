package evaluation

import (
	"context"
	"strings"
	"unicode"

	"github.com/gomlx/compute"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/internal/likelihood"
	"github.com/sparsepo/sparsepo/internal/prompts"
	"github.com/sparsepo/sparsepo/internal/sample"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/model"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// Network is a language model with its tokenizer. It is not safe for concurrent use.
type Network struct {
	backend   compute.Backend
	store     *gomodel.Store
	network   *model.Network
	tokenizer *tokenizer.Tokenizer
	batch     Batch
	scorer    *likelihood.Scorer // made when first needed
}

// Batch says how much is computed at once.
type Batch struct {
	Tokens int // of texts that are scored; 0 counts as likelihood.DefaultBatchTokens
	Rows   int // responses; 0 counts as sample.DefaultBatchRows
}

// NewNetwork makes a Model of a network whose variables are in the store.
func NewNetwork(backend compute.Backend, store *gomodel.Store, network *model.Network, t *tokenizer.Tokenizer, batch Batch) *Network {
	return &Network{backend: backend, store: store, network: network, tokenizer: t, batch: batch}
}

// Close releases compiled graphs.
func (n *Network) Close() {
	if n.scorer != nil {
		n.scorer.Close()
	}
}

// LogProbs scores every continuation after its prompt. Of a text that is longer than the model's positions the beginning is
// left out.
func (n *Network) LogProbs(ctx context.Context, questions []Question) ([]Likelihoods, error) {
	if n.scorer == nil {
		scorer, err := likelihood.New(n.backend, n.store, n.network, n.batch.Tokens)
		if err != nil {
			return nil, err
		}
		n.scorer = scorer
	}
	results := make([]Likelihoods, len(questions))
	var requests []likelihood.Request
	for i, q := range questions {
		some, cut, err := n.encode(q)
		if err != nil {
			return nil, err
		}
		results[i].Cut = cut
		requests = append(requests, some...)
	}
	scores, err := n.scorer.Score(ctx, requests, nil)
	if err != nil {
		return nil, err
	}
	for i, q := range questions {
		for _, score := range scores[:len(q.Continuations)] {
			results[i].LogProbs = append(results[i].LogProbs, score.LogProb)
		}
		scores = scores[len(q.Continuations):]
	}
	return results, nil
}

// encode makes requests of a question, all with the same prefix. As in lm-evaluation-harness, white space at the prompt's
// end belongs to the continuation, and prompt and continuation are encoded together.
func (n *Network) encode(q Question) (requests []likelihood.Request, cut bool, err error) {
	text := strings.TrimRightFunc(q.Prompt, unicode.IsSpace)
	space := q.Prompt[len(text):]
	prefix := prompts.Begin(n.tokenizer, text)
	longest := 1
	for _, continuation := range q.Continuations {
		ids := prompts.Begin(n.tokenizer, text+space+continuation)
		if len(ids) <= len(prefix) { // the tokens of the prompt's end and the continuation's beginning are one
			ids = append(prefix[:len(prefix):len(prefix)], n.tokenizer.EncodeContinuation(space+continuation)...)
		}
		if ids = ids[len(prefix):]; len(ids) == 0 {
			return nil, false, usage.Errorf("the tokenizer has no tokens for the answer %q", continuation)
		}
		longest = max(longest, len(ids))
		requests = append(requests, likelihood.Request{Continuation: ids})
	}
	if prefix, err = n.begun(prefix); err != nil {
		return nil, false, err
	}
	positions := n.network.Config.MaxPositions
	if longest > positions { // no room for an answer, not even without its question
		for i, r := range requests {
			requests[i].Continuation = r.Continuation[max(0, len(r.Continuation)-positions):]
		}
		longest, cut = positions, true
	}
	if room := positions + 1 - longest; len(prefix) > room {
		prefix, cut = prefix[len(prefix)-room:], true
	}
	for i := range requests {
		requests[i].Prefix = prefix
	}
	return requests, cut, nil
}

// begun puts the token that begins texts, or ends them, into an empty text.
func (n *Network) begun(ids []int32) ([]int32, error) {
	for _, first := range []func() (int32, bool){n.tokenizer.BOS, n.tokenizer.EOS} {
		if id, ok := first(); ok && len(ids) == 0 {
			ids = []int32{id}
		}
	}
	if len(ids) == 0 {
		return nil, usage.Errorf("a prompt has no tokens, and the tokenizer none that begins or ends a text")
	}
	return ids, nil
}

// Generate draws responses. A response gets no more than half of the model's positions, and of a prompt that is longer than
// the rest the beginning is left out.
func (n *Network) Generate(ctx context.Context, texts []string, s Sampling) ([]Responses, error) {
	positions := n.network.Config.MaxPositions
	options := s.options()
	options.MaxNewTokens = min(s.MaxTokens, positions/2)
	options.EOS, options.BatchRows, options.Decode = n.network.Config.EOS, n.batch.Rows, n.tokenizer.DecodeAfter
	if eos, ok := n.tokenizer.EOS(); ok {
		options.EOS = eos
	}
	requests := make([]sample.Request, len(texts))
	results := make([]Responses, len(texts))
	for i, text := range texts {
		ids, err := n.begun(prompts.Begin(n.tokenizer, text))
		if err != nil {
			return nil, err
		}
		if room := positions - options.MaxNewTokens; len(ids) > room {
			ids, results[i].Cut = ids[len(ids)-room:], true
		}
		requests[i] = sample.Request{Prompt: ids, Stop: s.Stop, Stream: i}
		if s.Streams != nil {
			requests[i].Stream = s.Streams[i]
		}
	}
	sampler, err := sample.New(n.backend, n.store, n.network, options)
	if err != nil {
		return nil, err
	}
	defer sampler.Close()
	drawn, err := sampler.Answer(ctx, requests, nil)
	if err != nil {
		return nil, err
	}
	for i, some := range drawn {
		for _, completion := range some {
			results[i].Texts = append(results[i].Texts, completion.Text)
			ended := completion.Finished || completion.Stopped
			results[i].Cut = results[i].Cut || !ended && options.MaxNewTokens < s.MaxTokens
		}
	}
	return results, nil
}
