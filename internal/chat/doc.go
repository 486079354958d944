// Package chat turns conversations into the text that a model was trained on, by the model's own chat template.
//
// Load reads the template and the special tokens of a folder in Hugging Face's layout, Template.Render applies it as Hugging Face's
// libraries do (package jinja is the language):
//
//	template, err := chat.Load(folder)
//	text, err := template.Render(messages, chat.Options{AddGenerationPrompt: true})
package chat
