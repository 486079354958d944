package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Task says what records are read for.
type Task int

// The tasks.
const (
	// Preference wants prompt, chosen and rejected.
	Preference Task = iota
	// Supervised wants text, prompt and completion, or the prompt and chosen side of a preference record.
	Supervised
)

// Record is one object of a data file. A supervised record has no Rejected, and one made of running text no Prompt either.
type Record struct {
	Source   string  `json:"-"` // "file:line"
	Prompt   Content `json:"prompt,omitzero"`
	Chosen   Content `json:"chosen,omitzero"`
	Rejected Content `json:"rejected,omitzero"`

	responseField string // what the file calls Chosen, when not "chosen"
}

// Reason is a class of things wrong with records; reports count by it.
type Reason string

// What can be wrong with a record.
const (
	ReasonJSON       Reason = "invalid JSON"
	ReasonUTF8       Reason = "invalid UTF-8"
	ReasonOverlong   Reason = "overlong line"
	ReasonType       Reason = "wrong type"
	ReasonMessages   Reason = "chat messages"
	ReasonMissing    Reason = "missing field"
	ReasonEmpty      Reason = "empty field"
	ReasonIdentical  Reason = "identical sides"
	ReasonVocabulary Reason = "id outside the vocabulary"
)

// BadRecord is the error for a record that cannot be used while the records after it can. It counts as the user's mistake.
type BadRecord struct {
	Source  string // "file:line"
	Field   string // "" when the whole record is meant
	Reason  Reason
	Problem string // what was found and what to do
}

// Error gives "file:line: field "name": what was found; what to do".
func (b *BadRecord) Error() string {
	if b.Field == "" {
		return b.Source + ": " + b.Problem
	}
	return fmt.Sprintf("%s: field %q: %s", b.Source, b.Field, b.Problem)
}

func badRecord(source, field string, reason Reason, format string, args ...any) error {
	return usage.Wrap(&BadRecord{Source: source, Field: field, Reason: reason, Problem: fmt.Sprintf(format, args...)})
}

// asBadRecord returns the BadRecord in err, nil when there is none.
func asBadRecord(err error) *BadRecord {
	var bad *BadRecord
	if errors.As(err, &bad) {
		return bad
	}
	return nil
}

const (
	preferenceWants = `every preference record needs "prompt", "chosen" and "rejected"`
	supervisedWants = `every supervised record needs "text", or "prompt" and "completion"`
)

func (t Task) wants() string {
	if t == Supervised {
		return supervisedWants
	}
	return preferenceWants
}

// ParseRecord reads one JSON object. source names its place in messages.
func ParseRecord(raw []byte, source string, task Task) (Record, error) {
	fields, err := parseObject(raw, source)
	if err != nil {
		return Record{}, err
	}
	rec := Record{Source: source}
	if task == Supervised {
		err = rec.fillSupervised(fields)
	} else {
		err = rec.fillPreference(fields)
	}
	if err == nil {
		err = rec.check()
	}
	if err != nil {
		return Record{}, err
	}
	return rec, nil
}

func parseObject(raw []byte, source string) (map[string]json.RawMessage, error) {
	if i := invalidUTF8(raw); i >= 0 {
		return nil, badRecord(source, "", ReasonUTF8, "byte %d is not valid UTF-8; save the file as UTF-8", i+1)
	}
	raw = bytes.Trim(raw, jsonSpace)
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, objectError(raw, source, err)
	}
	if fields == nil {
		return nil, badRecord(source, "", ReasonType, "found null where a record should be; give a JSON object")
	}
	return fields, nil
}

func objectError(raw []byte, source string, err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return badRecord(source, "", ReasonJSON, "invalid JSON at byte %d: %v; every line must be one whole JSON object", syntax.Offset, err)
	case raw[0] == '[':
		return badRecord(source, "", ReasonType, "found an array where a record should be; a file that is one JSON array must be named .json")
	}
	return badRecord(source, "", ReasonType, "found %s where a record should be; give a JSON object", kindOf(raw))
}

