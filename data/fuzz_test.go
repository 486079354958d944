package data_test

import (
	"bytes"
	"slices"
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
	`{"chosen":"\n\nHuman: a\n\nAssistant: b","rejected":"\n\nHuman: a\n\nAssistant: c"}`,
	`{"chosen":"The film is good","rejected":"The film is bad"}`,
	`{"chosen":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}],"rejected":[{"role":"user","content":"a"},{"role":"assistant","content":"c"}]}`,
	`{"conversations":[{"from":"human","value":"a"}],"chosen":{"from":"gpt","value":"b"},"rejected":{"from":"gpt","value":"c"}}`,
	`{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"assistant","content":"b"}]}`,
	`{"question":"a","answers":[{"text":"b","votes":1},{"text":"c","votes":null}]}`,
	`{"prompt":"a","text":"b","reward":1.5}`,
	`{"a":{"responses":["b","c"],"rewards":[1,2]}}`,
	`{"text":"a","code":"b","test_list":["c"]}`,
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
		for i, a := range rec.Answers { // votes of 0 and below are written as none
			if rec.Voted {
				rec.Answers[i].Score = max(0, a.Score)
			}
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

// FuzzPlan: whatever the lengths, an epoch has every pair once and unharmed, in few shapes of the plan's, the same from any
// step on.
func FuzzPlan(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9}, uint8(2), uint8(1), false)
	f.Add([]byte{200, 1, 1, 90, 90, 90, 3, 200, 17, 1, 1, 1, 40, 60, 80}, uint8(3), uint8(2), false)
	f.Add([]byte{7, 7, 7, 30, 60, 90, 2, 2, 2, 9, 9, 9}, uint8(8), uint8(1), true)
	f.Fuzz(func(t *testing.T, lengths []byte, batch, accumulation uint8, anyOrder bool) {
		var pairs []data.TokenPair
		for i := 0; i+3 <= len(lengths) && i < 120; i += 3 {
			p := data.TokenPair{Prompt: make([]int32, 1+int(lengths[i])), Chosen: make([]int32, 1+int(lengths[i+1])), Rejected: make([]int32, 1+int(lengths[i+2]))}
			for _, part := range [][]int32{p.Prompt, p.Chosen, p.Rejected} {
				part[0] = int32(i)
			}
			if len(lengths)%2 == 1 { // supervised examples, of which some are conversations
				p.Rejected = nil
				if i%2 == 1 && len(p.Chosen) > 2 {
					p.Given = []data.Span{{First: 1, End: len(p.Chosen) - 1}}
				}
			}
			pairs = append(pairs, p)
		}
		if len(pairs) == 0 {
			return
		}
		set := setOf(t, pairs...)
		options := data.PlanOptions{BatchSize: 1 + int(batch%12), Accumulation: 1 + int(accumulation%4), Seed: 3, AnyOrder: anyOrder}
		plan, err := data.NewPlan(set, options)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(plan.Shapes()); n > data.DefaultShapes+1 {
			t.Fatalf("%d shapes", n)
		}
		var seen []int
		for step, err := range plan.EpochSteps(1) {
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, checkStep(t, set, step)...)
			checkShapes(t, plan, step)
			if step.Number%2 == 0 {
				checkAgain(t, set, options, step)
			}
		}
		if slices.Sort(seen); !slices.Equal(seen, indices(set.Len())) {
			t.Fatalf("an epoch of %d pairs has %v", set.Len(), seen)
		}
	})
}

func indices(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// checkShapes checks that every batch has the first of the plan's shapes that holds it.
func checkShapes(t *testing.T, plan *data.Plan, step data.Step) {
	t.Helper()
	for _, b := range step.Batches {
		pairs := b.Unpack()
		shapes := plan.Shapes()
		i := slices.IndexFunc(shapes, func(s data.Shape) bool { return s.Holds(pairs) })
		if i < 0 {
			t.Fatalf("no shape of %v holds a batch of step %d", shapes, step.Number)
		}
		if s := shapes[i]; b.Rows != s.Rows || b.Seq != s.Seq || b.Responses != s.Responses || b.Pairs != s.Slots {
			t.Errorf("step %d: a batch is %dx%d, want %v", step.Number, b.Rows, b.Seq, s)
		}
	}
}

// checkAgain checks that another plan has the same step.
func checkAgain(t *testing.T, set *data.Set, options data.PlanOptions, want data.Step) {
	t.Helper()
	plan, err := data.NewPlan(set, options)
	if err != nil {
		t.Fatal(err)
	}
	got, err := plan.Step(want.Number)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("step %d of another plan (-want +got):\n%s", want.Number, d)
	}
}
