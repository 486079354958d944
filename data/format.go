package data

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// format is one form that records are written in. Each has a file of its own.
type format struct {
	name string
	// fits tells by the fields whether a record is written in the format. The first of formats that fits reads it.
	fits func(f fields, task Task) bool
	// read fills a record, whose Source is set. What makes a record useless in any format is checked afterwards.
	read func(r *Record, f fields, task Task) error
}

// formats are tried in this order. The last fit all records of their task and name what is missing.
var formats = []format{
	completionFormat,
	conversationsFormat,
	answersFormat,
	ratedFormat,
	codeFormat,
	chatPairFormat,
	implicitFormat,
	pairFormat,
	messagesFormat,
	textFormat,
}

// fields are the members of a record's JSON object.
type fields map[string]json.RawMessage

// has reports whether a field is there and not null.
func (f fields) has(name string) bool {
	raw, ok := f[name]
	return ok && kindOf(raw) != "null"
}

func (f fields) hasAll(names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !f.has(name) })
}

// isMessages reports whether a field is a chat message or a list of them.
func (f fields) isMessages(name string) bool {
	if raw := f[name]; len(raw) > 1 && raw[0] == '[' {
		inner := bytes.TrimLeft(raw[1:], jsonSpace)
		return inner[0] == '{'
	}
	return f.has(name) && f[name][0] == '{'
}

// ParseRecord reads one JSON object. source names its place in messages.
func ParseRecord(raw []byte, source string, task Task) (Record, error) {
	f, err := parseObject(raw, source)
	if err != nil {
		return Record{}, err
	}
	rec := Record{Source: source}
	for _, format := range formats {
		if !format.fits(f, task) {
			continue
		}
		rec.format = format.name
		if err := format.read(&rec, f, task); err != nil {
			return Record{}, err
		}
		if task == Supervised {
			rec.Rejected = Content{}
		}
		rec.masks = [2]json.RawMessage{f[maskFields[0]], f[maskFields[1]]}
		if err := rec.check(); err != nil {
			return Record{}, err
		}
		return rec, nil
	}
	return Record{}, fmt.Errorf("%s: no record format fits", source) // textFormat fits all
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

// content reads one field; an absent one is the zero Content.
func (r *Record) content(f fields, name string) (Content, error) {
	if !f.has(name) {
		return Content{}, nil
	}
	content, reason, problem := parseContent(f[name])
	if reason != "" {
		return Content{}, badRecord(r.Source, name, reason, "%s", problem)
	}
	return content, nil
}

// text reads a field that must be a string.
func (r *Record) text(f fields, name string) (string, error) {
	var text string
	if !f.has(name) || json.Unmarshal(f[name], &text) != nil {
		return "", badRecord(r.Source, name, ReasonType, "found %s; give a string", f.found(name))
	}
	return text, nil
}

// found names what a field holds.
func (f fields) found(name string) string {
	if raw, ok := f[name]; ok {
		return kindOf(raw)
	}
	return "nothing"
}

// take reads fields in the order of their names, so that messages do not depend on chance.
func (r *Record) take(f fields, into map[string]*Content) error {
	for _, name := range slices.Sorted(maps.Keys(into)) {
		content, err := r.content(f, name)
		if err != nil {
			return err
		}
		*into[name] = content
	}
	return nil
}

func (r *Record) missing(field string, f fields, task Task) error {
	names := slices.Sorted(maps.Keys(f))
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
