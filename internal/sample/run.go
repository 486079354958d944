package sample

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/sparsepo/sparsepo/internal/beginning"
	"github.com/sparsepo/sparsepo/internal/device"
)

// run is one call of Sample.
type run struct {
	*Sampler
	requests    []Request
	completions [][]Completion
	progress    func(done, total int)
	done        int
	choosers    []chooser // one a goroutine

	sections []beginning.Section // of prompts that begin alike, those that were not read yet
	prefixes cache               // of the prompts read last
	waiting  []*sequence         // that begin after one of prefixes

	active []*sequence // row by row; the rows after them are padding
	cache  cache       // of the active ones
}

// sequence is a response in the making.
type sequence struct {
	*Completion
	prompt int
	prefix int // row of its prompt in prefixes
	row    int // in the cache
	token  int32
	place  int // position of token, which is read next; those before it are in the cache
	ended  bool
	random *rand.PCG
}

func (r *run) release() {
	r.prefixes.release()
	r.cache.release()
	r.beginnings.Release()
}

func (r *run) all(ctx context.Context) error {
	for {
		if err := r.admit(ctx); err != nil {
			return err
		}
		if len(r.active) == 0 {
			return nil
		}
		for goOn := true; goOn; goOn = !r.roundOver() {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := r.step(); err != nil {
				return err
			}
		}
	}
}

// unended are the sequences of list that go on.
func unended(list []*sequence) []*sequence {
	var left []*sequence
	for _, q := range list {
		if !q.ended {
			left = append(left, q)
		}
	}
	return left
}

// admit arranges the rows that go on and new ones.
func (r *run) admit(ctx context.Context) error {
	kept := unended(r.active)
	free := r.options.BatchRows - len(kept)
	for len(r.waiting) == 0 && len(r.sections) > 0 && r.worthFilling(len(kept)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.readPrompts(free); err != nil {
			return err
		}
	}
	n := min(free, len(r.waiting))
	newcomers := r.waiting[:n]
	r.waiting = r.waiting[n:]
	r.active = append(kept, newcomers...)
	if len(r.active) == 0 {
		return nil
	}
	if err := r.arrangeRows(len(kept)); err != nil {
		return err
	}
	if len(r.waiting) == 0 {
		r.prefixes.release()
	}
	return nil
}

// worthFilling reports whether so many rows should be joined by others: reading few prompts at a time costs about as much
// as reading many.
func (r *run) worthFilling(rows int) bool {
	return rows <= r.options.BatchRows-max(1, r.options.BatchRows/4)
}

// patience is the number of steps before the cache is full at which it is not arranged for anything else. Ours.
const patience = 4

// roundOver reports whether the rows should be arranged: when the cache has no place for the next token of one, or when so
// many rows ended that arranging them, which costs about a step, pays.
func (r *run) roundOver() bool {
	left := unended(r.active)
	remaining := r.cache.length - longest(left)
	switch {
	case remaining <= 0 || len(left) == 0:
		return true
	case remaining < patience || len(left) == len(r.active):
		return false
	case len(r.waiting)+len(r.sections) > 0:
		return r.worthFilling(len(left))
	}
	return r.rowSize(len(left)) < r.cache.rows
}

// longest is the largest number of positions in the cache of a sequence.
func longest(list []*sequence) int {
	n := 0
	for _, q := range list {
		n = max(n, q.place)
	}
	return n
}

// arrangeRows makes the cache of the active sequences, of which the first ones, kept, were in the cache before.
func (r *run) arrangeRows(kept int) error {
	rows, length := r.rowSize(len(r.active)), beginning.Length(longest(r.active)+1, minLength)
	from := make([]int64, rows)
	var args []any
	var err error
	base := 0
	if kept > 0 {
		base = r.cache.rows
		if args, err = r.donated(args, &r.cache); err != nil {
			return err
		}
	}
	if kept < len(r.active) {
		args = r.prefixes.arguments(args)
	}
	for i, q := range r.active {
		from[i] = int64(q.row)
		if i >= kept {
			from[i] = int64(base + q.prefix)
		}
		q.row = i
	}
	span := tensors.FromFlatDataAndDimensions(make([]int64, length), length)
	out, err := device.Call(r.arrange, []*tensors.Tensor{tensors.FromFlatDataAndDimensions(from, rows), span}, args...)
	if err != nil {
		return err
	}
	r.cache.release()
	r.cache = cache{list: out, rows: rows, length: length}
	if r.inPlace && out[0].DType() == dtypes.Float32 {
		return r.open(&r.cache)
	}
	return nil
}

