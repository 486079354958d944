package chat

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sparsepo/sparsepo/internal/jinja"
	"github.com/sparsepo/sparsepo/internal/usage"
)

func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoad(t *testing.T) {
	const roles = `{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ eos_token }}{% endfor %}`
	const config = `{"bos_token": {"content": "[B]", "lstrip": false}, "eos_token": "[E]", "pad_token": null, "chat_template": `
	for _, c := range []struct {
		name    string
		files   map[string]string
		options Options
		want    string
	}{
		{"text", map[string]string{"tokenizer_config.json": config + `"` + strings.ReplaceAll(roles, `"`, `\"`) + `"}`}, Options{}, "[B]<user>Hi[E]"},
		{
			"named",
			map[string]string{"tokenizer_config.json": config + `[{"name": "rag", "template": "R"}, {"name": "default", "template": "D"}]}`},
			Options{},
			"D",
		},
		{
			"named by option",
			map[string]string{"tokenizer_config.json": config + `[{"name": "rag", "template": "R"}, {"name": "default", "template": "D"}]}`},
			Options{Name: "rag"},
			"R",
		},
		{
			"tools",
			map[string]string{"tokenizer_config.json": config + `{"tool_use": "{{ tools[0].name }}", "default": "D"}}`},
			Options{Tools: []any{map[string]any{"name": "add"}}},
			"add",
		},
		{
			"a file before the field", map[string]string{
				"tokenizer_config.json": config + `"field"}`, "chat_template.jinja": "file {{ eos_token }}",
				"additional_chat_templates/rag.jinja": "R",
			}, Options{}, "file [E]",
		},
		{
			"an additional file",
			map[string]string{"chat_template.jinja": "D", "additional_chat_templates/rag.jinja": "R"},
			Options{Name: "rag"},
			"R",
		},
		{"a processor's file", map[string]string{"chat_template.json": `{"chat_template": "P"}`}, Options{}, "P"},
		{
			"tokens of the map", map[string]string{
				"chat_template.jinja":     "{{ eos_token }}{{ unk_token }}{{ pad_token is defined }}",
				"special_tokens_map.json": `{"eos_token": "[M]", "unk_token": {"content": "[U]"}}`, "tokenizer_config.json": `{"eos_token": "[E]", "pad_token": null}`,
			}, Options{}, "[E][U]False",
		},
		{
			"clock, documents, variables", map[string]string{
				"chat_template.jinja": "{{ strftime_now('%Y') }}{{ documents[0].title }}{{ enable_thinking }}{{ tools is none }}{{ add_generation_prompt }}",
			}, Options{
				Now: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC), Documents: []any{map[string]any{"title": "T"}},
				Variables: map[string]any{"enable_thinking": false}, AddGenerationPrompt: true,
			}, "2024TFalseTrueTrue",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			template, err := Load(folder(t, c.files))
			if err != nil {
				t.Fatal(err)
			}
			got, err := template.Render([]Message{NewMessage("user", "Hi")}, c.options)
			if err != nil || got != c.want {
				t.Errorf("got %q and error %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct{ name, file, text, want string }{
		{"no JSON", "tokenizer_config.json", `{"chat_template": `, "tokenizer_config.json: not JSON"},
		{"no object", "tokenizer_config.json", `[]`, "want a JSON object"},
		{"a number", "tokenizer_config.json", `{"chat_template": 1}`, `field "chat_template"`},
		{"no name", "tokenizer_config.json", `{"chat_template": [{"template": "x"}]}`, "needs a name and a template"},
		{"no list of objects", "tokenizer_config.json", `{"chat_template": ["x"]}`, `want a list of {"name"`},
		{"no template's language", "chat_template.jinja", "a\n{% if %}", "line 2: TemplateSyntaxError"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(folder(t, map[string]string{c.file: c.text}))
			if err == nil || !usage.Is(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one of the user's making with %q", err, c.want)
			}
		})
	}
}

func TestRenderRefuses(t *testing.T) {
	absent, err := Load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, template := range []*Template{nil, absent} {
		_, err := template.Render(nil, Options{})
		if !usage.Is(err) || !strings.Contains(err.Error(), "has no chat template") || len(usage.Hints(err)) != 1 {
			t.Errorf("without a template: error %v with hints %q, want one of the user's making with one hint", err, usage.Hints(err))
		}
	}
	strict, err := New("{{ raise_exception('only users, not ' ~ messages[0].role) }}", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = strict.Render([]Message{NewMessage("dog", "woof")}, Options{})
	var raised *jinja.Error
	if !usage.Is(err) || !errors.As(err, &raised) || raised.Message != "only users, not dog" {
		t.Errorf("error %v, want the template's", err)
	}
	if _, err = strict.Render(nil, Options{Name: "rag"}); !usage.Is(err) || !strings.Contains(err.Error(), `no chat template "rag"; it has "default"`) {
		t.Errorf("error %v, want one that lists the names", err)
	}
	if _, err = strict.Render(nil, Options{Tools: []any{make(chan int)}}); !usage.Is(err) {
		t.Errorf("error %v, want one of the user's making", err)
	}
}

func TestMessage(t *testing.T) {
	var m Message
	if err := m.UnmarshalJSON([]byte(`{"z": 1, "role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image"}, {"text": "b"}]}`)); err != nil {
		t.Fatal(err)
	}
	if text, ok := m.Content(); m.Role() != "user" || text != "ab" || !ok {
		t.Errorf("role %q, content %q, %v; want user, ab", m.Role(), text, ok)
	}
	order, err := New("{{ messages[0]|list }}", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := order.Render([]Message{m}, Options{}); err != nil || got != "['z', 'role', 'content']" {
		t.Errorf("fields %s, error %v, want them in the order of the record", got, err)
	}
	m, err = MessageOf(map[string]any{"b": 1, "content": "x", "a": nil, "role": "tool"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := order.Render([]Message{m}, Options{}); err != nil || got != "['role', 'content', 'a', 'b']" {
		t.Errorf("fields %s, error %v, want role and content first", got, err)
	}
	for _, bad := range []string{`1`, `{"a"`, `{} {}`, `[` + strings.Repeat("[", 300)} {
		if err := new(Message).UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("read %s without an error", bad)
		}
	}
	if text, ok := new(Message).Content(); ok {
		t.Errorf("content %q of a message without fields", text)
	}
}

// FuzzLoad reads damaged configurations.
func FuzzLoad(f *testing.F) {
	f.Add(`{"chat_template": "{{ messages[0].content }}{{ eos_token }}", "eos_token": {"content": "x"}}`)
	f.Add(`{"chat_template": [{"name": "default", "template": "x"}], "bos_token": null}`)
	f.Fuzz(func(t *testing.T, config string) {
		template, err := Load(folder(t, map[string]string{"tokenizer_config.json": config}))
		if (template == nil) == (err == nil) {
			t.Fatalf("template %v beside error %v", template, err)
		}
		if template.Defined() {
			if _, err := template.Render([]Message{NewMessage("user", "Hi")}, Options{}); err != nil && !usage.Is(err) {
				t.Errorf("error %v is not of the user's making", err)
			}
		}
	})
}
