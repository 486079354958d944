package sample

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/sparsepo/sparsepo/internal/device"
)

// cache is keys and values of rows: per layer keys, then per layer values, each [rows, kvHeads, length, headDim].
type cache struct {
	list         []*tensors.Tensor
	memory       [][]float32 // of list, where the engine shares its memory with the program
	rows, length int
}

// Shortest lengths: a cache shorter than 32 positions costs about as much as one of 32, and a step's graph takes the engine
// long to compile; a prompt's cost grows with every position.
const (
	minLength = 32
	minPrompt = 8
)

func (c *cache) release() {
	for _, t := range c.list {
		_ = t.FinalizeAll()
	}
	*c = cache{}
}

// arguments appends the cache to a graph's arguments.
func (c *cache) arguments(args []any) []any {
	for _, t := range c.list {
		args = append(args, t)
	}
	return args
}

// donated appends the cache to a graph's arguments; the engine takes its memory back when the graph has run. The cache is
// empty after it.
func (s *Sampler) donated(args []any, c *cache) ([]any, error) {
	for _, t := range c.list {
		buffer, err := DonateTensorBuffer(t, s.backend, 0)
		if err != nil {
			return nil, fmt.Errorf("hand the cache over: %w", err)
		}
		args = append(args, buffer)
	}
	*c = cache{}
	return args, nil
}

// open makes the cache's memory reachable for enter.
func (s *Sampler) open(c *cache) error {
	c.memory = make([][]float32, len(c.list))
	for i, t := range c.list {
		var err error
		if c.memory[i], err = device.Memory(s.backend, t); err != nil {
			return fmt.Errorf("open the cache: %w", err)
		}
	}
	return nil
}

// enter writes the keys and values of one new position a row, each at its sequence's place, into the cache's memory, and
// releases them. What ended needs no cache.
//
//	entries  per layer keys, per layer values [rows, kvHeads, 1, headDim]
func (s *Sampler) enter(c *cache, entries []*tensors.Tensor, active []*sequence) error {
	for i, t := range entries {
		values, err := device.Memory(s.backend, t)
		if err != nil {
			return fmt.Errorf("extend the cache: %w", err)
		}
		dim := s.network.Config.HeadDim
		heads := len(values) / (c.rows * dim)
		for row, q := range active {
			if q.ended {
				continue
			}
			for head := row * heads; head < (row+1)*heads; head++ {
				copy(c.memory[i][(head*c.length+q.place)*dim:], values[head*dim:(head+1)*dim])
			}
		}
		if err := t.FinalizeAll(); err != nil {
			return fmt.Errorf("extend the cache: %w", err)
		}
	}
	return nil
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
