package data_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/data"
)

func user(text string) data.Message      { return data.Message{Role: "user", Content: text} }
func assistant(text string) data.Message { return data.Message{Role: "assistant", Content: text} }

func TestRecordFormats(t *testing.T) {
	text := data.TextContent
	chat := func(m ...data.Message) data.Content { return data.MessagesContent(m) }
	const hi, tag = `\n\nHuman: hi`, `\n\nAssistant:`
	for _, c := range []struct {
		name string
		task data.Task
		line string
		want data.Record
	}{
		{
			"transcript", data.Preference, `{"chosen":"` + hi + tag + ` a\n\nb","rejected":"` + hi + tag + ` c"}`,
			data.Record{Prompt: text("\n\nHuman: hi\n\nAssistant:"), Chosen: text(" a\n\nb"), Rejected: text(" c")},
		},
		{
			"transcript that differs earlier", data.Preference,
			`{"chosen":"` + hi + tag + ` a` + hi + tag + ` b","rejected":"` + hi + tag + ` c` + hi + tag + ` d"}`,
			data.Record{
				Prompt: text("\n\nHuman: hi\n\nAssistant:"), Chosen: text(" a\n\nHuman: hi\n\nAssistant: b"), Rejected: text(" c\n\nHuman: hi\n\nAssistant: d"),
			},
		},
		{
			"transcripts of different length", data.Preference, `{"chosen":"` + hi + tag + ` a","rejected":"` + hi + tag + ` a` + hi + tag + ` d"}`,
			data.Record{Prompt: text("\n\nHuman: hi\n\nAssistant:"), Chosen: text(" a"), Rejected: text(" a\n\nHuman: hi\n\nAssistant: d")},
		},
		{
			"transcript for SFT", data.Supervised, `{"chosen":"` + hi + tag + ` a` + hi + tag + ` b"}`,
			data.Record{Prompt: text("\n\nHuman: hi\n\nAssistant: a\n\nHuman: hi\n\nAssistant:"), Chosen: text(" b")},
		},
		{
			"whole words", data.Preference, `{"chosen":"The film is good.","rejected":"The film is going."}`,
			data.Record{Prompt: text("The film is"), Chosen: text(" good."), Rejected: text(" going.")},
		},
		{
			"a word more", data.Preference, `{"chosen":"The film is","rejected":"The film was"}`,
			data.Record{Prompt: text("The film"), Chosen: text(" is"), Rejected: text(" was")},
		},
		{
			"message lists", data.Preference,
			`{"prompt":"hi","chosen":[{"role":"user","content":"hi"},{"role":"assistant","content":"a"}],"rejected":[{"role":"user","content":"hi"},{"role":"assistant","content":"b"}]}`,
			data.Record{Prompt: chat(user("hi")), Chosen: chat(assistant("a")), Rejected: chat(assistant("b"))},
		},
		{
			"message lists that differ in the middle", data.Preference,
			`{"chosen":[{"role":"user","content":"hi"},{"role":"assistant","content":"a"},{"role":"user","content":"x"},{"role":"assistant","content":"y"}],` +
				`"rejected":[{"role":"user","content":"hi"},{"role":"assistant","content":"a"},{"role":"user","content":"z"},{"role":"assistant","content":"y"}]}`,
			data.Record{
				Prompt: chat(user("hi")), Chosen: chat(assistant("a"), user("x"), assistant("y")), Rejected: chat(assistant("a"), user("z"), assistant("y")),
			},
		},
		{
			"prompt beside answers", data.Preference, `{"prompt":"hi","chosen":[{"role":"assistant","content":"a"}],"rejected":[{"role":"assistant","content":"b"}]}`,
			data.Record{Prompt: chat(user("hi")), Chosen: chat(assistant("a")), Rejected: chat(assistant("b"))},
		},
		{
			"prompt of messages", data.Preference, `{"prompt":[{"role":"system","content":"s"},{"role":"user","content":"hi"}],"chosen":"a","rejected":{"role":"assistant","content":"b"}}`,
			data.Record{Prompt: chat(data.Message{Role: "system", Content: "s"}, user("hi")), Chosen: chat(assistant("a")), Rejected: chat(assistant("b"))},
		},
		{
			"parts of text", data.Supervised, `{"messages":[{"role":"user","content":[{"type":"text","text":"h"},{"type":"text","text":"i"}]},{"role":"assistant","content":"a"}]}`,
			data.Record{Prompt: chat(user("hi")), Chosen: chat(assistant("a"))},
		},
		{
			"chosen conversation for SFT", data.Supervised, `{"chosen":[{"role":"user","content":"hi"},{"role":"assistant","content":"a"}],"rejected":[]}`,
			data.Record{Prompt: chat(user("hi")), Chosen: chat(assistant("a"))},
		},
		{
			"conversations", data.Preference,
			`{"conversations":[{"from":"system","value":"s"},{"from":"human","value":"hi"}],"chosen":{"from":"gpt","value":"a"},"rejected":{"from":"gpt","value":"b"}}`,
			data.Record{Prompt: chat(data.Message{Role: "system", Content: "s"}, user("hi")), Chosen: chat(assistant("a")), Rejected: chat(assistant("b"))},
		},
		{
			"conversations for SFT", data.Supervised, `{"conversations":[{"from":"human","value":"hi"},{"from":"gpt","value":"a"}]}`,
			data.Record{Prompt: chat(user("hi")), Chosen: chat(assistant("a"))},
		},
		{
			"votes", data.Preference, `{"task_id":3,"question":"q","answers":[{"text":"a","votes":1.0},{"text":"b","votes":null},{"text":"","votes":1}]}`,
			data.Record{Prompt: text("q"), Voted: true, Answers: []data.Answer{{Text: "a", Score: 1}, {Text: "b"}}},
		},
		{
			"rating", data.Preference, `{"prompt":"p","text":"t","reward":-0.5}`,
			data.Record{Prompt: text("p"), Answers: []data.Answer{{Text: "t", Score: -0.5}}},
		},
		{"rating for SFT", data.Supervised, `{"prompt":"p","text":"t","reward":-0.5}`, data.Record{Prompt: text("p"), Chosen: text("t")}},
		{"prompt and text", data.Supervised, `{"prompt":"p","text":"t"}`, data.Record{Prompt: text("p"), Chosen: text("t")}},
		{
			"MBPP", data.Supervised, `{"task_id":1,"text":"Add.","code":"def f():\r\n  pass","test_list":["assert f()","assert 1"]}`,
			data.Record{Prompt: text("\"\"\"\nAdd.\nassert f()\n\"\"\"\n"), Chosen: text("def f():\n  pass")},
		},
		{
			"HumanEval", data.Supervised, `{"prompt":"def f():\n","canonical_solution":"  pass\n","test":"x"}`,
			data.Record{Prompt: text("def f():\n"), Chosen: text("  pass\n")},
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

// TestPosts reads a file that is one object.
func TestPosts(t *testing.T) {
	path := writeFile(t, "posts.json", `{"a": {"rewards": [1, 5, 5, 3], "responses": [" b", " c", " d", ""]}, "e": {"responses": ["f"], "rewards": [1]},
		"g": {"responses": ["h h h", "i"], "rewards": [2, 1]}}`)
	for _, c := range []struct {
		rated data.RatedPairs
		words int
		want  []data.TokenPair
	}{
		{data.BestWorst, 0, []data.TokenPair{
			{Source: path + ":1", Prompt: ascii("a\n\nTL;DR:"), Chosen: ids(' ', 'c', end), Rejected: ids(' ', 'b', end)},
			{Source: path + ":3", Prompt: ascii("g\n\nTL;DR:"), Chosen: append(ascii("h h h"), end), Rejected: ids('i', end)},
		}},
		{data.AllPairs, 2, []data.TokenPair{
			{Source: path + ":1", Prompt: ascii("a\n\nTL;DR:"), Chosen: ids(' ', 'c', end), Rejected: ids(' ', 'b', end)},
			{Source: path + ":1", Prompt: ascii("a\n\nTL;DR:"), Chosen: ids(' ', 'd', end), Rejected: ids(' ', 'b', end)},
		}},
		{data.FirstTwo, 0, []data.TokenPair{
			{Source: path + ":1", Prompt: ascii("a\n\nTL;DR:"), Chosen: ids(' ', 'c', end), Rejected: ids(' ', 'b', end)},
			{Source: path + ":3", Prompt: ascii("g\n\nTL;DR:"), Chosen: append(ascii("h h h"), end), Rejected: ids('i', end)},
		}},
	} {
		set, report, err := data.Load(t.Context(), path, data.LoadOptions{Tokenizer: letters{}, VocabSize: vocab, RatedPairs: c.rated, MaxResponseWords: c.words})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want, all(t, set)); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.rated, d)
		}
		if report.Read != 3 || report.Dropped[data.DropNoPair] != 3-len(sources(c.want)) || report.RatedPrompts != 3 {
			t.Errorf("%s: %v", c.rated, report)
		}
	}
}

