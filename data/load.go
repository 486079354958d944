package data

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// BadRecordPolicy says what loading does at a record that cannot be used (setting on_bad_record).
type BadRecordPolicy string

// The policies. The empty policy is ErrorOnBad.
const (
	ErrorOnBad BadRecordPolicy = "error" // loading ends with the record's error
	SkipBad    BadRecordPolicy = "skip"  // the record is dropped and counted
)

// Validate refuses an unknown policy.
func (p BadRecordPolicy) Validate() error {
	switch p {
	case "", ErrorOnBad, SkipBad:
		return nil
	}
	return usage.Errorf("on_bad_record: unknown policy %q; known: %s, %s", p, ErrorOnBad, SkipBad)
}

// LoadOptions says what records are loaded for and how they are tokenised.
type LoadOptions struct {
	Task        Task
	Tokenizer   Tokenizer // may be nil when all records are token ids
	VocabSize   int       // of the model; every id must be below it
	Limits      Limits
	OnBadRecord BadRecordPolicy
}

// Set is a data file in memory, as ids.
type Set struct {
	Path  string
	Task  Task
	Pairs []TokenPair // in file order
}

// Load reads and tokenises a data file. It is an error if no pair is left. The report is given whenever records were read,
// also with an error.
func Load(ctx context.Context, path string, options LoadOptions) (*Set, *Report, error) {
	reader, err := Open(path, options.Task)
	if err != nil {
		return nil, nil, err
	}
	defer reader.Close()
	return TokeniseAll(ctx, path, reader.Records(), options)
}

// LoadFiles is [Load] for a data set in several files, taken one after the other. name stands for the data set in messages,
// which name a record by its own file and line.
func LoadFiles(ctx context.Context, name string, paths []string, options LoadOptions) (*Set, *Report, error) {
	return TokeniseAll(ctx, name, recordsOf(paths, options.Task), options)
}

// recordsOf yields the records of one file after the other. An error that does not concern a record alone ends it.
func recordsOf(paths []string, task Task) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for _, path := range paths {
			reader, err := Open(path, task)
			if err != nil {
				yield(Record{}, err)
				return
			}
			for rec, err := range reader.Records() {
				if !yield(rec, err) || err != nil && asBadRecord(err) == nil {
					reader.Close()
					return
				}
			}
			reader.Close()
		}
	}
}

// TokeniseAll is [Load] for records from elsewhere. path names them in messages.
func TokeniseAll(ctx context.Context, path string, records iter.Seq2[Record, error], options LoadOptions) (*Set, *Report, error) {
	if err := options.validate(); err != nil {
		return nil, nil, err
	}
	set, report := &Set{Path: path, Task: options.Task}, &Report{Path: path}
	for results := range tokenised(records, options) {
		if ctx.Err() != nil {
			return nil, report, fmt.Errorf("load %s: %w", path, context.Cause(ctx))
		}
		for _, r := range results {
			if err := set.add(r, options.OnBadRecord, report); err != nil {
				return nil, report, err
			}
		}
	}
	if len(set.Pairs) == 0 {
		return nil, report, usage.Errorf("%s: no usable record among %d; dropped: %s", path, report.Read, report.droppedText())
	}
	report.measure(set.Pairs)
	return set, report, nil
}

func (o LoadOptions) validate() error {
	if err := o.Limits.Validate(); err != nil {
		return err
	}
	if o.VocabSize <= 0 {
		return fmt.Errorf("load data: vocabulary size %d; give the model's", o.VocabSize)
	}
	return o.OnBadRecord.Validate()
}

// result is a record, or an error in its place, and what tokenising made of it.
type result struct {
	rec  Record
	pair TokenPair
	out  Outcome
	err  error
}

// tokenised yields the records in their order, some hundreds at a time, tokenised on all cores.
func tokenised(records iter.Seq2[Record, error], options LoadOptions) iter.Seq[[]result] {
	const atOnce = 512
	return func(yield func([]result) bool) {
		var chunk []result
		for rec, err := range records {
			chunk = append(chunk, result{rec: rec, err: err})
			if len(chunk) == atOnce {
				tokeniseChunk(chunk, options)
				if !yield(chunk) {
					return
				}
				chunk = chunk[:0]
			}
		}
		tokeniseChunk(chunk, options)
		yield(chunk)
	}
}

func tokeniseChunk(chunk []result, options LoadOptions) {
	var workers sync.WaitGroup
	share := (len(chunk) + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	for part := range slices.Chunk(chunk, max(1, share)) {
		workers.Go(func() {
			for i, r := range part {
				if r.err == nil {
					part[i].pair, part[i].out, part[i].err = Tokenise(r.rec, options.Tokenizer, options.VocabSize, options.Limits)
				}
			}
		})
	}
	workers.Wait()
}

// add takes one result into the set. It returns the errors that end loading.
func (s *Set) add(r result, policy BadRecordPolicy, report *Report) error {
	bad := asBadRecord(r.err)
	if r.err != nil && (bad == nil || policy != SkipBad) {
		return r.err
	}
	report.Read++
	switch {
	case bad != nil:
		report.drop(bad.Reason, bad.Error())
	case r.out.Dropped != "":
		report.drop(r.out.Dropped, fmt.Sprintf("%s: %s", r.rec.Source, r.out.Dropped))
	default:
		report.keep(r.out)
		s.Pairs = append(s.Pairs, r.pair)
	}
	return nil
}

// Longest returns the largest number of positions that a prompt with one response takes, and where that pair stands. A
// model must have so many positions.
func (s *Set) Longest() (length int, source string) {
	for _, p := range s.Pairs {
		if n := p.Length(); n > length {
			length, source = n, p.Source
		}
	}
	return length, source
}
