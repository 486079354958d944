package data

import (
	"encoding/json"
	"iter"
	"slices"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// PromptText is the prompt of a record as text.
type PromptText struct {
	Source string // "file:line"
	Text   string
}

// Prompts yields the prompts of a file's records, whatever their format: the field "prompt" where it is a text, also of records
// without responses, and otherwise what training would take. Messages are written by template, nil for a plain dialogue. Errors
// are those of [Reader.Records].
func Prompts(path string, template Template) iter.Seq2[PromptText, error] {
	return func(yield func(PromptText, error) bool) {
		reader, err := Open(path, Preference)
		if err != nil {
			yield(PromptText{}, err)
			return
		}
		defer reader.Close()
		if template == nil {
			template = PlainTemplate
		}
		for it, err := range reader.items() {
			p := PromptText{Source: it.source}
			if err == nil {
				p.Text, err = it.prompt(template)
			}
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

func (it item) prompt(template Template) (string, error) {
	if !it.entry {
		f, err := parseObject(it.raw, it.source)
		if err != nil {
			return "", err
		}
		var text string
		if f.has("prompt") && json.Unmarshal(f["prompt"], &text) == nil && !f.isMessages("chosen") {
			return text, nil
		}
	}
	rec, err := it.parse(Preference)
	if bad := asBadRecord(err); bad != nil && !bad.known {
		if other, otherErr := it.parse(Supervised); otherErr == nil && !other.Prompt.IsZero() {
			rec, err = other, nil
		}
	}
	if bad := asBadRecord(err); bad != nil && bad.Reason == ReasonMissing {
		return "", badRecord(it.source, "prompt", ReasonMissing, "missing, and the record is of no format that has one; give it as text or chat messages")
	}
	if err != nil {
		return "", err
	}
	switch rec.Prompt.Form {
	case Messages:
		text, err := template(rec.beforeLast(), true)
		return text, usage.Wrap(err)
	case IDs:
		return "", badRecord(it.source, "prompt", ReasonType, "is %s; give a text", IDs)
	}
	return rec.Prompt.Text, nil
}
