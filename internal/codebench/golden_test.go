package codebench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// golden is a line of the values recorded from bigcode-evaluation-harness 8fc5bae6479c.
type golden struct {
	ID         string             `json:"id"`
	Type       string             `json:"type"`
	Benchmark  Benchmark          `json:"benchmark"`
	TaskID     json.RawMessage    `json:"task_id"`
	Prompt     string             `json:"prompt"`
	Reference  string             `json:"reference"`
	Generation string             `json:"generation"`
	StopWords  []string           `json:"stop_words"`
	Truncated  string             `json:"truncated"`
	N          json.RawMessage    `json:"n"`
	C          json.RawMessage    `json:"c"`
	K          int                `json:"k"`
	Value      float64            `json:"value"`
	Mean       map[string]float64 `json:"mean"`
}

// TestGolden: prompts, tests, ends of generations and pass@k are those of the harness, pass@k within 1e-12.
func TestGolden(t *testing.T) {
	file, err := os.Open(shared(t, "golden-eval/code_bench.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	byID := map[Benchmark]map[string]Task{}
	for b, name := range map[Benchmark]string{HumanEval: "data/humaneval/HumanEval.jsonl.gz", HumanEvalUnstripped: "data/humaneval/HumanEval.jsonl.gz", MBPP: "data/mbpp/mbpp.jsonl"} {
		byID[b] = map[string]Task{}
		for _, task := range tasks(t, b, name) {
			byID[b][task.ID] = task
		}
	}
	count := map[string]int{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var g golden
		if err := json.Unmarshal(lines.Bytes(), &g); err != nil {
			t.Fatal(err)
		}
		count[g.Type]++
		t.Run(g.ID, func(t *testing.T) {
			switch g.Type {
			case "prompt":
				task := byID[g.Benchmark][strings.Trim(string(g.TaskID), `"`)]
				if diff := cmp.Diff([]string{g.Prompt, g.Reference}, []string{task.Prompt, task.Tests}); diff != "" {
					t.Errorf("prompt and tests (-want +got):\n%s", diff)
				}
			case "truncate":
				if !slices.Equal(g.StopWords[:len(g.Benchmark.StopWords())], g.Benchmark.StopWords()) {
					t.Errorf("stop words %q, want %q", g.Benchmark.StopWords(), g.StopWords)
				}
				if got := Truncate(g.Generation, g.StopWords); got != g.Truncated {
					t.Errorf("%q ends as %q, want %q", g.Generation, got, g.Truncated)
				}
			case "pass_at_k":
				var n, c int
				decode(t, g.N, &n)
				decode(t, g.C, &c)
				if got := PassAtK(n, c, g.K); math.Abs(got-g.Value) > 1e-12 {
					t.Errorf("pass@%d of %d in %d: %v, want %v", g.K, c, n, got, g.Value)
				}
			case "pass_at_k_mean":
				var n, c []int
				decode(t, g.N, &n)
				decode(t, g.C, &c)
				got := map[string]float64{}
				for k, mean := range MeanPassAtK(n, c, []int{1, 10, 100}) {
					got[fmt.Sprint(k)] = mean
				}
				if diff := cmp.Diff(g.Mean, got, cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-12 })); diff != "" {
					t.Errorf("means (-want +got):\n%s", diff)
				}
			default:
				t.Errorf("unknown type %q", g.Type)
			}
		})
	}
	for _, kind := range []string{"prompt", "truncate", "pass_at_k", "pass_at_k_mean"} {
		if count[kind] == 0 {
			t.Errorf("no cases of %s", kind)
		}
	}
}

