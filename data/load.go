package data

import (
	"context"
	"fmt"

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

	Template         Template       // writes chat messages; nil writes them as a plain dialogue
	MarkedTemplate   MarkedTemplate // marks in conversations what is learned; where it is nil or marks nothing, Template tells
	RatedPairs       RatedPairs     // which pairs are made of rated responses
	MaxResponseWords int            // records with a longer response are dropped, rated responses taken out; 0 for no limit
	// Masks reads the weights of response tokens from the records' fields chosen_mask and rejected_mask, one number for every
	// token of the whole response, its end-of-sequence token included. Every record must be a pair with both.
	Masks bool
}

// Load reads and tokenises a data file. It is an error if no pair is left. The report is given whenever records were read,
// also with an error.
func Load(ctx context.Context, path string, options LoadOptions) (*Set, *Report, error) {
	return LoadFiles(ctx, path, []string{path}, options)
}

// LoadFiles is [Load] for a data set in several files, taken one after the other. name stands for the data set in messages,
// which name a record by its own file and line.
func LoadFiles(ctx context.Context, name string, paths []string, options LoadOptions) (*Set, *Report, error) {
	return LoadMixture(ctx, name, []Part{{Paths: paths}}, options)
}

// Part is one source of a mixture.
type Part struct {
	Paths []string
	// Share of the records to take; the zero value takes all.
	Share Share
	// Weight is the part's share of an epoch in proportion to the others'; 0 takes all its records in every epoch.
	Weight float64
}

// LoadMixture is [Load] for a data set of several sources. Where they have weights, an epoch takes records from each in
// proportion to its weight, as many as it can without taking one twice; every epoch takes others.
func LoadMixture(ctx context.Context, name string, parts []Part, options LoadOptions) (*Set, *Report, error) {
	if err := options.validate(); err != nil {
		return nil, nil, err
	}
	b, err := newSetBuilder(name, options.Task)
	if err != nil {
		return nil, nil, err
	}
	b.set.index.masked = options.Masks
	l := loading{LoadOptions: options, builder: b, report: &Report{Path: name}}
	if err := l.readAll(ctx, parts); err != nil {
		_ = b.set.Close()
		if l.report.Read == 0 && l.unopened {
			return nil, nil, err
		}
		return nil, l.report, err
	}
	set, err := b.finish()
	return set, l.report, err
}

func (o LoadOptions) validate() error {
	if err := o.Limits.Validate(); err != nil {
		return err
	}
	if o.VocabSize <= 0 {
		return fmt.Errorf("load data: vocabulary size %d; give the model's", o.VocabSize)
	}
	if o.MaxResponseWords < 0 {
		return usage.Errorf("max_response_words: %d is negative; give a number of words, or 0 for no limit", o.MaxResponseWords)
	}
	if o.Masks && o.Task != Preference {
		return usage.Errorf("masks belong to the responses of pairs; these records are read for fine-tuning")
	}
	if err := o.RatedPairs.Validate(); err != nil {
		return err
	}
	return o.OnBadRecord.Validate()
}

// loading is a load in progress.
type loading struct {
	LoadOptions
	builder  *setBuilder
	report   *Report
	measured measures
	rated    tokenised // the rated responses of one prompt, which may go on
	unopened bool      // no file could be opened yet
}

func (l *loading) readAll(ctx context.Context, parts []Part) error {
	l.unopened = true
	for _, part := range parts {
		for _, path := range part.Paths {
			if err := l.readFile(ctx, path, part.Share); err != nil {
				return err
			}
		}
		l.builder.endPart(part.Weight)
	}
	if l.builder.set.Len() == 0 {
		return usage.Errorf("%s: no usable record among %d; dropped: %s", l.report.Path, l.report.Read, l.report.droppedText())
	}
	l.measured.into(l.report)
	return nil
}

func (l *loading) readFile(ctx context.Context, path string, share Share) error {
	reader, err := Open(path, l.Task)
	if err != nil {
		return err
	}
	defer reader.Close()
	l.unopened = false
	for list := range results(ctx, reader, l.LoadOptions, share) {
		if ctx.Err() != nil {
			return stopped(ctx, path)
		}
		for _, r := range list {
			if err := l.add(r); err != nil {
				return err
			}
		}
	}
	if ctx.Err() != nil {
		return stopped(ctx, path)
	}
	l.pairRated()
	return nil
}

func stopped(ctx context.Context, path string) error {
	return fmt.Errorf("load %s: %w", path, context.Cause(ctx))
}

// add takes one result into the set. It returns the errors that end loading.
func (l *loading) add(r result) error {
	bad := asBadRecord(r.err)
	if r.err != nil && (bad == nil || l.OnBadRecord != SkipBad && !bad.known) {
		if bad != nil {
			return usage.Hint(r.err, "training counts and skips such records with --set on_bad_record=skip")
		}
		return r.err
	}
	if r.elsewhere {
		return nil
	}
	l.report.Read++
	switch {
	case bad != nil:
		l.report.drop(bad.Reason, bad.Error())
	case r.out.Dropped != "":
		l.report.drop(r.out.Dropped, fmt.Sprintf("%s: %s", r.source, r.out.Dropped))
	default:
		l.report.count(r.out, r.format, r.source)
		if r.made.ratings != nil {
			l.gather(r.made)
			return nil
		}
		l.pairRated()
		l.keep(r.made.example)
	}
	return nil
}

// keep takes an example into the set.
func (l *loading) keep(e example) {
	l.report.Kept++
	l.measured.add(e)
	l.builder.add(e)
}
