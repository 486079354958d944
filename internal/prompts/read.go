package prompts

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Field is the field of a record's whole prompt.
const Field = "prompt"

// Read makes prompts of a data file: of the prompts of its records, in any format that training reads, or of running text in a
// JSONL file, gzipped if its name ends in .gz. They come in file order, also with a limit. In running text the HTML line breaks of web pages count as a space. A record without the field, or a file that gives no prompt or
// fewer than the limit, is a usage error.
func Read(path string, tok Tokenizer, o Options) ([]Prompt, *Report, error) {
	return ReadFiles(path, []string{path}, tok, o)
}

// ReadFiles is Read for a data set in several files, which are taken as one. name stands for the data set in messages, which
// name a record by its own file and line.
func ReadFiles(name string, paths []string, tok Tokenizer, o Options) ([]Prompt, *Report, error) {
	if o.TextField == "" {
		return readRecords(name, paths, tok, o)
	}
	var texts []sourced
	for _, path := range paths {
		file, err := jsonl.Open(path)
		if err != nil {
			return nil, nil, err
		}
		more, err := fieldTexts(file, path, o.TextField)
		file.Close()
		if err != nil {
			return nil, nil, err
		}
		texts = append(texts, more...)
	}
	return choose(texts, name, tok, o)
}

// readRecords makes prompts of the prompts of records, whatever their format.
func readRecords(name string, paths []string, tok Tokenizer, o Options) ([]Prompt, *Report, error) {
	var texts []sourced
	odd := 0
	for _, path := range paths {
		for p, err := range data.Prompts(path, o.Template) {
			var bad *data.BadRecord
			switch {
			case errors.As(err, &bad) && bad.Known():
				odd++
			case err != nil:
				return nil, nil, err
			case p.IDs != nil:
				return nil, nil, usage.Errorf("%s: field %q: is a list of token ids; give a text or chat messages", p.Source, Field)
			default:
				texts = append(texts, sourced{p.Text, p.Source})
			}
		}
	}
	list, report, err := choose(texts, name, tok, o)
	if report != nil && odd > 0 {
		report.Records += odd
		report.Looked += odd
		report.skipMany(NoRecord, odd)
	}
	return list, report, err
}

// choose makes the prompts of texts.
func choose(texts []sourced, name string, tok Tokenizer, o Options) ([]Prompt, *Report, error) {
	report := &Report{Records: len(texts)}
	order := data.Order(len(texts), 0, o.Seed)
	if o.Limit == 0 {
		slices.Sort(order)
	}
	found := map[int]Prompt{}
	seen := map[string]bool{}
	for _, i := range order {
		if o.Limit > 0 && len(found) == o.Limit {
			break
		}
		report.Looked++
		p, reason := o.prompt(texts[i], i, tok)
		if reason == "" && o.Distinct && seen[p.Text] {
			reason = Duplicate
		}
		if reason != "" {
			report.skip(reason)
			continue
		}
		seen[p.Text] = true
		found[i] = p
	}
	report.Kept = len(found)
	if len(found) == 0 || len(found) < o.Limit {
		return nil, report, tooFew(name, report, o)
	}
	list := make([]Prompt, 0, len(found))
	for _, i := range slices.Sorted(maps.Keys(found)) {
		list = append(list, found[i])
	}
	return list, report, nil
}

func tooFew(name string, r *Report, o Options) error {
	if o.Limit == 0 {
		return usage.Errorf("%s: %s", name, r)
	}
	return usage.Errorf("%s: %s; %d are wanted: give more records or a lower limit", name, r, o.Limit)
}

func (r *Report) skip(reason Reason) { r.skipMany(reason, 1) }

func (r *Report) skipMany(reason Reason, n int) {
	if r.Skipped == nil {
		r.Skipped = map[Reason]int{}
	}
	r.Skipped[reason] += n
}

// prompt makes the prompt of the record at a place of its file.
func (o Options) prompt(t sourced, record int, tok Tokenizer) (Prompt, Reason) {
	text := t.text
	if o.TextField != "" {
		text = plain(text)
	}
	if o.Prefix.Max > 0 {
		var reason Reason
		if text, reason = o.Prefix.cut(text, o.Prefix.length(o.Seed, record), tok); reason != "" {
			return Prompt{}, reason
		}
	}
	ids := Begin(tok, text)
	if len(ids) == 0 {
		return Prompt{}, NoTokens
	}
	return Prompt{Source: t.source, Text: text, IDs: ids}, ""
}

// Begin gives the ids of a text from its beginning, as training does: after the beginning-of-sequence token, once, where the
// tokenizer itself puts it.
func Begin(tok Tokenizer, text string) []int32 {
	ids := tok.Encode(text)
	bos, has := tok.BOS()
	around := tok.EncodeWithSpecials("")
	if has && len(around) > 0 && around[0] == bos && (len(ids) == 0 || ids[0] != bos) {
		return append([]int32{bos}, ids...)
	}
	return ids
}

var lineBreaks = regexp.MustCompile(`\s*(?:<br\s*/?>\s*)+`)

// plain takes line breaks in HTML, and white space at both ends, off a text.
func plain(text string) string {
	return strings.TrimSpace(lineBreaks.ReplaceAllString(text, " "))
}

// sourced is a text and the place it was read from.
type sourced struct{ text, source string }

// fieldTexts reads one field of every record.
func fieldTexts(input io.Reader, name, field string) ([]sourced, error) {
	var texts []sourced
	err := jsonl.Each(input, name, func(o jsonl.Object, line int) error {
		var text string
		if err := o.Decode(field, &text, "a string"); err != nil {
			return usage.Wrap(err)
		}
		texts = append(texts, sourced{text, fmt.Sprintf("%s:%d", name, line)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(texts) == 0 {
		return nil, usage.Errorf("%s: no records; every record needs %q", name, field)
	}
	return texts, nil
}