func decode(t *testing.T, text json.RawMessage, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func TestPassAtK(t *testing.T) {
	for _, test := range []struct {
		n, c, k int
		want    float64
	}{
		{4, 1, 1, 1.0 / 4}, {4, 2, 2, 1 - 1.0/6}, {4, 0, 3, 0}, {4, 4, 1, 1}, {4, 2, 3, 1}, {10, 3, 2, 1 - 7.0*6/(10*9)},
	} {
		if got := PassAtK(test.n, test.c, test.k); math.Abs(got-test.want) > 1e-15 {
			t.Errorf("pass@%d of %d in %d: %v, want %v", test.k, test.c, test.n, got, test.want)
		}
	}
	if got := MeanPassAtK([]int{2, 4}, []int{1, 4}, []int{1, 2, 4}); len(got) != 2 || got[1] != 0.75 || got[2] != 1 {
		t.Errorf("means %v, want 0.75 for 1 and 1 for 2", got)
	}
	if got := MeanPassAtK(nil, nil, []int{1}); len(got) != 0 {
		t.Errorf("means of nothing: %v", got)
	}
}

const (
	humanEvalLine = `{"task_id":"H/0","prompt":"def f():\n","entry_point":"f","canonical_solution":"  return 1\n","test":"def check(g):\n  assert g() == 1\n"}`
	mbppLine      = `{"task_id":12,"text":"Add.","code":"def add(a, b):\r\n  return a + b","test_setup_code":"x = 1","test_list":["assert add(1, 2) == 3","assert add(x, 2) == 3"]}`
)

func TestRead(t *testing.T) {
	tests := []struct {
		name  string
		bench Benchmark
		text  string
		want  string // number of tasks, or the error
	}{
		{"lines", HumanEval, humanEvalLine + "\n\n" + humanEvalLine, "2"},
		{"array", MBPP, " [" + mbppLine + "," + mbppLine + "]", "2"},
		{"the other's file", MBPP, humanEvalLine, `in: record 1: json: cannot unmarshal string into Go struct field mbppRecord.task_id of type int`},
		{"no test", MBPP, `{"task_id":1,"text":"x","test_list":[]}`, `in: record 1: field "test_list": missing or empty`},
		{"no entry point", HumanEval, humanEvalLine + `{"task_id":"H/1","prompt":"x","test":"y"}`, `in: record 2: field "entry_point": missing or empty`},
		{"nothing", HumanEval, " \n", "in: no tasks; expected the file of humaneval"},
		{"half a line", HumanEval, humanEvalLine[:40], "in: record 1: unexpected EOF"},
		{"half an array", MBPP, "[" + mbppLine, "in: the array does not end: EOF"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			list, err := test.bench.Read(strings.NewReader(test.text), "in")
			got := fmt.Sprint(len(list))
			if err != nil {
				got = err.Error()
				if !usage.Is(err) {
					t.Errorf("%v is no usage error", err)
				}
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestProgram(t *testing.T) {
	list, err := MBPP.Read(strings.NewReader(mbppLine), "in")
	if err != nil {
		t.Fatal(err)
	}
	p := list[0].Program("def add(a, b): return 3\n")
	if want := "\"\"\"\nAdd.\nassert add(1, 2) == 3\n\"\"\"\ndef add(a, b): return 3\n"; p.Code != want {
		t.Errorf("code %q, want %q", p.Code, want)
	}
	if want := "x = 1\nassert add(1, 2) == 3\nassert add(x, 2) == 3"; p.Tests != want {
		t.Errorf("tests %q, want %q", p.Tests, want)
	}
	for _, name := range []string{"test", "validation"} {
		part, err := Split(list, name)
		if err != nil || (len(part) == 1) != (name == "test") {
			t.Errorf("%s: %v, %v", name, part, err)
		}
	}
	if _, err := Split(list, "dev"); !usage.Is(err) {
		t.Errorf("an unknown part: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(humanEvalLine)
	f.Add(mbppLine)
	f.Add("[" + mbppLine + "]")
	f.Add(" [")
	f.Fuzz(func(t *testing.T, text string) {
		for _, b := range Benchmarks {
			list, err := b.Read(strings.NewReader(text), "in")
			if err != nil && (list != nil || !strings.HasPrefix(err.Error(), "in: ")) {
				t.Errorf("%v with %d tasks", err, len(list))
			}
			for _, task := range list {
				if task.ID == "" || task.Prompt == "" && b == MBPP || task.Tests == "" {
					t.Errorf("a task without ID, prompt or tests: %+v", task)
				}
			}
		}
	})
}
