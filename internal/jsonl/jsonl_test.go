package jsonl

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func TestEachWritesBack(t *testing.T) {
	const input = `{"b": 1.50, "a": "<é>"}` + "\n\n" + `{"ids":[9],"x":{"y":null}}`
	const want = `{"b": 1.50, "a": "<é>", "ids": [1,2]}` + "\n" + `{"x": {"y":null}, "ids": [1,2]}` + "\n"
	var got bytes.Buffer
	var numbers []int
	err := Each(strings.NewReader(input), "in", func(o Object, line int) error {
		numbers = append(numbers, line)
		changed, err := o.With("ids", []int{1, 2})
		if err != nil {
			return err
		}
		written, err := changed.Line()
		got.Write(written)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{1, 3}, numbers); diff != "" {
		t.Errorf("line numbers (-want +got):\n%s", diff)
	}
}

func TestEachRefuses(t *testing.T) {
	tests := []struct{ name, input, want string }{
		{"array", "{}\n[1]", `in:2: [1]; every line needs one JSON object`},
		{"cut off", `{"a": `, `in:1: field "a": the line ends in the middle of a JSON object`},
		{"open", `{"a": 1`, `in:1: the line ends in the middle of a JSON object`},
		{"two objects", `{} {}`, `in:1: something follows the JSON object`},
		{"no JSON", `hello`, `in:1: not JSON: invalid character 'h' looking for beginning of value`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := Each(strings.NewReader(test.input), "in", func(Object, int) error { return nil })
			if !usage.Is(err) || err.Error() != test.want {
				t.Errorf("got %v, want the mistake %s", err, test.want)
			}
		})
	}
}

func TestEachKeepsCause(t *testing.T) {
	cause := errors.New("disk full")
	err := Each(strings.NewReader("{}"), "in", func(Object, int) error { return cause })
	if !errors.Is(err, cause) || usage.Is(err) || err.Error() != "in:1: disk full" {
		t.Errorf("got %v, want in:1: disk full, not the user's mistake", err)
	}
}

func TestDecode(t *testing.T) {
	o := Object{{"text", []byte(`"a"`)}, {"n", []byte(`7`)}, {"nothing", []byte(`null`)}}
	tests := []struct{ name, want string }{
		{"text", ""},
		{"n", `field "n": 7; want a string`},
		{"nothing", `field "nothing": null; want a string`},
		{"x", `field "x": missing; the fields are "text", "n", "nothing"`},
	}
	for _, test := range tests {
		var text, got string
		if err := o.Decode(test.name, &text, "a string"); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("field %s: got error %q, want %q", test.name, got, test.want)
		}
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	fmt.Fprint(zip, "{}\n")
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"a.jsonl": []byte("{}\n"), "a.jsonl.gz": packed.Bytes(), "cut.gz": packed.Bytes()[:packed.Len()-6], "plain.gz": []byte("{}\n")}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ name, want string }{
		{"a.jsonl", ""},
		{"a.jsonl.gz", ""},
		{"cut.gz", "damaged gzip file"},
		{"plain.gz", "not a gzip file"},
		{"none", "no such file"},
		{"a.parquet", "does not read Parquet files"},
	} {
		count := 0
		file, err := Open(filepath.Join(dir, test.name))
		if err == nil {
			err = Each(file, test.name, func(Object, int) error { count++; return nil })
			err = errors.Join(err, file.(io.Closer).Close())
		}
		switch {
		case test.want == "" && (err != nil || count != 1):
			t.Errorf("%s: got %d objects, error %v; want 1 object", test.name, count, err)
		case test.want != "" && (!usage.Is(err) || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: got %v, want a mistake of the user with %q", test.name, err, test.want)
		}
	}
}

func FuzzParseObject(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a": [1, {"b": null}], "c": "\ud800"}`, `{"a": 1, "a": 2}`, `[`, `{"a"`, ` {"x":1e9} `} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		o, err := ParseObject(line)
		if err != nil {
			if o != nil {
				t.Fatalf("got an object with error %v", err)
			}
			return
		}
		first, err := o.Line()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseObject(first)
		if err != nil {
			t.Fatalf("parse %q: %v", first, err)
		}
		second, err := again.Line()
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("got %q, %v; want %q", second, err, first)
		}
	})
}
