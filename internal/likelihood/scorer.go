package likelihood

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/internal/beginning"
	"github.com/sparsepo/sparsepo/internal/device"
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

// Scorer scores with a network whose variables must not change between calls: keys and values of a beginning that many texts
// have in common are kept from one call to the next. It is not safe for concurrent use.
type Scorer struct {
	network     *model.Network
	batchTokens int
	longest     int // tokens of a beginning that is read by itself
	beginnings  *beginning.Reader

	score, after *gomodel.Exec
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
	s := &Scorer{network: network, batchTokens: batchTokens, longest: beginning.Longest(network.Config)}
	var err error
	if s.beginnings, err = beginning.NewReader(backend, store, network); err != nil {
		return nil, err
	}
	for _, e := range []struct {
		into  **gomodel.Exec
		graph func(*gomodel.Scope, []*Node) []*Node
		name  string
	}{
		{&s.score, s.graph, "likelihood"},
		{&s.after, s.afterGraph, "likelihood after a beginning"},
	} {
		if *e.into, err = device.Prepare(backend, store, e.name, e.graph); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Close releases the compiled graphs and what is kept.
func (s *Scorer) Close() {
	s.beginnings.Close()
	for _, e := range []*gomodel.Exec{s.score, s.after} {
		e.Finalize()
	}
}

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
	done, texts := 0, make([][]int32, len(requests))
	for i, r := range requests {
		texts[i] = r.Prefix
	}
	for _, part := range beginning.Divide(texts, s.longest, s.batchTokens) {
		if err := s.begin(ctx, &part, texts); err != nil {
			return nil, fmt.Errorf("score: %w", err)
		}
		err := s.scoreSection(ctx, requests, part, scores, func(n int) {
			done += n
			if progress != nil {
				progress(done, len(requests))
			}
		})
		if err != nil {
			return nil, fmt.Errorf("score: %w", err)
		}
	}
	return scores, nil
}

// begin reads what a section's texts have in common.
func (s *Scorer) begin(ctx context.Context, part *beginning.Section, texts [][]int32) error {
	if err := ctx.Err(); err != nil || len(part.Beginning) == 0 {
		return err
	}
	return s.beginnings.Read(part, texts)
}

// scoreSection scores requests that begin alike, and tells progress of each batch how many of them it was.
func (s *Scorer) scoreSection(ctx context.Context, all []Request, part beginning.Section, scores []Score, progress func(n int)) error {
	requests := after(part, all)
	for left := groups(requests, s.batchTokens); len(left) > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var rows [][]group
		var seq int
		rows, seq, left = fill(left, s.batchTokens)
		b := newBatch(requests, rows, rowCount(len(rows), s.batchTokens/seq), seq, len(part.Beginning))
		if err := s.run(b, part.Members, scores); err != nil {
			return err
		}
		n := 0
		for _, row := range rows {
			for _, g := range row {
				n += len(g.members)
			}
		}
		progress(n)
	}
	return nil
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

// run adds the tokens of a batch to the scores of their requests, which are members of all.
func (s *Scorer) run(b *batch, members []int, scores []Score) error {
	exec, inputs, rest := s.score, b.inputs(), []any(nil)
	if b.position > 0 {
		exec, inputs = s.after, append(inputs, tensors.FromFlatDataAndDimensions([]int64{int64(b.position)}, 1))
		for _, t := range s.beginnings.Cache() {
			rest = append(rest, t)
		}
	}
	out, err := device.Call(exec, inputs, rest...)
	if err != nil {
		return err
	}
	var values [2][]float32
	for i, t := range out {
		if values[i], err = tensors.CopyFlatData[float32](t); err != nil {
			return err
		}
		_ = t.FinalizeAll()
	}
	for i, owner := range b.owner {
		logProb, score := float64(values[0][i]), &scores[members[owner]]
		if math.IsNaN(logProb) || math.IsInf(logProb, 1) {
			return fmt.Errorf("request %d of %d: the model's logits are not finite numbers", members[owner]+1, len(scores))
		}
		score.LogProb += logProb
		score.Greedy = score.Greedy && values[1][i] >= 0
	}
	return nil
}
