package data_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/data"
)

var recordSeeds = []string{
	good,
	`{"prompt":[1],"chosen":[2,3],"rejected":[4]}`,
	`{"text":"a\ud800b"}`,
	`{"prompt":"p","completion":"c"}`,
	`{"prompt":"p","chosen":[{"role":"user"}],"rejected":[,]}`,
	`{"prompt":"p","chosen":"c","rejected":"c"}`,
	"[" + good + "]",
	"{\"text\":\"\xff\"}",
	`null`, ``, `[`, `{"a":`, `[1,"2,3"]`,
}

// FuzzParseRecord: a record or an error with its place; what is read is written and read again as it was.
func FuzzParseRecord(f *testing.F) {
	for _, seed := range recordSeeds {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, line []byte, supervised bool) {
		task := data.Preference
		if supervised {
			task = data.Supervised
		}
		rec, err := data.ParseRecord(line, "f:1", task)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f:1: ") || rec.Source != "" {
				t.Fatalf("error %q, record %v", err, rec)
			}
			return
		}
		if supervised {
			return
		}
		var b bytes.Buffer
		if err := data.NewWriter(&b).Write(rec); err != nil {
			t.Fatal(err)
		}
		again, err := data.ParseRecord(b.Bytes(), "f:1", task)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(rec, again, ignoreUnexported); d != "" {
			t.Fatalf("read again (-first +second):\n%s", d)
		}
	})
}

// FuzzReader: any bytes end, in at least one record or error.
func FuzzReader(f *testing.F) {
	for _, seed := range recordSeeds {
		f.Add([]byte(seed+"\n"+good), uint8(0))
		f.Add([]byte("["+seed+","+good+"]"), uint8(1))
		f.Add([]byte(zipBytes(seed)), uint8(2))
		f.Add([]byte(zipBytes("["+seed+"]")), uint8(3))
	}
	f.Fuzz(func(t *testing.T, content []byte, kind uint8) {
		name := []string{"f.jsonl", "f.json", "f.jsonl.gz", "f.json.gz"}[kind%4]
		if len(content) > 2 && content[0] == 0x1f && len(content) > 1<<12 {
			t.Skip("a bomb: large only once decompressed")
		}
		sources, problems := readAll(t, name, bytes.NewReader(content))
		if len(sources)+len(problems) == 0 {
			t.Fatal("neither a record nor an error")
		}
		for _, source := range sources {
			if !strings.HasPrefix(source, name+":") {
				t.Fatalf("source %q", source)
			}
		}
	})
}
