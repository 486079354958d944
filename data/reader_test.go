package data_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/usage"
)

const good = `{"prompt":"p","chosen":"c","rejected":"r"}`

var ignoreUnexported = cmpopts.IgnoreUnexported(data.Record{})

func TestParseRecord(t *testing.T) {
	ids := data.IDContent
	text := data.TextContent
	for _, c := range []struct {
		name string
		task data.Task
		line string
		want data.Record
	}{
		{
			"text", data.Preference, ` {"prompt":"p","chosen":"c<","rejected":"r\u00e9"} `,
			data.Record{Prompt: text("p"), Chosen: text("c<"), Rejected: text("ré")},
		},
		{
			"unknown fields", data.Preference, `{"prompt":"p","chosen":"c","rejected":"r","score":[{}],"Chosen":3,"":null}`,
			data.Record{Prompt: text("p"), Chosen: text("c"), Rejected: text("r")},
		},
		{
			"ids", data.Preference, `{"prompt":[ 1 , 2],"chosen":[0],"rejected":[2147483647]}`,
			data.Record{Prompt: ids([]int32{1, 2}), Chosen: ids([]int32{0}), Rejected: ids([]int32{1<<31 - 1})},
		},
		{
			"empty prompt text", data.Preference, `{"prompt":"","chosen":"c","rejected":"r"}`,
			data.Record{Prompt: text(""), Chosen: text("c"), Rejected: text("r")},
		},
		{"running text", data.Supervised, `{"text":"t","label":1}`, data.Record{Chosen: text("t")}},
		{"running ids", data.Supervised, `{"text":[3,4]}`, data.Record{Chosen: ids([]int32{3, 4})}},
		{"completion", data.Supervised, `{"prompt":"p","completion":"c"}`, data.Record{Prompt: text("p"), Chosen: text("c")}},
		{
			"completion beside others", data.Supervised, `{"prompt":"p","completion":"c","text":"t","chosen":"x"}`,
			data.Record{Prompt: text("p"), Chosen: text("c")},
		},
		{"nulls of a table", data.Supervised, `{"prompt":null,"completion":null,"text":"t"}`, data.Record{Chosen: text("t")}},
		{"preference for SFT", data.Supervised, good, data.Record{Prompt: text("p"), Chosen: text("c")}},
		{
			"identical sides for SFT", data.Supervised, `{"prompt":"p","chosen":"c","rejected":"c"}`,
			data.Record{Prompt: text("p"), Chosen: text("c")},
		},
	} {
		c.want.Source = "f:1"
		got, err := data.ParseRecord([]byte(c.line), "f:1", c.task)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if d := cmp.Diff(c.want, got, ignoreUnexported); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

func TestParseRecordRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		task   data.Task
		line   string
		reason data.Reason
		want   string // what the message holds
	}{
		{"not JSON", data.Preference, `{"prompt":`, data.ReasonJSON, "f:1: invalid JSON at byte 10"},
		{"blank", data.Preference, ` `, data.ReasonJSON, "invalid JSON"},
		{"two objects", data.Preference, `{} {}`, data.ReasonJSON, "whole JSON object"},
		{"array", data.Preference, `[{}]`, data.ReasonType, "found an array where a record should be; a file that is one JSON array must be named .json"},
		{"null", data.Preference, `null`, data.ReasonType, "found null"},
		{"number", data.Preference, `7`, data.ReasonType, "found a number"},
		{"string", data.Preference, `"x"`, data.ReasonType, "found a string"},
		{"not UTF-8", data.Preference, "{\"prompt\":\"\xff\"}", data.ReasonUTF8, "byte 12 is not valid UTF-8"},
		{"empty record", data.Preference, `{}`, data.ReasonMissing, `f:1: field "prompt": missing: the record is empty; every preference record needs "prompt", "chosen" and "rejected"`},
		{"no response", data.Preference, `{"prompt":"p","rejected":"r"}`, data.ReasonMissing, `field "chosen": missing: the record has only "prompt", "rejected"`},
		{"null response", data.Preference, `{"prompt":"p","chosen":null,"rejected":"r"}`, data.ReasonMissing, `field "chosen": missing`},
		{"misspelt", data.Preference, `{"prompt":"p","chosen":"c","rejcted":"r"}`, data.ReasonMissing, `did you mean "rejected" for "rejcted"?`},
		{"other case", data.Preference, `{"prompt":"p","Chosen":"c","rejected":"r"}`, data.ReasonMissing, `did you mean "chosen" for "Chosen"?`},
		{"nothing shared", data.Preference, `{"chosen":"c d","rejected":"r d"}`, data.ReasonNoPrompt, `field "prompt": missing, and "chosen" and "rejected" share no beginning`},
		{"empty chosen", data.Preference, `{"prompt":"p","chosen":"","rejected":"r"}`, data.ReasonEmpty, `field "chosen": empty`},
		{"empty rejected ids", data.Preference, `{"prompt":[1],"chosen":[1],"rejected":[]}`, data.ReasonEmpty, `field "rejected": empty`},
		{"empty prompt ids", data.Preference, `{"prompt":[],"chosen":[1],"rejected":[2]}`, data.ReasonEmpty, `field "prompt": no ids`},
		{"identical", data.Preference, `{"prompt":"p","chosen":"c","rejected":"c"}`, data.ReasonIdentical, `field "rejected": the same as "chosen"`},
		{"identical ids", data.Preference, `{"prompt":[1],"chosen":[2,3],"rejected":[2,3]}`, data.ReasonIdentical, "prefers nothing"},
		{"mixed forms", data.Preference, `{"prompt":"p","chosen":[1],"rejected":[2]}`, data.ReasonType, `field "prompt": is text, but "chosen" is a list of token ids`},
		{"mixed sides", data.Preference, `{"prompt":"p","chosen":"c","rejected":[2]}`, data.ReasonType, `field "rejected": is a list of token ids`},
		{"number as prompt", data.Preference, `{"prompt":3,"chosen":"c","rejected":"r"}`, data.ReasonType, `field "prompt": found a number; give a string, chat messages or a list of token ids`},
		{"object as chosen", data.Preference, `{"prompt":"p","chosen":{"from":"gpt"},"rejected":"r"}`, data.ReasonMessages, `field "chosen": message 0: no "value"`},
		{"true as rejected", data.Preference, `{"prompt":"p","chosen":"c","rejected":true}`, data.ReasonType, "found true or false"},
		{"role", data.Preference, `{"prompt":"p","chosen":[{"role":"critic","content":"c"}],"rejected":"r"}`, data.ReasonMessages, `field "chosen": message 0: unknown role "critic"; known: system`},
		{"no role", data.Preference, `{"prompt":"p","chosen":"c","rejected":[{"content":"c"}]}`, data.ReasonMessages, "message 0: no role"},
		{"picture", data.Supervised, `{"messages":[{"role":"user","content":[{"type":"image"}]},{"role":"assistant","content":"a"}]}`, data.ReasonMessages, `message 0: "content" is an array; give a string, or a list of parts`},
		{"no turns shared", data.Preference, `{"chosen":[{"role":"user","content":"a"},{"role":"assistant","content":"c"}],"rejected":[{"role":"user","content":"b"},{"role":"assistant","content":"c"}]}`, data.ReasonNoPrompt, "no shared turns"},
		{"user answers", data.Preference, `{"prompt":[{"role":"user","content":"a"}],"chosen":[{"role":"user","content":"c"}],"rejected":"r"}`, data.ReasonMessages, `field "chosen": the response begins with a turn of the user`},
		{"user ends", data.Supervised, `{"messages":[{"role":"user","content":"a"}]}`, data.ReasonMessages, "the last turn is the user's"},
		{"assistant alone", data.Supervised, `{"messages":[{"role":"assistant","content":"a"}]}`, data.ReasonMessages, "nothing stands before"},
		{"identical transcripts", data.Preference, `{"chosen":"\n\nHuman: a\n\nAssistant: b","rejected":"\n\nHuman: a\n\nAssistant: b"}`, data.ReasonIdentical, "prefers nothing"},
		{"empty turn", data.Preference, `{"chosen":"\n\nHuman: a\n\nAssistant: b","rejected":"\n\nHuman: a\n\nAssistant: "}`, data.ReasonEmpty, `field "rejected": empty after the shared prompt`},
		{"transcripts of two questions", data.Preference, `{"chosen":"\n\nHuman: a\n\nAssistant: b","rejected":"\n\nHuman: b\n\nAssistant: "}`, data.ReasonNoPrompt, "share no beginning"},
		{"reward", data.Preference, `{"prompt":"p","text":"t","reward":"high"}`, data.ReasonType, `field "reward": found a string; give a number`},
		{"answers", data.Preference, `{"question":"p","answers":["a"]}`, data.ReasonType, `field "answers": found an array`},
		{"answer without text", data.Preference, `{"question":"p","answers":[{"votes":1}]}`, data.ReasonMissing, `answer 0 has no "text"`},
		{"answers without texts", data.Preference, `{"question":"p","answers":[{"text":""}]}`, data.ReasonEmpty, "no answer has a text"},
		{"conversation of text", data.Preference, `{"conversations":"a","chosen":"b","rejected":"c"}`, data.ReasonType, `field "conversations": is text`},
		{"tests", data.Supervised, `{"text":"a","code":"b","test_list":[]}`, data.ReasonType, `field "test_list"`},
		{"negative id", data.Preference, `{"prompt":[1],"chosen":[5,-1],"rejected":[2]}`, data.ReasonType, `field "chosen": element 1 is -1; token ids are whole numbers from 0 to 2147483647`},
		{"large id", data.Preference, `{"prompt":[2147483648],"chosen":[5],"rejected":[2]}`, data.ReasonType, "element 0 is 2147483648"},
		{"fraction", data.Preference, `{"prompt":[1.5],"chosen":[5],"rejected":[2]}`, data.ReasonType, "element 0 is 1.5"},
		{"null id", data.Preference, `{"prompt":[1,null],"chosen":[5],"rejected":[2]}`, data.ReasonType, "element 1 is null"},
		{"string among ids", data.Preference, `{"prompt":[1,"2,3"],"chosen":[5],"rejected":[2]}`, data.ReasonType, "element 1 is \"2"},
		{"nested ids", data.Preference, `{"prompt":[[1]],"chosen":[5],"rejected":[2]}`, data.ReasonType, "element 0 is [1]"},
		{"SFT without anything", data.Supervised, `{"label":1}`, data.ReasonMissing, `field "text": missing: the record has only "label"; every supervised record needs "text", or "prompt" and "completion"`},
		{"SFT prompt alone", data.Supervised, `{"prompt":"p"}`, data.ReasonMissing, `field "text": missing`},
		{"SFT completion alone", data.Supervised, `{"completion":"c"}`, data.ReasonMissing, `field "prompt": missing`},
		{"SFT empty text", data.Supervised, `{"text":""}`, data.ReasonEmpty, `field "text": empty`},
		{"SFT empty completion", data.Supervised, `{"prompt":"p","completion":""}`, data.ReasonEmpty, `field "completion": empty`},
		{"SFT messages", data.Supervised, `{"messages":[]}`, data.ReasonEmpty, `field "messages"`},
	} {
		got, err := data.ParseRecord([]byte(c.line), "f:1", c.task)
		var bad *data.BadRecord
		if !errors.As(err, &bad) {
			t.Errorf("%s: error %v is no BadRecord", c.name, err)
			continue
		}
		if bad.Reason != c.reason || !usage.Is(err) {
			t.Errorf("%s: reason %q, usage %v; want %q, true", c.name, bad.Reason, usage.Is(err), c.reason)
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: message %q lacks %q", c.name, err, c.want)
		}
		if d := cmp.Diff(data.Record{}, got, ignoreUnexported); d != "" {
			t.Errorf("%s: a record beside the error", c.name)
		}
	}
}

