package chat

import (
	"fmt"

	"github.com/sparsepo/sparsepo/internal/jinja"
)

// Message is one turn of a conversation: a role, a content, and whatever other fields the record has (tool_calls, name, …),
// in the order in which they came. The zero value has no fields.
type Message struct{ fields *jinja.Dict }

// NewMessage makes a message of a role and a text.
func NewMessage(role, content string) Message {
	fields := jinja.NewDict()
	fields.Set("role", role)
	fields.Set("content", content)
	return Message{fields}
}

// MessageOf makes a message of decoded fields; role and content come first, the others by name.
func MessageOf(fields map[string]any) (Message, error) {
	m := Message{jinja.NewDict()}
	for _, name := range []string{"role", "content"} {
		if value, ok := fields[name]; ok {
			if err := m.Set(name, value); err != nil {
				return Message{}, err
			}
		}
	}
	rest, err := jinja.ValueOf(fields)
	if err != nil {
		return Message{}, fmt.Errorf("chat message: %w", err)
	}
	for _, key := range rest.(*jinja.Dict).Keys() {
		value, _ := rest.(*jinja.Dict).Get(key)
		m.fields.Set(key, value)
	}
	return m, nil
}

// UnmarshalJSON reads an object, keeping the order of its fields and of those inside them.
func (m *Message) UnmarshalJSON(text []byte) error {
	value, err := jinja.ParseJSON(text)
	if err != nil {
		return fmt.Errorf("chat message: %w", err)
	}
	fields, ok := value.(*jinja.Dict)
	if !ok {
		return fmt.Errorf(`chat message: want an object such as {"role": "user", "content": "..."}`)
	}
	m.fields = fields
	return nil
}

// Set sets a field; the value is what package jinja's ValueOf takes: JSON-like Go values.
func (m *Message) Set(name string, value any) error {
	converted, err := jinja.ValueOf(value)
	if err != nil {
		return fmt.Errorf("chat message: field %q: %w", name, err)
	}
	if m.fields == nil {
		m.fields = jinja.NewDict()
	}
	m.fields.Set(name, converted)
	return nil
}

// Get gives a field: nil, bool, int64, *big.Int, float64, string, *jinja.List or *jinja.Dict.
func (m Message) Get(name string) (any, bool) {
	if m.fields == nil {
		return nil, false
	}
	return m.fields.Get(name)
}

// Role gives the role, "" when there is none.
func (m Message) Role() string {
	role, _ := m.Get("role")
	text, _ := role.(string)
	return text
}

// Content gives the content's text: a string as it is, of a list of parts the texts of its text parts, one after the other.
// ok is false when there is no content of either kind.
func (m Message) Content() (text string, ok bool) {
	content, _ := m.Get("content")
	switch c := content.(type) {
	case string:
		return c, true
	case *jinja.List:
		for _, item := range c.Items {
			part, isDict := item.(*jinja.Dict)
			if !isDict {
				return "", false
			}
			if value, has := part.Get("text"); has {
				s, isText := value.(string)
				if !isText {
					return "", false
				}
				text += s
			}
		}
		return text, true
	}
	return "", false
}

// value is the message as templates see it.
func (m Message) value() *jinja.Dict {
	if m.fields == nil {
		return jinja.NewDict()
	}
	return m.fields
}