func invalidUTF8(raw []byte) int {
	if utf8.Valid(raw) {
		return -1
	}
	for i := 0; i < len(raw); {
		r, size := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

func (r *Record) fillPreference(fields map[string]json.RawMessage) error {
	if err := r.take(fields, map[string]*Content{"prompt": &r.Prompt, "chosen": &r.Chosen, "rejected": &r.Rejected}); err != nil {
		return err
	}
	if r.Prompt.IsZero() && !r.Chosen.IsZero() && !r.Rejected.IsZero() {
		return badRecord(r.Source, "prompt", ReasonMissing,
			"missing; this version does not take the prompt from what the two sides share: write it as its own field")
	}
	for _, f := range []struct {
		name    string
		content Content
	}{{"prompt", r.Prompt}, {"chosen", r.Chosen}, {"rejected", r.Rejected}} {
		if f.content.IsZero() {
			return r.missing(f.name, fields, Preference)
		}
	}
	return nil
}

// fillSupervised takes prompt and completion first, then a preference record's chosen side, then running text.
func (r *Record) fillSupervised(fields map[string]json.RawMessage) error {
	has := func(name string) bool { raw, ok := fields[name]; return ok && kindOf(raw) != "null" }
	switch {
	case has("completion"):
		r.responseField = "completion"
	case has("chosen"):
		r.responseField = ""
	case has("text") && has("prompt"):
		return badRecord(r.Source, "text", ReasonType, `stands beside "prompt"; give "prompt" and "completion", or "text" alone`)
	case has("text"):
		r.responseField = "text"
		return r.take(fields, map[string]*Content{"text": &r.Chosen})
	case has("messages"):
		return badRecord(r.Source, "messages", ReasonMessages,
			`this version does not support chat messages; write the conversation as "text", in the form the model was trained on`)
	default:
		return r.missing("text", fields, Supervised)
	}
	if !has("prompt") {
		return r.missing("prompt", fields, Supervised)
	}
	return r.take(fields, map[string]*Content{"prompt": &r.Prompt, r.response(): &r.Chosen})
}

func (r *Record) take(fields map[string]json.RawMessage, into map[string]*Content) error {
	for _, name := range slices.Sorted(maps.Keys(into)) {
		raw, ok := fields[name]
		if !ok {
			continue
		}
		content, reason, problem := parseContent(raw)
		if reason != "" {
			return badRecord(r.Source, name, reason, "%s", problem)
		}
		*into[name] = content
	}
	return nil
}

func (r *Record) missing(field string, fields map[string]json.RawMessage, task Task) error {
	names := slices.Sorted(maps.Keys(fields))
	if near := usage.Nearest(field, names); near != "" && near != field {
		return badRecord(r.Source, field, ReasonMissing, "missing; %s (did you mean %q for %q?)", task.wants(), field, near)
	}
	if len(names) == 0 {
		return badRecord(r.Source, field, ReasonMissing, "missing: the record is empty; %s", task.wants())
	}
	const most = 8
	shown := names[:min(most, len(names))]
	return badRecord(r.Source, field, ReasonMissing, "missing: the record has only %s; %s", quoted(shown), task.wants())
}

func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%q", excerpt([]byte(n)))
	}
	return strings.Join(out, ", ")
}

// response names the field that Chosen was read from.
func (r Record) response() string {
	if r.responseField != "" {
		return r.responseField
	}
	return "chosen"
}

// check finds what makes a record useless whatever the tokenizer: an empty side, mixed forms, identical sides.
func (r Record) check() error {
	if r.Chosen.Empty() {
		return badRecord(r.Source, r.response(), ReasonEmpty, "empty; a record needs a response")
	}
	if !r.Rejected.IsZero() && r.Rejected.Empty() {
		return badRecord(r.Source, "rejected", ReasonEmpty, "empty; a record needs a response on both sides")
	}
	if r.Prompt.Form == IDs && r.Prompt.Empty() {
		return badRecord(r.Source, "prompt", ReasonEmpty, "no ids; nothing would predict the first token of the response")
	}
	for _, f := range []struct {
		name    string
		content Content
	}{{"prompt", r.Prompt}, {"rejected", r.Rejected}} {
		if !f.content.IsZero() && f.content.Form != r.Chosen.Form {
			return badRecord(r.Source, f.name, ReasonType, "is %s, but %q is %s; give all fields of a record in one form",
				f.content.Form, r.response(), r.Chosen.Form)
		}
	}
	if r.Chosen.Equal(r.Rejected) {
		return badRecord(r.Source, "rejected", ReasonIdentical, `the same as "chosen"; a pair of identical sides prefers nothing`)
	}
	return nil
}
