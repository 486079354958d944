package chat

import (
	"fmt"
	"time"

	"github.com/sparsepo/sparsepo/internal/jinja"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Template is a model's chat template with the special tokens that it may name. Several goroutines may render at once.
type Template struct {
	origin string // the folder or file, for messages
	named  map[string]*jinja.Template
	tokens *jinja.Dict
}

// Options say how a conversation is rendered.
type Options struct {
	AddGenerationPrompt bool           // end with what introduces the assistant's next answer
	Name                string         // which of several templates: "" is "tool_use" for conversations with tools where there is one, else "default"
	Tools               []any          // descriptions of functions, JSON-like; nil for none
	Documents           []any          // documents to answer from, JSON-like; nil for none
	Variables           map[string]any // further variables of the template, such as enable_thinking
	Now                 time.Time      // what strftime_now tells; the zero value is the present
}

// New makes a template of its source, with special tokens such as bos_token.
func New(source string, tokens map[string]string) (*Template, error) {
	t := &Template{origin: "given", named: map[string]*jinja.Template{}, tokens: jinja.NewDict()}
	for name, token := range tokens {
		t.tokens.Set(name, token)
	}
	return t, t.add("default", source)
}

func (t *Template) add(name, source string) error {
	parsed, err := jinja.Parse(source)
	if err != nil {
		return usage.Wrap(fmt.Errorf("chat template %q of %s: %w", name, t.origin, err))
	}
	t.named[name] = parsed
	return nil
}

// Defined reports whether there is any template.
func (t *Template) Defined() bool { return t != nil && len(t.named) > 0 }

// Render writes a conversation as the template says. The error is one of the user's making: there is no template, or the template
// refuses the conversation; then it wraps a *jinja.Error with the template's message.
func (t *Template) Render(messages []Message, options Options) (string, error) {
	text, _, err := t.RenderGenerated(messages, options)
	return text, err
}

// Span is a stretch of a text, in bytes.
type Span = jinja.Span

// RenderGenerated is [Template.Render] that also tells which stretches of the text the assistant wrote, where the template
// marks them with {% generation %}.
func (t *Template) RenderGenerated(messages []Message, options Options) (text string, generated []Span, err error) {
	if !t.Defined() {
		origin := "the model"
		if t != nil {
			origin = t.origin
		}
		return "", nil, usage.Hint(usage.Errorf("%s has no chat template, so chat messages cannot become text", origin),
			"put the template into chat_template.jinja beside the tokenizer, use the tokenizer of a chat model, or give prompts and responses as text")
	}
	parsed, err := t.choose(options)
	if err != nil {
		return "", nil, err
	}
	variables, err := t.variables(messages, options)
	if err != nil {
		return "", nil, usage.Wrap(err)
	}
	now := options.Now
	if now.IsZero() {
		now = time.Now()
	}
	text, generated, err = parsed.RenderGenerated(variables, now)
	if err != nil {
		return "", nil, usage.Wrap(fmt.Errorf("chat template of %s: %w", t.origin, err))
	}
	return text, generated, nil
}

func (t *Template) choose(options Options) (*jinja.Template, error) {
	name := options.Name
	if name == "" {
		name = "default"
		if _, ok := t.named["tool_use"]; ok && options.Tools != nil {
			name = "tool_use"
		}
	}
	parsed, ok := t.named[name]
	if !ok {
		return nil, usage.Errorf("%s has no chat template %q; it has %s", t.origin, name, names(t.named))
	}
	return parsed, nil
}

func (t *Template) variables(messages []Message, options Options) (*jinja.Dict, error) {
	variables := jinja.NewDict()
	for _, key := range t.tokens.Keys() {
		token, _ := t.tokens.Get(key)
		variables.Set(key, token)
	}
	list := &jinja.List{}
	for _, m := range messages {
		list.Items = append(list.Items, m.value())
	}
	variables.Set("messages", list)
	for name, items := range map[string][]any{"tools": options.Tools, "documents": options.Documents} {
		variables.Set(name, nil)
		if items == nil {
			continue
		}
		value, err := jinja.ValueOf(items)
		if err != nil {
			return nil, fmt.Errorf("chat template: %s: %w", name, err)
		}
		variables.Set(name, value)
	}
	variables.Set("add_generation_prompt", options.AddGenerationPrompt)
	for name, given := range options.Variables {
		value, err := jinja.ValueOf(given)
		if err != nil {
			return nil, fmt.Errorf("chat template: variable %q: %w", name, err)
		}
		variables.Set(name, value)
	}
	return variables, nil
}