// step reads one token of every active sequence and draws the next ones.
func (r *run) step() error {
	rows := r.cache.rows
	tokens, positions := make([]int64, rows), make([]int64, rows)
	for i, q := range r.active {
		tokens[i], positions[i] = int64(q.token), int64(q.place)
	}
	logits, err := r.read(
		tensors.FromFlatDataAndDimensions(tokens, rows), tensors.FromFlatDataAndDimensions(positions, rows))
	if err != nil {
		return err
	}
	return r.extend(unended(r.active), logits, func(q *sequence) int { return q.row })
}

// read runs a step's graph and takes what it adds to the cache.
func (r *run) read(tokens, positions *tensors.Tensor) (logits *tensors.Tensor, err error) {
	inputs := []*tensors.Tensor{tokens, positions}
	if r.cache.memory == nil {
		rows, length := r.cache.rows, r.cache.length
		args, err := r.donated(nil, &r.cache)
		if err != nil {
			return nil, err
		}
		out, err := device.Call(r.decodeInto, inputs, args...)
		if err != nil {
			return nil, err
		}
		r.cache = cache{list: out[1:], rows: rows, length: length}
		return out[0], nil
	}
	out, err := device.Call(r.decode, inputs, r.cache.arguments(nil)...)
	if err != nil {
		return nil, err
	}
	return out[0], r.enter(&r.cache, out[1:], r.active)
}

// extend draws a token for each sequence from its row of the logits [rows, vocab], which it releases.
func (r *run) extend(list []*sequence, logits *tensors.Tensor, row func(*sequence) int) error {
	vocab := r.network.Config.Vocab
	var problem error
	err := tensors.ConstFlatData(logits, func(flat []float32) {
		problem = r.eachParallel(list, func(c *chooser, q *sequence) error {
			from := row(q) * vocab
			id, logProb, ok := c.choose(flat[from:from+vocab], q.random)
			if !ok {
				return fmt.Errorf("prompt %d of %d, after %d new tokens: the model's logits are not finite numbers", q.prompt+1, len(r.requests), len(q.IDs))
			}
			r.take(q, id, logProb)
			return nil
		})
	})
	if err := errors.Join(err, problem, logits.FinalizeAll()); err != nil {
		return err
	}
	before := r.done
	for _, q := range list {
		if q.ended {
			r.done++
		}
	}
	if r.progress != nil && r.done > before {
		r.progress(r.done, len(r.requests)*r.options.N)
	}
	return nil
}

// take adds a token to a sequence, or ends it.
func (r *run) take(q *sequence, id int32, logProb float32) {
	if id == r.options.EOS {
		q.Finished, q.EndLogProb, q.ended = true, logProb, true
	} else {
		q.IDs, q.LogProbs = append(q.IDs, id), append(q.LogProbs, logProb)
		q.token = id
		q.place++
		if q.stop(r.decoder(q), r.requests[q.prompt].Stop) {
			q.ended = true
			return
		}
		q.ended = len(q.IDs) == r.options.MaxNewTokens
	}
	if q.ended && r.options.Decode != nil {
		q.Text = r.decoder(q)(q.IDs)
	}
}

// decoder gives the text of a sequence's tokens.
func (r *run) decoder(q *sequence) func(ids []int32) string {
	return func(ids []int32) string { return r.options.Decode(r.requests[q.prompt].Prompt, ids) }
}

// eachParallel calls use with every sequence, on all cores, and returns the first error in their order.
func (r *run) eachParallel(list []*sequence, use func(*chooser, *sequence) error) error {
	problems := make([]error, len(list))
	var next atomic.Int64
	var group sync.WaitGroup
	for i := range min(len(r.choosers), len(list)) {
		group.Go(func() {
			for n := int(next.Add(1)) - 1; n < len(list); n = int(next.Add(1)) - 1 {
				problems[n] = use(&r.choosers[i], list[n])
			}
		})
	}
	group.Wait()
	for _, err := range problems {
		if err != nil {
			return err
		}
	}
	return nil
}
