package reward

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// object is a JSON object with its fields in the order of the text.
type object []field

type field struct {
	name  string
	value json.RawMessage
}

func parseObject(line []byte) (object, error) {
	decoder := json.NewDecoder(bytes.NewReader(line))
	token, err := decoder.Token()
	if err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if token != json.Delim('{') {
		return nil, fmt.Errorf("not a JSON object: starts with %q", shorten(strings.TrimSpace(string(line))))
	}
	o := object{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("not JSON: %w", err)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, fmt.Errorf("not JSON: field %q: %w", name, err)
		}
		o = append(o, field{name.(string), value})
	}
	if _, err := decoder.Token(); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one JSON object on the line")
	}
	return o, nil
}

func (o object) get(name string) (json.RawMessage, bool) {
	for _, f := range o {
		if f.name == name {
			return f.value, true
		}
	}
	return nil, false
}

// text returns a field that must be a string.
func (o object) text(name string) (string, error) {
	raw, ok := o.get(name)
	if !ok {
		return "", fmt.Errorf("field %q: missing; the fields are %s", name, o.names())
	}
	if len(raw) == 0 || raw[0] != '"' {
		return "", fmt.Errorf("field %q: %s; want a string", name, shorten(string(raw)))
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", fmt.Errorf("field %q: %w", name, err)
	}
	return text, nil
}

// label returns whether a field states the positive class.
func (o object) label(name string) (positive bool, err error) {
	raw, ok := o.get(name)
	if !ok {
		return false, fmt.Errorf("field %q: missing; the fields are %s", name, o.names())
	}
	switch string(raw) {
	case "1", "1.0", "true", `"1"`, `"positive"`, `"pos"`:
		return true, nil
	case "0", "0.0", "false", `"0"`, `"negative"`, `"neg"`:
		return false, nil
	}
	return false, fmt.Errorf("field %q: %s; want 1 (positive) or 0 (negative)", name, shorten(string(raw)))
}

// with returns the object as one line of JSON with a field set, last.
func (o object) with(name string, value json.RawMessage) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, f := range append(o.without(name), field{name, value}) {
		if b.Len() > 1 {
			b.WriteString(", ")
		}
		b.WriteString(quote(f.name))
		b.WriteString(": ")
		b.Write(f.value)
	}
	b.WriteString("}\n")
	return b.Bytes()
}

func (o object) without(name string) object {
	kept := make(object, 0, len(o)+1)
	for _, f := range o {
		if f.name != name {
			kept = append(kept, f)
		}
	}
	return kept
}

func (o object) names() string {
	names := make([]string, len(o))
	for i, f := range o {
		names[i] = quote(f.name)
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func quote(s string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil { // strings always encode
		return fmt.Sprintf("%q", s)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// shorten cuts a value found in a file to what fits in a message.
func shorten(s string) string {
	const limit = 40
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	return string(runes[:limit]) + "…"
}
