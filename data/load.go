package data

import (
	"context"
	"fmt"
	"iter"

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

// TokeniseAll is [Load] for records from elsewhere. path names them in messages.
func TokeniseAll(ctx context.Context, path string, records iter.Seq2[Record, error], options LoadOptions) (*Set, *Report, error) {
	if err := options.validate(); err != nil {
		return nil, nil, err
	}
	set, report := &Set{Path: path, Task: options.Task}, &Report{Path: path}
	for rec, err := range records {
		if ctx.Err() != nil {
			return nil, report, fmt.Errorf("load %s: %w", path, context.Cause(ctx))
		}
		if err := set.add(rec, err, options, report); err != nil {
			return nil, report, err
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

// add takes one record, or the error in its place, into the set. It returns the errors that end loading.
func (s *Set) add(rec Record, err error, options LoadOptions, report *Report) error {
	var pair TokenPair
	var out Outcome
	if err == nil {
		pair, out, err = Tokenise(rec, options.Tokenizer, options.VocabSize, options.Limits)
	}
	bad := asBadRecord(err)
	switch {
	case bad != nil && options.OnBadRecord == SkipBad:
		report.Read++
		report.drop(bad.Reason, bad.Error())
	case err != nil:
		return err
	case out.Dropped != "":
		report.Read++
		report.drop(out.Dropped, fmt.Sprintf("%s: %s", rec.Source, out.Dropped))
	default:
		report.Read++
		report.keep(out)
		s.Pairs = append(s.Pairs, pair)
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
