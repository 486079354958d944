package jinja

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// referenceContext holds the variables of testdata/reference.py.
const referenceContext = `{
	"n": 7, "f": 2.5, "s": "Hello wörld", "empty": "", "none": null, "yes": true, "big": 12345678901234567890,
	"l": [3, 1, 2], "w": ["b", "A", "c"], "mixed": [1, "a", null, 2.0, true], "nested": [[1, 2], [3, 4]],
	"d": {"b": 1, "a": "x", "items": 5}, "text": "line one\n\n  line two\nend\n", "html": "<a href='x'>T & \"q\"</a>",
	"people": [{"name": "Bo", "age": 3, "tags": ["x"]}, {"name": "al", "age": 1, "tags": []}, {"name": "Cy", "age": 2}],
	"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo", "tool_calls": null}]
}`

var referenceNow = time.Date(2024, 7, 6, 9, 5, 3, 0, time.UTC)

func referenceVariables(t testing.TB) *Dict {
	t.Helper()
	value, err := ParseJSON([]byte(referenceContext))
	if err != nil {
		t.Fatal(err)
	}
	return value.(*Dict)
}

func render(t testing.TB, source string) (string, error) {
	t.Helper()
	template, err := Parse(source)
	if err != nil {
		return "", err
	}
	return template.Render(referenceVariables(t), referenceNow)
}

// TestReference compares with Jinja2 3.1.6 on Python 3.11.7; testdata/reference.py made the file.
func TestReference(t *testing.T) {
	file, err := os.Open("testdata/reference.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	count := 0
	for scanner.Scan() {
		var c struct {
			Template, Error, Type string
			Rendered              *string
		}
		if err := json.Unmarshal(scanner.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		count++
		got, err := render(t, c.Template)
		var raised *Error
		switch {
		case c.Rendered != nil && err != nil:
			t.Errorf("%s: error %v, want %q", c.Template, err, *c.Rendered)
		case c.Rendered != nil:
			if got != *c.Rendered {
				t.Errorf("%s (-want +got):\n%s", c.Template, cmp.Diff(*c.Rendered, got))
			}
		case !errors.As(err, &raised):
			t.Errorf("%s: got %q and error %v, want %s: %s", c.Template, got, err, c.Type, c.Error)
		case raised.Type != c.Type || raised.Message != c.Error:
			t.Errorf("%s: error\n got %s: %s\nwant %s: %s", c.Template, raised.Type, raised.Message, c.Type, c.Error)
		}
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	if count < 1000 {
		t.Errorf("read %d cases, want more than 1000", count)
	}
}
