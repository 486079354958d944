package data

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/sparsepo/sparsepo/internal/jsonl"
)

// Form is how a field of a record is written.
type Form int

// The forms of a field.
const (
	Absent Form = iota
	Text
	IDs
	Messages
)

// String names the form as messages do.
func (f Form) String() string {
	switch f {
	case Text:
		return "text"
	case IDs:
		return "a list of token ids"
	case Messages:
		return "chat messages"
	}
	return "absent"
}

// Content is the value of one field of a record. The zero Content is an absent field.
type Content struct {
	Form     Form
	Text     string    // when Form is Text
	IDs      []int32   // when Form is IDs; never negative
	Messages []Message // when Form is Messages
}

// TextContent returns a field in text form.
func TextContent(text string) Content { return Content{Form: Text, Text: text} }

// IDContent returns a field given as token ids.
func IDContent(ids []int32) Content { return Content{Form: IDs, IDs: ids} }

// IsZero reports whether the field is absent.
func (c Content) IsZero() bool { return c.Form == Absent }

// Empty reports whether the field has neither text nor ids nor messages.
func (c Content) Empty() bool { return c.Text == "" && len(c.IDs) == 0 && len(c.Messages) == 0 }

// Equal reports whether two fields have the same form and value.
func (c Content) Equal(other Content) bool {
	return c.Form == other.Form && c.Text == other.Text && slices.Equal(c.IDs, other.IDs) && slices.Equal(c.Messages, other.Messages)
}

// MarshalJSON writes the field as it stands in a file: a string, a list of ids or messages, or null.
func (c Content) MarshalJSON() ([]byte, error) {
	switch c.Form {
	case Text:
		return jsonl.Marshal(c.Text)
	case IDs:
		return json.Marshal(append([]int32{}, c.IDs...))
	case Messages:
		return jsonl.Marshal(c.Messages)
	}
	return []byte("null"), nil
}

// parseContent reads the value of a field. The JSON is known to be valid. A problem comes back as its reason and text.
func parseContent(raw []byte) (Content, Reason, string) {
	raw = bytes.Trim(raw, jsonSpace)
	switch raw[0] {
	case 'n':
		return Content{}, "", ""
	case '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return Content{}, ReasonJSON, err.Error()
		}
		return TextContent(text), "", ""
	case '[':
		return parseList(raw)
	case '{':
		return parseMessageList(append(append([]byte{'['}, raw...), ']'))
	}
	return Content{}, ReasonType, fmt.Sprintf("found %s; give a string, chat messages or a list of token ids", kindOf(raw))
}

// parseList reads a list of token ids. A comma inside a string splits it at a wrong place, but then no part is a number.
func parseList(raw []byte) (Content, Reason, string) {
	inner := bytes.Trim(raw[1:len(raw)-1], jsonSpace)
	if len(inner) == 0 {
		return IDContent([]int32{}), "", ""
	}
	if inner[0] == '{' {
		return parseMessageList(raw)
	}
	parts := bytes.Split(inner, []byte{','})
	ids := make([]int32, len(parts))
	for i, part := range parts {
		part = bytes.Trim(part, jsonSpace)
		id, err := strconv.ParseInt(string(part), 10, 32)
		if err != nil || id < 0 {
			return Content{}, ReasonType, fmt.Sprintf("element %d is %s; token ids are whole numbers from 0 to 2147483647", i, excerpt(part))
		}
		ids[i] = int32(id)
	}
	return IDContent(ids), "", ""
}

func parseMessageList(raw []byte) (Content, Reason, string) {
	messages, problem := parseMessages(raw)
	if problem != "" {
		return Content{}, ReasonMessages, problem
	}
	return MessagesContent(messages), "", ""
}

const jsonSpace = " \t\r\n"

// kindOf names the kind of a JSON value by its first byte.
func kindOf(raw []byte) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}

// excerpt shortens what was found to fit a message.
func excerpt(raw []byte) string {
	const most = 30
	if len(raw) > most {
		return string(bytes.ToValidUTF8(raw[:most], nil)) + "…"
	}
	return string(raw)
}
