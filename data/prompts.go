package data

import (
	"iter"
	"slices"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Prompt is the prompt of a record, as text or, where the record gives them, as token ids.
type Prompt struct {
	Source string // "file:line"
	Text   string
	IDs    []int32 // nil where the prompt is text
}

// Prompts is [Reader.Prompts] of a file.
func Prompts(path string, template Template) iter.Seq2[Prompt, error] {
	return func(yield func(Prompt, error) bool) {
		reader, err := Open(path, Preference)
		if err != nil {
			yield(Prompt{}, err)
			return
		}
		defer reader.Close()
		reader.Prompts(template)(yield)
	}
}

// Prompts yields the prompts of records, whatever their format: the field "prompt", also of records without responses, and
// otherwise what training would take; of a conversation, all before its last turn. Messages are written by template, nil for a
// plain dialogue. Errors are those of [Reader.Records].
func (r *Reader) Prompts(template Template) iter.Seq2[Prompt, error] {
	if template == nil {
		template = PlainTemplate
	}
	return func(yield func(Prompt, error) bool) {
		for it, err := range r.items() {
			var p Prompt
			if err == nil {
				p, err = it.prompt(template)
			}
			p.Source = it.source
			if !yield(p, err) {
				return
			}
		}
	}
}

// Known reports whether the record is one of the oddities that real files of its format hold, which training passes over.
func (b *BadRecord) Known() bool { return b.known }

// beforeLast is what stands before the last turn of a conversation, or before a pair's responses.
func (r Record) beforeLast() []Message {
	if r.Rejected.IsZero() && len(r.Chosen.Messages) > 0 {
		return slices.Concat(r.Prompt.Messages, r.Chosen.Messages[:len(r.Chosen.Messages)-1])
	}
	return r.Prompt.Messages
}

func (it item) prompt(template Template) (Prompt, error) {
	content, messages, err := it.promptContent()
	switch {
	case err != nil:
		return Prompt{}, err
	case content.Form == IDs:
		return Prompt{IDs: content.IDs}, nil
	case content.Form == Messages:
		text, err := template(messages, true)
		return Prompt{Text: text}, usage.Wrap(err)
	}
	return Prompt{Text: content.Text}, nil
}

// promptContent finds the prompt of a record, and where it is of messages those.
func (it item) promptContent() (content Content, messages []Message, err error) {
	if !it.entry {
		f, err := parseObject(it.raw, it.source)
		if err != nil {
			return Content{}, nil, err
		}
		given := Record{Source: it.source}
		if content, err = given.content(f, "prompt"); err != nil {
			return Content{}, nil, err
		}
		if content.Form == Text && !f.isMessages("chosen") || !content.IsZero() && !f.has("chosen") {
			return content, content.Messages, nil
		}
	}
	rec, err := it.parse(Preference)
	if bad := asBadRecord(err); bad != nil && !bad.known {
		if other, otherErr := it.parse(Supervised); otherErr == nil && !other.Prompt.IsZero() {
			rec, err = other, nil
		}
	}
	if bad := asBadRecord(err); bad != nil && bad.Reason == ReasonMissing {
		return Content{}, nil, badRecord(it.source, "prompt", ReasonMissing, "missing, and the record is of no format that has one; give it as text or chat messages")
	}
	return rec.Prompt, rec.beforeLast(), err
}