// zipBytes compresses in memory, where nothing can fail.
func zipBytes(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	if err := errors.Join(err, w.Close()); err != nil {
		panic(err)
	}
	return b.String()
}

// readAll gives the sources of the records read, and the errors met.
func readAll(t *testing.T, name string, input io.Reader) (sources []string, problems []error) {
	t.Helper()
	reader, err := data.NewReader(input, name, data.Preference)
	if err != nil {
		return nil, []error{err}
	}
	for rec, err := range reader.Records() {
		if err != nil {
			problems = append(problems, err)
			continue
		}
		sources = append(sources, rec.Source)
	}
	return sources, problems
}

func TestReader(t *testing.T) {
	long := strings.Repeat("x", 100_000) // longer than a read buffer
	for _, c := range []struct {
		name, file, content string
		want                []string // "file:line" or, after "! ", a part of an error
	}{
		{"lines", "a.jsonl", good + "\n" + good + "\n", []string{"a.jsonl:1", "a.jsonl:2"}},
		{"no last line end", "a.jsonl", good + "\r\n\n  \n" + good, []string{"a.jsonl:1", "a.jsonl:4"}},
		{"byte order mark", "a.jsonl", "\ufeff" + good, []string{"a.jsonl:1"}},
		{"compressed", "a.jsonl.gz", zipBytes(good + "\n" + good), []string{"a.jsonl.gz:1", "a.jsonl.gz:2"}},
		{"compressed in parts", "a.jsonl.gz", zipBytes(good+"\n") + zipBytes(good), []string{"a.jsonl.gz:1", "a.jsonl.gz:2"}},
		{"compressed without the name", "a.jsonl", zipBytes(good), []string{"a.jsonl:1"}},
		{"long line", "a.jsonl", `{"prompt":"` + long + `","chosen":"c","rejected":"r"}` + "\n" + good, []string{"a.jsonl:1", "a.jsonl:2"}},
		{"bad line between", "a.jsonl", good + "\n{\n" + good, []string{"a.jsonl:1", "! a.jsonl:2: invalid JSON", "a.jsonl:3"}},
		{"array", "a.json", "[\n" + good + ",\n\n" + good + "]\n", []string{"a.json:2", "a.json:4"}},
		{"array on one line", "a.json", "[" + good + "," + good + "]", []string{"a.json:1", "a.json:1"}},
		{"array over lines", "a.json", "\n\n[{\"prompt\":\n\"p\",\"chosen\":\"c\",\n\"rejected\":\"r\"},\n" + good + "]", []string{"a.json:3", "a.json:6"}},
		{"array with a bad element", "a.json", "[" + good + ",\n3,\n" + good + "]", []string{"a.json:1", "! a.json:2: found a number", "a.json:3"}},
		{"compressed array", "a.json.gz", zipBytes("[" + good + "]"), []string{"a.json.gz:1"}},
		{"lines named .json", "a.json", good + "\n" + good + "\n", []string{"a.json:1", "a.json:2"}},
		{"empty", "a.jsonl", "", []string{"! a.jsonl: no records; every preference record needs"}},
		{"blank", "a.jsonl", "\n \n", []string{"! a.jsonl: no records"}},
		{"empty .gz", "a.jsonl.gz", "", []string{"! a.jsonl.gz: no records"}},
		{"empty, compressed", "a.jsonl.gz", zipBytes(""), []string{"! a.jsonl.gz: no records"}},
		{"empty array", "a.json", "[ ]", []string{"! a.json: no records"}},
		{"empty .json", "a.json", " ", []string{"! a.json: no records"}},
		{"array cut", "a.json", "[" + good + ",\n{\"prompt\":", []string{"a.json:1", "! a.json:2: the JSON ends early"}},
		{"array without end", "a.json", "[" + good + "\n", []string{"a.json:1", "! a.json:2: the JSON ends early"}},
		{"object cut", "a.json", "{\n\"prompt\":", []string{"! a.json:2: the JSON ends early"}},
		{"array without comma", "a.json", "[" + good + "\n" + good + "]", []string{"a.json:1", "! a.json:2: invalid JSON"}},
		{"after the array", "a.json", "[" + good + "]\n" + good, []string{"a.json:1", "! something follows the array"}},
		{"array as lines", "a.jsonl", "[" + good + "]", []string{"! must be named .json"}},
		{"not compressed", "a.jsonl.gz", good, []string{"! no gzip data despite the name"}},
		{"compressed, cut", "a.jsonl.gz", zipBytes(good + "\n")[:40], []string{"! the gzip data ends early"}},
		{"compressed array, cut", "a.json.gz", zipBytes("[" + good)[:40], []string{"! the gzip data ends early"}},
		{"only the magic", "a.jsonl.gz", "\x1f\x8b", []string{"! a.jsonl.gz:1: the gzip data ends early"}},
	} {
		var got []string
		reader, err := data.NewReader(strings.NewReader(c.content), c.file, data.Preference)
		if err != nil {
			got = append(got, "! "+err.Error())
		} else {
			for rec, err := range reader.Records() {
				if err != nil {
					if !usage.Is(err) {
						t.Errorf("%s: %v is not marked as the user's mistake", c.name, err)
					}
					got = append(got, "! "+err.Error())
					continue
				}
				got = append(got, rec.Source)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] && !(strings.HasPrefix(c.want[i], "! ") && strings.Contains(got[i], c.want[i][2:])) {
				t.Errorf("%s: got %q, want %q", c.name, got[i], c.want[i])
			}
		}
	}
}

