package sample

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/sparsepo/sparsepo/internal/device"
)

// window is the number of positions that the last part of the cache holds, and so the longest round. Ours: with 32 the
// window's own cost grows by as much as the rarer arranging saves.
const window = 16

// cache is keys and values of rows, per layer.
type cache struct {
	keys, values []*tensors.Tensor
	rows, length int
}

// Shortest lengths: a past shorter than 32 positions costs about as much as one of 32, and a step's graph takes the engine
// long to compile; a prompt's cost grows with every position.
const (
	minPast   = 32
	minPrompt = 8
)

// newCache takes a graph's outputs: keys of all layers, then values.
func newCache(outputs []*tensors.Tensor, rows, length int) cache {
	layers := len(outputs) / 2
	return cache{keys: outputs[:layers], values: outputs[layers:], rows: rows, length: length}
}

func (c *cache) release() {
	for _, t := range slices.Concat(c.keys, c.values) {
		_ = t.FinalizeAll()
	}
	*c = cache{}
}

// arguments appends the cache to a graph's arguments.
func (c *cache) arguments(args []any) []any {
	for _, list := range [][]*tensors.Tensor{c.keys, c.values} {
		for _, t := range list {
			args = append(args, t)
		}
	}
	return args
}

// donated appends the cache to a graph's arguments; the engine takes its memory back when the graph has run. The cache is
// empty after it.
func (s *Sampler) donated(args []any, c *cache) ([]any, error) {
	for _, list := range [][]*tensors.Tensor{c.keys, c.values} {
		for _, t := range list {
			buffer, err := DonateTensorBuffer(t, s.backend, 0)
			if err != nil {
				return nil, fmt.Errorf("hand the cache over: %w", err)
			}
			args = append(args, buffer)
		}
	}
	*c = cache{}
	return args, nil
}

// newWindow is the last part of a cache before anything was read.
func (s *Sampler) newWindow(rows int) (cache, error) {
	config := s.network.Config
	list := make([]*tensors.Tensor, 2*config.Layers)
	for i := range list {
		t := tensors.FromShape(shapes.Make(dtypes.Float32, rows, config.KVHeads, window, config.HeadDim))
		if _, err := device.Place(s.backend, t); err != nil {
			return cache{}, err
		}
		list[i] = t
	}
	return newCache(list, rows, window), nil
}

// rowSize is the smallest number of rows that graphs are compiled for and that holds n: the batch, or a half, a quarter or
// an eighth of it. Fewer rows than that are hardly faster.
func (s *Sampler) rowSize(n int) int {
	size := s.options.BatchRows
	for range 3 {
		if size%2 == 0 && size/2 >= n {
			size /= 2
		}
	}
	return size
}

// lengthSize is the shortest length that graphs are compiled for, from the given one on, and that holds n positions: 8, 16,
// 32, 64, 96, 128, 192, 256, 384, …
func lengthSize(n, from int) int {
	size := from
	for size < n {
		size *= 2
	}
	if size >= 128 && size/4*3 >= n {
		return size / 4 * 3
	}
	return size
}

// slots says where arrangeGraph finds each position of a new past.
type slots struct {
	first, stride []int64 // [rows, length]
	length, heads int
	base          int // slots of the parts before the current one
}

func newSlots(rows, length, heads int) *slots {
	return &slots{first: make([]int64, rows*length), stride: make([]int64, rows*length), length: length, heads: heads}
}

// put takes positions of a row of the current part to a row of the new past.
//
//	to, at      row and first position there
//	from, part  row in the part and its length
//	first, n    first position and number of positions
func (s *slots) put(to, at, from, part, first, n int) {
	for i := range n {
		place := to*s.length + at + i
		s.first[place] = int64(s.base + from*s.heads*part + first + i)
		s.stride[place] = int64(part)
	}
}

// next goes on to the slots of the next part.
func (s *slots) next(part cache) { s.base += part.rows * s.heads * part.length }

// inputs are the graph's first two arguments.
func (s *slots) inputs() []*tensors.Tensor {
	rows := len(s.first) / s.length
	return []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(s.first, rows, s.length),
		tensors.FromFlatDataAndDimensions(s.stride, rows, s.length),
	}
}