func ascii(text string) []int32 { return letters{}.Encode(text) }

func sources(pairs []data.TokenPair) map[string]bool {
	set := map[string]bool{}
	for _, p := range pairs {
		set[p.Source] = true
	}
	return set
}

// TestRatedLines: lines of one prompt that follow each other are paired.
func TestRatedLines(t *testing.T) {
	path := writeFile(t, "a.jsonl", `{"prompt":"a","text":"b","reward":1}
{"prompt":"a","text":"c","reward":2}
{"prompt":"a","text":"d","reward":0}
{"prompt":"e","text":"f","reward":0}
{"prompt":"a","text":"g","reward":0}
{"prompt":"a","text":"h","reward":0}`)
	set, report, err := data.Load(t.Context(), path, data.LoadOptions{Tokenizer: letters{}, VocabSize: vocab})
	if err != nil {
		t.Fatal(err)
	}
	want := []data.TokenPair{{Source: path + ":1", Prompt: ids('a'), Chosen: ids('c', end), Rejected: ids('d', end)}}
	if d := cmp.Diff(want, all(t, set)); d != "" {
		t.Errorf("pairs (-want +got):\n%s", d)
	}
	if report.Read != 6 || report.Kept != 1 || report.RatedPrompts != 3 || report.Dropped[data.DropNoPair] != 2 {
		t.Errorf("report %+v", report)
	}
}
