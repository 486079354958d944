package jsonl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Object is a JSON object with its fields in the order of the text.
type Object []Field

// Field is a field of an Object; its value is as it was written.
type Field struct {
	Name  string
	Value json.RawMessage
}

// ParseObject reads a line that holds one JSON object.
func ParseObject(line []byte) (Object, error) {
	decoder := json.NewDecoder(bytes.NewReader(line))
	token, err := decoder.Token()
	if err != nil {
		return nil, notJSON(err)
	}
	if token != json.Delim('{') {
		return nil, fmt.Errorf("%s; every line needs one JSON object", shorten(bytes.TrimSpace(line)))
	}
	o := Object{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, notJSON(err)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, fmt.Errorf("field %q: %w", name, notJSON(err))
		}
		o = append(o, Field{name.(string), value})
	}
	if _, err := decoder.Token(); err != nil {
		return nil, notJSON(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	return o, nil
}

func notJSON(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the line ends in the middle of a JSON object")
	}
	return fmt.Errorf("not JSON: %w", err)
}

// Decode decodes the field of a name into a value; want says in the error what the field should be.
func (o Object) Decode(name string, into any, want string) error {
	for _, f := range o {
		if f.Name != name {
			continue
		}
		if err := json.Unmarshal(f.Value, into); err != nil || string(f.Value) == "null" {
			return fmt.Errorf("field %q: %s; want %s", name, shorten(f.Value), want)
		}
		return nil
	}
	return fmt.Errorf("field %q: missing; the fields are %s", name, o.names())
}

// Has reports whether there is a field of a name.
func (o Object) Has(name string) bool {
	return slices.ContainsFunc(o, func(f Field) bool { return f.Name == name })
}

// With returns the object with a field added last, in place of any of that name.
func (o Object) With(name string, value any) (Object, error) {
	encoded, err := Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("field %q: %w", name, err)
	}
	changed := make(Object, 0, len(o)+1)
	for _, f := range o {
		if f.Name != name {
			changed = append(changed, f)
		}
	}
	return append(changed, Field{name, encoded}), nil
}

// Line returns the object as a line of JSON.
func (o Object) Line() ([]byte, error) {
	var line bytes.Buffer
	line.WriteByte('{')
	for i, f := range o {
		if i > 0 {
			line.WriteString(", ")
		}
		name, err := Marshal(f.Name)
		if err != nil {
			return nil, err
		}
		line.Write(name)
		line.WriteString(": ")
		line.Write(f.Value)
	}
	line.WriteString("}\n")
	return line.Bytes(), nil
}

func (o Object) names() string {
	names := make([]string, len(o))
	for i, f := range o {
		names[i] = fmt.Sprintf("%q", f.Name)
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// shorten cuts a value found in a file to what fits in a message.
func shorten(value []byte) string {
	const limit = 40
	runes := []rune(string(value))
	if len(runes) <= limit {
		return string(runes)
	}
	return string(runes[:limit]) + "…"
}
