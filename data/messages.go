package data

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Message is one turn of a conversation.
type Message struct {
	Role    string `json:"role"` // system, user, assistant or tool
	Content string `json:"content"`
}

// Template renders a conversation as the text that a model reads, as a tokenizer's chat template does. With
// addGenerationPrompt the text ends where the assistant's next turn begins; without, the last turn ends as the model is to
// end it.
type Template func(messages []Message, addGenerationPrompt bool) (string, error)

// MarkedTemplate renders a whole conversation and marks the stretches of the text that are the assistant's own, in order, as
// templates do that have {% generation %} blocks. There are no marks where a template has no such blocks.
type MarkedTemplate func(messages []Message) (text string, turns []Span, err error)

const (
	roleUser      = "user"
	roleAssistant = "assistant"
)

// roles maps the names that data sets have for roles.
var roles = map[string]string{
	"system": "system", "user": roleUser, "human": roleUser, "prompter": roleUser, "assistant": roleAssistant, "gpt": roleAssistant,
	"chatgpt": roleAssistant, "bot": roleAssistant, "model": roleAssistant, "tool": "tool", "observation": "tool", "developer": "system",
}

// MessagesContent returns a field given as chat messages.
func MessagesContent(messages []Message) Content { return Content{Form: Messages, Messages: messages} }

const wantMessage = `a message is {"role": "user", "content": "..."} or {"from": "human", "value": "..."}`

// parseMessages reads a list of chat messages. A problem comes back as text.
func parseMessages(raw []byte) ([]Message, string) {
	var objects []map[string]json.RawMessage
	if err := json.Unmarshal(raw, &objects); err != nil {
		return nil, "found a list that is neither of token ids nor of chat messages; " + wantMessage
	}
	messages := make([]Message, len(objects))
	for i, o := range objects {
		m, problem := parseMessage(o)
		if problem != "" {
			return nil, fmt.Sprintf("message %d: %s", i, problem)
		}
		messages[i] = m
	}
	return messages, ""
}

func parseMessage(o fields) (Message, string) {
	role, content := "role", "content"
	if !o.has(role) && o.has("from") {
		role, content = "from", "value"
	}
	var m Message
	if !o.has(role) || json.Unmarshal(o[role], &m.Role) != nil {
		return Message{}, "no role; " + wantMessage
	}
	known, ok := roles[strings.ToLower(m.Role)]
	if !ok {
		return Message{}, fmt.Sprintf("unknown role %s; known: system, user (human), assistant (gpt), tool", excerpt(o[role]))
	}
	m.Role = known
	if !o.has(content) {
		return Message{}, fmt.Sprintf("no %q; %s", content, wantMessage)
	}
	text, ok := messageText(o[content])
	if !ok {
		return Message{}, fmt.Sprintf("%q is %s; give a string, or a list of parts of the type text", content, kindOf(o[content]))
	}
	m.Content = text
	return m, ""
}

// messageText reads the content of a message: a string, or parts of text.
func messageText(raw []byte) (string, bool) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, true
	}
	var parts []struct {
		Type string  `json:"type"`
		Text *string `json:"text"`
	}
	if json.Unmarshal(raw, &parts) != nil || len(parts) == 0 {
		return "", false
	}
	for _, p := range parts {
		if p.Type != "text" || p.Text == nil {
			return "", false
		}
		text += *p.Text
	}
	return text, true
}

// PlainTemplate renders a conversation as the transcripts of Anthropic's HH data are written: "\n\nHuman: " and
// "\n\nAssistant: " before the turns, a system text before them all. It stands in where a tokenizer has no chat template.
func PlainTemplate(messages []Message, addGenerationPrompt bool) (string, error) {
	var b strings.Builder
	for _, m := range messages {
		switch m.Role {
		case roleAssistant:
			b.WriteString(assistantTag + " ")
		case roleUser:
			b.WriteString("\n\nHuman: ")
		case "tool":
			b.WriteString("\n\nTool: ")
		default:
			if b.Len() > 0 {
				b.WriteString("\n\n")
			}
		}
		b.WriteString(m.Content)
	}
	if addGenerationPrompt {
		b.WriteString(assistantTag)
	}
	return b.String(), nil
}

// rendered is a record of messages as text.
type rendered struct {
	prompt    string
	responses []string
	cut       bool // the responses' rendering does not begin with that of the prompt, so the prompt is what they share
}

// render renders a prompt and its responses. The prompt is the same text for all of them, and what follows it in the whole
// conversation is the response.
func render(template Template, prompt []Message, responses [][]Message) (rendered, error) {
	text, err := template(prompt, true)
	if err != nil {
		return rendered{}, err
	}
	r := rendered{prompt: text, responses: make([]string, len(responses))}
	for i, response := range responses {
		if r.responses[i], err = template(slices.Concat(prompt, response), false); err != nil {
			return rendered{}, err
		}
		r.prompt = commonPrefix(r.prompt, r.responses[i])
	}
	r.cut = len(r.prompt) < len(text)
	for i := range r.responses {
		r.responses[i] = r.responses[i][len(r.prompt):]
	}
	return r, nil
}

// commonPrefix is the longest text that both begin with, in whole characters.
func commonPrefix(a, b string) string {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	inside := func(text string) bool { return n < len(text) && !utf8.RuneStart(text[n]) }
	for n > 0 && (inside(a) || inside(b)) {
		n--
	}
	return a[:n]
}
