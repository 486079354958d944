package sample

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/gomlx/gomlx/core/tensors"
)

// run is one call of Sample.
type run struct {
	*Sampler
	prompts     [][]int32
	completions [][]Completion
	progress    func(done, total int)
	done        int
	choosers    []chooser // one a goroutine

	order    []int       // prompts that were not read yet
	prefixes cache       // of the prompts read last
	waiting  []*sequence // that begin after one of prefixes

	active  []*sequence // row by row; the rows after them are padding
	past    cache
	recent  cache
	numRead int // positions of recent that were read since the past was arranged
}

// sequence is a response in the making.
type sequence struct {
	*Completion
	prompt int
	prefix int // row of its prompt in prefixes
	row    int // in the cache
	length int // positions of the past that belong to it
	token  int32
	place  int // position of token, which is read next
	ended  bool
	random *rand.PCG
}

func (r *run) release() {
	r.prefixes.release()
	r.past.release()
	r.recent.release()
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
	for len(r.waiting) == 0 && len(r.order) > 0 && r.worthFilling(len(kept)) {
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

// roundOver reports whether the rows should be arranged: when the window is full, or when so many rows ended that arranging
// them, which costs about a step, pays.
func (r *run) roundOver() bool {
	left := len(unended(r.active))
	switch remaining := window - r.numRead; {
	case remaining == 0 || left == 0:
		return true
	case remaining < window/4 || left == len(r.active):
		return false
	case len(r.waiting)+len(r.order) > 0:
		return r.worthFilling(left)
	}
	return r.rowSize(left) < r.past.rows
}

// readPrompts reads the next prompts, enough for the free rows, and draws the first token of each of their samples.
func (r *run) readPrompts(free int) error {
	r.prefixes.release()
	rows := r.rowSize((free + r.options.N - 1) / r.options.N)
	part := r.order[:min(rows, len(r.order))]
	r.order = r.order[len(part):]
	seq := min(lengthSize(len(r.prompts[part[0]]), minPrompt), r.network.Config.MaxPositions)
	tokens, last := make([]int64, rows*seq), make([]int64, rows)
	for i, prompt := range part {
		for j, id := range r.prompts[prompt] {
			tokens[i*seq+j] = int64(id)
		}
		last[i] = int64(len(r.prompts[prompt]) - 1)
	}
	out, err := call(r.prefill, []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(tokens, rows, seq), tensors.FromFlatDataAndDimensions(last, rows),
	})
	if err != nil {
		return err
	}
	r.prefixes = newCache(out[1:], rows, seq)
	var list []*sequence
	for i, prompt := range part {
		for n := range r.options.N {
			list = append(list, &sequence{
				Completion: &r.completions[prompt][n], prompt: prompt, prefix: i,
				place: len(r.prompts[prompt]) - 1, random: stream(r.options.Seed, prompt, n),
			})
		}
	}
	if err := r.extend(list, out[0], func(q *sequence) int { return q.prefix }); err != nil {
		return err
	}
	r.waiting = unended(list)
	return nil
}

// arrangeRows makes the cache of the active sequences, of which the first ones, kept, were in the cache before.
func (r *run) arrangeRows(kept int) error {
	longest := 0
	for i, q := range r.active {
		if i >= kept {
			q.length = len(r.prompts[q.prompt])
			longest = max(longest, q.length)
		} else {
			longest = max(longest, q.length+r.numRead)
		}
	}
	rows, length := r.rowSize(len(r.active)), lengthSize(longest, minPast)
	slots := newSlots(rows, length, r.network.Config.KVHeads)
	var args []any
	var err error
	if kept > 0 {
		for i, q := range r.active[:kept] {
			slots.put(i, 0, q.row, r.past.length, 0, q.length)
		}
		slots.next(r.past)
		for i, q := range r.active[:kept] {
			slots.put(i, q.length, q.row, window, window-r.numRead, r.numRead)
			q.length += r.numRead
		}
		slots.next(r.recent)
		if args, err = r.donated(args, &r.past); err != nil {
			return err
		}
		args = r.recent.arguments(args)
	}
	if kept < len(r.active) {
		for i, q := range r.active[kept:] {
			slots.put(kept+i, 0, q.prefix, r.prefixes.length, 0, q.length)
		}
		args = r.prefixes.arguments(args)
	}
	for i, q := range r.active {
		q.row = i
	}
	out, err := call(r.arrange, slots.inputs(), args...)
	if err != nil {
		return err
	}
	r.past.release()
	r.past, r.numRead = newCache(out, rows, length), 0
	if r.recent.rows != rows {
		r.recent.release()
		r.recent, err = r.newWindow(rows)
	}
	return err
}

// step reads one token of every active sequence and draws the next ones.
func (r *run) step() error {
	rows := r.past.rows
	tokens, places, lengths := make([]int64, rows), make([]int64, rows), make([]int64, rows)
	for i, q := range r.active {
		tokens[i], places[i], lengths[i] = int64(q.token), int64(q.place), int64(q.length)
	}
	list := func(x []int64) *tensors.Tensor { return tensors.FromFlatDataAndDimensions(x, rows) }
	out, err := call(r.decode, []*tensors.Tensor{list(tokens), list(places), list(lengths), tensors.FromScalar(int64(r.numRead))},
		r.recent.arguments(r.past.arguments(nil))...)
	if err != nil {
		return err
	}
	r.recent.release()
	r.recent = newCache(out[1:], rows, window)
	r.numRead++
	return r.extend(unended(r.active), out[0], func(q *sequence) int { return q.row })
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
				return fmt.Errorf("prompt %d of %d, after %d new tokens: the model's logits are not finite numbers", q.prompt+1, len(r.prompts), len(q.IDs))
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
		r.progress(r.done, len(r.prompts)*r.options.N)
	}
	return nil
}

// take adds a token to a sequence, or ends it.
func (r *run) take(q *sequence, id int32, logProb float32) {
	if id == r.options.EOS {
		q.Finished, q.EndLogProb, q.ended = true, logProb, true
		return
	}
	q.IDs, q.LogProbs = append(q.IDs, id), append(q.LogProbs, logProb)
	q.token, q.ended = id, len(q.IDs) == r.options.MaxNewTokens
	q.place++
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
