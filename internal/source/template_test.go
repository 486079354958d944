package source

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sparsepo/sparsepo/data"
)

func TestTemplate(t *testing.T) {
	folder := t.TempDir()
	if template, err := Template(folder); template != nil || err != nil {
		t.Errorf("a folder without a template: %v", err)
	}
	const source = `{% for m in messages %}<|{{ m.role }}|>{{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}`
	if err := os.WriteFile(filepath.Join(folder, "chat_template.jinja"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	template, err := Template(folder)
	if err != nil || template == nil {
		t.Fatalf("template %v, %v", template != nil, err)
	}
	got, err := template([]data.Message{{Role: "user", Content: "Hi"}}, true)
	if want := "<|user|>Hi</s><|assistant|>"; got != want || err != nil {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}
