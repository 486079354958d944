package source

import (
	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/chat"
	"github.com/sparsepo/sparsepo/tokenizer"
)

// Template reads the chat template beside the model's tokenizer; nil where there is none.
func (m *Model) Template() (data.Template, error) {
	folder := m.Path
	if !tokenizer.Exists(folder) {
		folder = m.Folder
	}
	return Template(folder)
}

// Template reads the chat template in a tokenizer's folder; nil where there is none.
func Template(folder string) (data.Template, error) {
	template, err := chat.Load(folder)
	if err != nil || !template.Defined() {
		return nil, err
	}
	return func(messages []data.Message, addGenerationPrompt bool) (string, error) {
		turns := make([]chat.Message, len(messages))
		for i, m := range messages {
			turns[i] = chat.NewMessage(m.Role, m.Content)
		}
		return template.Render(turns, chat.Options{AddGenerationPrompt: addGenerationPrompt})
	}, nil
}