func TestReaderOverlong(t *testing.T) {
	chunk := `{"prompt":"` + strings.Repeat("x", 1<<20)
	input := io.MultiReader(strings.NewReader(good+"\n"), strings.NewReader(strings.Repeat(chunk, 65)+"\n"), strings.NewReader(good))
	sources, problems := readAll(t, "a.jsonl", input)
	if d := cmp.Diff([]string{"a.jsonl:1", "a.jsonl:3"}, sources); d != "" {
		t.Errorf("records (-want +got):\n%s", d)
	}
	var bad *data.BadRecord
	if len(problems) != 1 || !errors.As(problems[0], &bad) || bad.Reason != data.ReasonOverlong || bad.Source != "a.jsonl:2" {
		t.Errorf("problems %v, want one overlong line 2", problems)
	}
	_, problems = readAll(t, "a.json", strings.NewReader("["+good+",\n"+`"`+strings.Repeat("x", 65<<20)))
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "a.json:1: the record after this place is longer than 64 MiB") || errors.As(problems[0], &bad) {
		t.Errorf("problems %.200v, want one too long record that ends reading", problems)
	}
}

// TestReaderFailure: a read that fails for the machine's reasons is not the user's mistake.
func TestReaderFailure(t *testing.T) {
	cause := errors.New("disk on fire")
	for _, name := range []string{"a.jsonl", "a.json"} {
		_, problems := readAll(t, name, io.MultiReader(strings.NewReader(good+"\n"), iotest.ErrReader(cause)))
		if len(problems) != 1 || !errors.Is(problems[0], cause) || usage.Is(problems[0]) {
			t.Errorf("%s: problems %v, want the cause alone, not marked", name, problems)
		}
	}
	if _, err := data.NewReader(iotest.ErrReader(cause), "a.jsonl", data.Preference); !errors.Is(err, cause) {
		t.Errorf("NewReader: %v, want the cause", err)
	}
}

