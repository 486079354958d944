package likelihood

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/model"
)

// DefaultBatchTokens is the number of tokens read at once where New is not told. Ours: enough to keep the cores busy; a row
// of so many tokens takes 4 MB a head for the scores of its attention.
const DefaultBatchTokens = 1024

// Request is a text and what may follow it.
type Request struct {
	Prefix       []int32 // at least one token
	Continuation []int32 // at least one token
}

// Score says how likely a continuation is.
type Score struct {
	LogProb float64 // of the continuation after its prefix, nats: the sum over its tokens
	Greedy  bool    // no other token is more likely than the continuation's, at each of its places
}

// Scorer scores with a network whose variables are as they are at the time of each call. It is not safe for concurrent use.
type Scorer struct {
	network     *model.Network
	exec        *gomodel.Exec
	batchTokens int
}

// New prepares scoring with a network whose variables are in the store. batchTokens is the number of tokens read at once,
// padding included; 0 counts as DefaultBatchTokens. A text with its continuation may be longer.
func New(backend compute.Backend, store *gomodel.Store, network *model.Network, batchTokens int) (*Scorer, error) {
	if batchTokens < 0 {
		return nil, usage.Errorf("batch tokens: found %d, expected a positive number of tokens", batchTokens)
	}
	if batchTokens == 0 {
		batchTokens = DefaultBatchTokens
	}
	s := &Scorer{network: network, batchTokens: batchTokens}
	exec, err := gomodel.NewExec(backend, store, s.graph)
	if err != nil {
		return nil, fmt.Errorf("prepare graph likelihood: %w", err)
	}
	exec.SetMaxCache(-1)
	s.exec = exec.WithName("likelihood")
	return s, nil
}

// Close releases the compiled graphs.
func (s *Scorer) Close() { s.exec.Finalize() }

// Score scores every request; the result is in their order. progress, which may be nil, is told how many are done. When ctx
// ends, so does scoring, with ctx's error.
func (s *Scorer) Score(ctx context.Context, requests []Request, progress func(done, total int)) ([]Score, error) {
	if err := s.check(requests); err != nil {
		return nil, err
	}
	scores := make([]Score, len(requests))
	for i := range scores {
		scores[i].Greedy = true
	}
	left, done := groups(requests, s.batchTokens), 0
	for len(left) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("score: %w", err)
		}
		var rows [][]group
		var seq int
		rows, seq, left = fill(left, s.batchTokens)
		b := newBatch(requests, rows, rowCount(len(rows), s.batchTokens/seq), seq)
		if err := s.run(b, scores); err != nil {
			return nil, fmt.Errorf("score: %w", err)
		}
		for _, row := range rows {
			for _, g := range row {
				done += len(g.members)
			}
		}
		if progress != nil {
			progress(done, len(requests))
		}
	}
	return scores, nil
}

// check refuses requests that the model cannot score.
func (s *Scorer) check(requests []Request) error {
	config := s.network.Config
	for i, r := range requests {
		where := fmt.Sprintf("request %d of %d", i+1, len(requests))
		switch read := len(r.Prefix) + len(r.Continuation) - 1; {
		case len(r.Prefix) == 0:
			return usage.Errorf("%s: no tokens before the continuation; begin with the token that begins texts", where)
		case len(r.Continuation) == 0:
			return usage.Errorf("%s: no tokens in the continuation", where)
		case read > config.MaxPositions:
			return usage.Errorf("%s: %d tokens before the last one are more than the model's %d positions; leave tokens at the start of the text out",
				where, read, config.MaxPositions)
		}
		for _, list := range [][]int32{r.Prefix, r.Continuation} {
			for _, id := range list {
				if id < 0 || int(id) >= config.Vocab {
					return usage.Errorf("%s: token id %d is outside the model's vocabulary of %d", where, id, config.Vocab)
				}
			}
		}
	}
	return nil
}

// run adds the tokens of a batch to their requests' scores.
func (s *Scorer) run(b *batch, scores []Score) error {
	inputs := b.inputs()
	args := make([]any, len(inputs))
	for i, t := range inputs {
		args[i] = t
	}
	out, err := s.exec.Call(args...)
	for _, t := range inputs {
		_ = t.FinalizeAll()
	}
	if err != nil {
		return fmt.Errorf("run graph %s: %w", s.exec.Name(), err)
	}
	var values [2][]float32
	for i, t := range out {
		if values[i], err = tensors.CopyFlatData[float32](t); err != nil {
			return err
		}
		_ = t.FinalizeAll()
	}
	for i, owner := range b.owner {
		logProb := float64(values[0][i])
		if math.IsNaN(logProb) || math.IsInf(logProb, 1) {
			return fmt.Errorf("request %d of %d: the model's logits are not finite numbers", owner+1, len(scores))
		}
		scores[owner].LogProb += logProb
		scores[owner].Greedy = scores[owner].Greedy && values[1][i] >= 0
	}
	return nil
}
