package chat

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/jinja"
)

// rendering is a case of shared/golden-eval/chat_templates.jsonl: what Jinja2 3.1.2 makes of a template.
type rendering struct {
	ID                  json.RawMessage
	Name, Conversation  string
	Template            string
	Messages            []Message
	Context             json.RawMessage
	Tools               json.RawMessage
	AddGenerationPrompt bool    `json:"add_generation_prompt"`
	BOS                 *string `json:"bos_token"`
	EOS                 *string `json:"eos_token"`
	Now                 string
	Rendered            *string
	Error               string
	ErrorType           string `json:"error_type"`
}

func TestRenderings(t *testing.T) {
	file, err := os.Open(sharedFile(t, "golden-eval", "chat_templates.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<24)
	count := 0
	for scanner.Scan() {
		var c rendering
		if err := json.Unmarshal(scanner.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		count++
		t.Run(c.Name+"/"+c.Conversation, func(t *testing.T) { c.check(t) })
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	if count != 545 {
		t.Errorf("read %d renderings, want 545", count)
	}
}

func (c *rendering) check(t *testing.T) {
	got, err := c.render(t)
	var raised *jinja.Error
	switch {
	case c.Rendered != nil:
		if err != nil {
			t.Fatalf("error %v, want %q", err, *c.Rendered)
		}
		if diff := cmp.Diff(*c.Rendered, got); diff != "" {
			t.Errorf("rendering (-want +got):\n%s", diff)
		}
	case !errors.As(err, &raised):
		t.Errorf("error %v, want %s: %s", err, c.ErrorType, c.Error)
	case raised.Message != c.Error || raised.Type != c.ErrorType:
		t.Errorf("error %s: %s, want %s: %s", raised.Type, raised.Message, c.ErrorType, c.Error)
	}
}

func (c *rendering) render(t *testing.T) (string, error) {
	t.Helper()
	tokens := map[string]string{}
	if c.BOS != nil {
		tokens["bos_token"] = *c.BOS
	}
	if c.EOS != nil {
		tokens["eos_token"] = *c.EOS
	}
	template, err := New(c.Template, tokens)
	if err != nil {
		return "", err
	}
	now, err := time.Parse("2006-01-02 15:04:05", c.Now)
	if err != nil {
		if now, err = time.Parse("2006-01-02T15:04:05", c.Now); err != nil {
			t.Fatal(err)
		}
	}
	options := Options{AddGenerationPrompt: c.AddGenerationPrompt, Now: now, Variables: map[string]any{}}
	if len(c.Context) > 0 {
		context := parse(t, c.Context).(*jinja.Dict)
		for _, key := range context.Keys() {
			options.Variables[key.(string)], _ = context.Get(key)
		}
	}
	if tools, ok := parse(t, c.Tools).(*jinja.List); ok {
		options.Tools = tools.Items
	}
	return template.Render(c.Messages, options)
}

func parse(t *testing.T, text json.RawMessage) any {
	t.Helper()
	if len(text) == 0 {
		return nil
	}
	value, err := jinja.ParseJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// sharedFile finds a file of the material beside the repository, or skips the test.
func sharedFile(t *testing.T, parts ...string) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(root) == root {
			t.Fatal("no go.mod above the test")
		}
		root = filepath.Dir(root)
	}
	path := filepath.Join(append([]string{root, "..", "shared"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%v: the renderings lie in the folder shared beside the repository", err)
	}
	return path
}
