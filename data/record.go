package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// Task says what records are read for.
type Task int

// The tasks.
const (
	// Preference wants a prompt and two responses, or more with scores.
	Preference Task = iota
	// Supervised wants a text or a prompt and a response, for which the chosen side of a preference record serves.
	Supervised
)

// Record is one object of a data file. A supervised record has no Rejected, and one made of running text no Prompt either.
type Record struct {
	Source   string  `json:"-"` // "file:line"
	Prompt   Content `json:"prompt,omitzero"`
	Chosen   Content `json:"chosen,omitzero"`
	Rejected Content `json:"rejected,omitzero"`

	// Answers stand in the place of Chosen and Rejected where a prompt has many responses.
	Answers []Answer `json:"-"`
	// Voted says that the answers passed (Score above 0) or failed, and that every epoch takes another pair of them. Otherwise
	// their scores are ratings, and records of the same prompt that follow each other belong together.
	Voted bool `json:"-"`

	format        string // the record format's name
	responseField string // what the file calls Chosen, when not "chosen"

	masks [2]json.RawMessage // of the chosen and the rejected response's tokens, as they stand in the file
}

// Answer is one of many responses to a prompt.
type Answer struct {
	Text  string
	Score float64
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
	ReasonNoPrompt   Reason = "no shared prompt"
	ReasonTemplate   Reason = "refused by the chat template"
	ReasonVocabulary Reason = "id outside the vocabulary"
)

// BadRecord is the error for a record that cannot be used while the records after it can. It counts as the user's mistake.
type BadRecord struct {
	Source  string // "file:line"
	Field   string // "" when the whole record is meant
	Reason  Reason
	Problem string // what was found and what to do

	known bool // one of the oddities that real files of this format have: counted and skipped under any policy
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

// oddRecord is badRecord for what real files of a format are known to hold.
func oddRecord(source, field string, reason Reason, problem string) error {
	return usage.Wrap(&BadRecord{Source: source, Field: field, Reason: reason, Problem: problem, known: true})
}

// asBadRecord returns the BadRecord in err, nil when there is none.
func asBadRecord(err error) *BadRecord {
	var bad *BadRecord
	if errors.As(err, &bad) {
		return bad
	}
	return nil
}

func parseObject(raw []byte, source string) (fields, error) {
	if i := invalidUTF8(raw); i >= 0 {
		return nil, badRecord(source, "", ReasonUTF8, "byte %d is not valid UTF-8; save the file as UTF-8", i+1)
	}
	raw = bytes.Trim(raw, jsonSpace)
	var f fields
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, objectError(raw, source, err)
	}
	if f == nil {
		return nil, badRecord(source, "", ReasonType, "found null where a record should be; give a JSON object")
	}
	return f, nil
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
	if len(r.Answers) > 0 {
		return nil
	}
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
