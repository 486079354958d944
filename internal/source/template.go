package source

import (
	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/chat"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// Template reads the chat template beside the model's tokenizer; nil where there is none.
func (m *Model) Template() (data.Template, error) { return Template(m.templateFolder()) }

// MarkedTemplate is [Model.Template] for conversations that are learned from.
func (m *Model) MarkedTemplate() (data.MarkedTemplate, error) {
	return MarkedTemplate(m.templateFolder())
}

func (m *Model) templateFolder() string {
	if tokenizer.Exists(m.Path) {
		return m.Path
	}
	return m.Folder
}

// Template reads the chat template in a tokenizer's folder; nil where there is none.
func Template(folder string) (data.Template, error) {
	template, err := chat.Load(folder)
	if err != nil || !template.Defined() {
		return nil, err
	}
	return func(messages []data.Message, addGenerationPrompt bool) (string, error) {
		return template.Render(turns(messages), chat.Options{AddGenerationPrompt: addGenerationPrompt})
	}, nil
}

// MarkedTemplate is [Template] for conversations that are learned from.
func MarkedTemplate(folder string) (data.MarkedTemplate, error) {
	template, err := chat.Load(folder)
	if err != nil || !template.Defined() {
		return nil, err
	}
	return func(messages []data.Message) (string, []data.Span, error) {
		text, generated, err := template.RenderGenerated(turns(messages), chat.Options{})
		marks := make([]data.Span, len(generated))
		for i, s := range generated {
			marks[i] = data.Span(s)
		}
		return text, marks, err
	}, nil
}

func turns(messages []data.Message) []chat.Message {
	list := make([]chat.Message, len(messages))
	for i, m := range messages {
		list[i] = chat.NewMessage(m.Role, m.Content)
	}
	return list
}
