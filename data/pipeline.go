package data

import (
	"bytes"
	"context"
	"iter"
	"runtime"
)

// result is a record, or an error in its place, and what tokenising made of it.
type result struct {
	source    string
	made      tokenised
	elsewhere bool // not in the share that is read
	out       Outcome
	format    string
	err       error
}

// chunk is a run of items on its way through the pipeline.
type chunk struct {
	items   []item
	bytes   int
	results []result
	done    chan struct{} // closed when results are there
}

// Ours: a chunk keeps one core busy for some milliseconds; records are at most 64 MiB, and a few may be in one.
const (
	chunkItems = 128
	chunkBytes = 1 << 20
)

// results yields the records of a file in their order, some at a time. One goroutine reads and all cores parse and
// tokenise, a few chunks ahead of the loop, so that memory does not grow with the file.
func results(ctx context.Context, reader *Reader, options LoadOptions, share Share) iter.Seq[[]result] {
	return func(yield func([]result) bool) {
		ctx, cancel := context.WithCancel(ctx)
		workers := runtime.GOMAXPROCS(0)
		ordered, work := make(chan *chunk, 2*workers), make(chan *chunk, 2*workers)
		finished := make(chan struct{})
		go func() {
			defer close(finished)
			readChunks(ctx, reader, ordered, work)
		}()
		defer func() { // the reader is the caller's again
			cancel()
			<-finished
		}()
		tokeniser := newTokeniser(options)
		for range workers {
			go func() {
				for c := range work {
					c.process(tokeniser, options.Task, share)
				}
			}()
		}
		for c := range ordered {
			<-c.done
			if !yield(c.results) {
				return
			}
		}
	}
}

// readChunks sends the objects of a file to both channels, and closes them.
func readChunks(ctx context.Context, reader *Reader, ordered, work chan<- *chunk) {
	defer close(ordered)
	defer close(work)
	send := func(c *chunk) bool {
		select {
		case ordered <- c:
			work <- c // has as much room as ordered
			return true
		case <-ctx.Done():
			return false
		}
	}
	c := newChunk()
	for it, err := range reader.items() {
		if err != nil {
			c.results = append(c.results, result{source: it.source, err: err})
			c.items = append(c.items, item{})
		} else {
			c.results = append(c.results, result{source: it.source})
			it.raw = bytes.Clone(it.raw)
			c.items = append(c.items, it)
			c.bytes += len(it.raw)
		}
		if len(c.items) == chunkItems || c.bytes >= chunkBytes {
			if !send(c) {
				return
			}
			c = newChunk()
		}
	}
	send(c)
}

func newChunk() *chunk { return &chunk{done: make(chan struct{})} }

func (c *chunk) process(t *tokeniser, task Task, share Share) {
	defer close(c.done)
	for i := range c.results {
		r := &c.results[i]
		if r.err != nil {
			continue
		}
		rec, err := c.items[i].parse(task)
		if err != nil {
			r.err = err
			continue
		}
		r.format = rec.format
		if r.elsewhere = !share.holds(rec); r.elsewhere {
			continue
		}
		r.made, r.out, r.err = t.tokenise(rec)
	}
	c.items = nil
}
