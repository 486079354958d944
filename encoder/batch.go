package encoder

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
)

// Batch is a group of sequences of about the same length, padded at their ends to a common one.
type Batch struct {
	Members []int // places of its sequences in the list they come from; rows after them are filler
	Rows    int
	Seq     int

	tokens, positions, lengths []int64
}

const (
	// batchTokens bounds the rows of a batch times its length; ours: with ONNX Runtime on four cores 4096 are no faster, take
	// more memory and let an ended context wait for longer.
	batchTokens = 1024
	// leastSeq is the least length of a batch.
	leastSeq = 16
	// seqStep is the distance between lengths above the powers of two.
	seqStep = 64
)

// seqSize rounds a length up to one of few: powers of two from leastSeq to seqStep, then its multiples, at most longest.
func seqSize(length, longest int) int {
	size := max(leastSeq, powerOfTwo(length))
	if length > seqStep {
		size = (length + seqStep - 1) / seqStep * seqStep
	}
	return min(size, longest)
}

// powerOfTwo is the least power of two that is at least n, which is positive.
func powerOfTwo(n int) int { return 1 << bits.Len(uint(n-1)) }

// batches groups sequences, the longest first, into batches of few different shapes: only the last batch has fewer rows
// than its length allows.
func (c *Config) batches(sequences [][]int32) ([]*Batch, error) {
	order := make([]int, len(sequences))
	for i, ids := range sequences {
		if err := c.checkIDs(ids); err != nil {
			return nil, fmt.Errorf("sequence %d of %d: %w", i+1, len(sequences), err)
		}
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(sequences[b]) - len(sequences[a]) })
	var list []*Batch
	for len(order) > 0 {
		seq := seqSize(len(sequences[order[0]]), c.MaxTokens())
		room := max(1, powerOfTwo(batchTokens/seq+1)/2)
		members := order[:min(room, len(order))]
		order = order[len(members):]
		list = append(list, c.pad(sequences, members, min(room, powerOfTwo(len(members))), seq))
	}
	return list, nil
}

func (c *Config) checkIDs(ids []int32) error {
	if len(ids) == 0 || len(ids) > c.MaxTokens() {
		return fmt.Errorf("%d tokens; the model reads 1 to %d", len(ids), c.MaxTokens())
	}
	for _, id := range ids {
		if id < 0 || int(id) >= c.Vocab {
			return fmt.Errorf("token id %d is outside the model's vocabulary of %d", id, c.Vocab)
		}
	}
	return nil
}

// pad makes a batch. Positions count the tokens that are not the padding token, after its id; padding, wherever it stands,
// has that id for its position.
func (c *Config) pad(sequences [][]int32, members []int, rows, seq int) *Batch {
	b := &Batch{Members: members, Rows: rows, Seq: seq, lengths: make([]int64, rows)}
	b.tokens = slices.Repeat([]int64{int64(c.Pad)}, rows*seq)
	b.positions = slices.Clone(b.tokens)
	for row := range rows {
		b.lengths[row] = 1 // of filler: a row that attends to nothing has no average
	}
	for row, member := range members {
		position := int64(c.Pad)
		for i, id := range sequences[member] {
			b.tokens[row*seq+i] = int64(id)
			if id != c.Pad {
				position++
				b.positions[row*seq+i] = position
			}
		}
		b.lengths[row] = int64(len(sequences[member]))
	}
	return b
}

// inputs are the batch's tensors, in the order of Inputs.
func (b *Batch) inputs() []*tensors.Tensor {
	return []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(b.tokens, b.Rows, b.Seq),
		tensors.FromFlatDataAndDimensions(b.positions, b.Rows, b.Seq),
		tensors.FromFlatDataAndDimensions(b.lengths, b.Rows),
	}
}
