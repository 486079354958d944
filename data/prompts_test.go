package data_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// TestPrompts: a prompt is found in records of any format, and alone.
func TestPrompts(t *testing.T) {
	const user, answer = `{"role":"user","content":"q"}`, `{"role":"assistant","content":"x"}`
	for _, c := range []struct{ name, line, want string }{
		{"text", `{"prompt":"p","chosen":"","rejected":7}`, "p"},
		{"ids", `{"prompt":[1,2]}`, "[1 2]"},
		{"no ids", `{"prompt":[]}`, "[]"},
		{"ids of a pair", `{"prompt":[3],"chosen":[1],"rejected":[2]}`, "[3]"},
		{"messages", `{"prompt":[` + user + `]}`, "<u>q!<a>"},
		{"messages of a pair", `{"prompt":[` + user + `],"chosen":"x","rejected":"y"}`, "<u>q!<a>"},
		{"a text before messages", `{"prompt":"q","chosen":[` + answer + `],"rejected":[{"role":"assistant","content":"y"}]}`, "<u>q!<a>"},
		{"a conversation", `{"messages":[` + user + `,` + answer + `,` + user + `,` + answer + `]}`, "<u>q!<a>x!<u>q!<a>"},
		{"a completion", `{"prompt":[` + user + `],"completion":"x"}`, "<u>q!<a>"},
		{"a question", `{"question":"q","answers":[{"text":"a","votes":1},{"text":"b"}]}`, "q"},
		{"a number", `{"prompt":7}`, `! f.jsonl:1: field "prompt": found a number; give a string, chat messages or a list of token ids`},
		{"nothing", `{"title":"x"}`, `! f.jsonl:1: field "prompt": missing, and the record is of no format that has one; give it as text or chat messages`},
	} {
		reader, err := data.NewReader(strings.NewReader(c.line), "f.jsonl", data.Preference)
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for p, err := range reader.Prompts(angular) {
			count++
			got := p.Text
			switch {
			case err != nil:
				got = "! " + err.Error()
			case p.IDs != nil:
				got = fmt.Sprint(p.IDs)
			}
			if got != c.want || p.Source != "f.jsonl:1" || err != nil && !usage.Is(err) {
				t.Errorf("%s: %s of %s, want %s", c.name, got, p.Source, c.want)
			}
		}
		if count != 1 {
			t.Errorf("%s: %d prompts, want 1", c.name, count)
		}
	}
}