func TestReaderStops(t *testing.T) {
	for name, content := range map[string]string{"a.jsonl": good + "\n" + good + "\n{", "a.json": "[" + good + "," + good + ", 1"} {
		reader, err := data.NewReader(strings.NewReader(content), name, data.Preference)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for range reader.Records() {
			n++
			break
		}
		if n != 1 {
			t.Errorf("%s: %d records after a break, want 1", name, n)
		}
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct{ name, path, want string }{
		{"missing", filepath.Join(dir, "none.jsonl"), "no such file"},
		{"folder", dir, "is a folder"},
		{"parquet", write("a.parquet", "PAR1"), "not a readable Parquet file"},
		{"table", write("a.csv", "x"), "unknown kind of data file; known: .jsonl"},
		{"no kind", write("a", "x"), "unknown kind"},
		{"not gzip", write("a.jsonl.gz", good), "no gzip data"},
	} {
		reader, err := data.Open(c.path, data.Preference)
		if err == nil || reader != nil || !usage.Is(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: reader %v, error %v; want a usage error with %q", c.name, reader, err, c.want)
		}
	}
	reader, err := data.Open(write("a.jsonl", good), data.Preference)
	if err != nil {
		t.Fatal(err)
	}
	for rec, err := range reader.Records() {
		if err != nil || !strings.HasSuffix(rec.Source, "a.jsonl:1") {
			t.Errorf("record %v, error %v", rec.Source, err)
		}
	}
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
}
