package encoder

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
)

// Sequence is what the model reads at once.
type Sequence struct {
	Tokens []int32 // ids
	Types  []int32 // of each token, 1 for those of the second of two texts; nil: all 0. Models that are not typed read past them
}

// Plain makes sequences of token ids whose types are all 0.
func Plain(lists [][]int32) []Sequence {
	sequences := make([]Sequence, len(lists))
	for i, ids := range lists {
		sequences[i].Tokens = ids
	}
	return sequences
}

// Batch is a group of sequences of about the same length, padded at their ends to a common one.
type Batch struct {
	Members []int // places of its sequences in the list they come from; rows after them are filler
	Rows    int
	Seq     int

	tokens, positions, lengths []int64
	types                      []int64 // nil where the model is not typed
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
func (c *Config) batches(sequences []Sequence) ([]*Batch, error) {
	order := make([]int, len(sequences))
	for i, s := range sequences {
		if err := c.checkSequence(s); err != nil {
			return nil, fmt.Errorf("sequence %d of %d: %w", i+1, len(sequences), err)
		}
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(sequences[b].Tokens) - len(sequences[a].Tokens) })
	var list []*Batch
	for len(order) > 0 {
		seq := seqSize(len(sequences[order[0]].Tokens), c.MaxTokens())
		room := max(1, powerOfTwo(batchTokens/seq+1)/2)
		members := order[:min(room, len(order))]
		order = order[len(members):]
		list = append(list, c.pad(sequences, members, min(room, powerOfTwo(len(members))), seq))
	}
	return list, nil
}

func (c *Config) checkSequence(s Sequence) error {
	ids := s.Tokens
	if len(ids) == 0 || len(ids) > c.MaxTokens() {
		return fmt.Errorf("%d tokens; the model reads 1 to %d", len(ids), c.MaxTokens())
	}
	for _, id := range ids {
		if id < 0 || int(id) >= c.Vocab {
			return fmt.Errorf("token id %d is outside the model's vocabulary of %d", id, c.Vocab)
		}
	}
	if !c.Typed() || s.Types == nil {
		return nil
	}
	if len(s.Types) != len(ids) {
		return fmt.Errorf("%d types of %d tokens", len(s.Types), len(ids))
	}
	for _, kind := range s.Types {
		if kind < 0 || int(kind) >= c.TokenTypes {
			return fmt.Errorf("token type %d is not one of the model's %d", kind, c.TokenTypes)
		}
	}
	return nil
}

// pad makes a batch.
func (c *Config) pad(sequences []Sequence, members []int, rows, seq int) *Batch {
	b := &Batch{Members: members, Rows: rows, Seq: seq, lengths: make([]int64, rows)}
	b.tokens = slices.Repeat([]int64{int64(c.Pad)}, rows*seq)
	b.positions = slices.Repeat([]int64{int64(max(c.firstPosition()-1, 0))}, rows*seq)
	if c.Typed() {
		b.types = make([]int64, rows*seq)
	}
	for row := range rows {
		b.lengths[row] = 1 // of filler: a row that attends to nothing has no average
	}
	for row, member := range members {
		s := sequences[member]
		c.place(s.Tokens, b.tokens[row*seq:], b.positions[row*seq:])
		b.lengths[row] = int64(len(s.Tokens))
		for i := range s.Types {
			if b.types != nil {
				b.types[row*seq+i] = int64(s.Types[i])
			}
		}
	}
	return b
}

// place writes the tokens of a sequence and their positions. In RoBERTa these count the tokens that are not the padding token,
// after its id; padding, wherever it stands, has that id for its position.
func (c *Config) place(ids []int32, tokens, positions []int64) {
	position := int64(c.firstPosition())
	for i, id := range ids {
		tokens[i] = int64(id)
		if c.family.padded && id == c.Pad {
			continue
		}
		positions[i] = position
		position++
	}
}

// inputs are the batch's tensors, in the order of Inputs.
func (b *Batch) inputs() []*tensors.Tensor {
	list := []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(b.tokens, b.Rows, b.Seq),
		tensors.FromFlatDataAndDimensions(b.positions, b.Rows, b.Seq),
		tensors.FromFlatDataAndDimensions(b.lengths, b.Rows),
	}
	if b.types != nil {
		list = append(list, tensors.FromFlatDataAndDimensions(b.types, b.Rows, b.Seq))
	}
	return list
}
