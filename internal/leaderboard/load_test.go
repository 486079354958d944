package leaderboard

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/usage"
)

func write(t *testing.T, folder, name, text string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLoadData: the files at hand give as many items as they have questions with an answer.
func TestLoadData(t *testing.T) {
	cases := []struct {
		family                     Family
		tasks, items, unanswerable int
		note                       bool
	}{
		{family: BBH, tasks: 24, items: 5761 - 3, unanswerable: 3}, // 6,511 without three tasks of 250
		{family: MATH, tasks: 7, items: 1324, note: true},
		{family: MuSR, tasks: 3, items: 30},
		{family: MMLUPro, tasks: 1, items: 12032 - 5, note: true},
		{family: IFEval, tasks: 1, items: 541},
	}
	for _, c := range cases {
		t.Run(string(c.family), func(t *testing.T) {
			tasks, err := Load(t.Context(), c.family, Source{Name: golden.Shared(t, "data")}, nil)
			if err != nil {
				t.Fatal(err)
			}
			items, unanswerable, note := 0, 0, false
			for _, task := range tasks {
				items += len(task.Items)
				unanswerable += task.Unanswerable
				note = note || task.Note != ""
			}
			if len(tasks) != c.tasks || items != c.items || unanswerable != c.unanswerable || note != c.note {
				t.Errorf("got %d tasks, %d items, %d unanswerable, note %v; want %+v", len(tasks), items, unanswerable, note, c)
			}
		})
	}
}

// TestLoadForms: the other forms that documents come in.
func TestLoadForms(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "gpqa_main.csv", "\ufeffQuestion,Correct Answer,Incorrect Answer 1,Incorrect Answer 2,Incorrect Answer 3\n\"Why, or\nwhy not?\",yes,no,perhaps,never\n")
	write(t, folder, "murder_mysteries.csv", "narrative,question,choices,answer_index\nA story.,Who?,\"['Ann', \"\"O'Neil\"\"]\",1\n")
	write(t, folder, "mmlu_pro/test.json", `[{"question":"1+1?","options":["1","2"],"answer":"B","answer_index":1}]`)
	write(t, folder, "mmlu_pro/validation.jsonl", strings.Repeat(`{"question":"2+2?","options":["4","5"],"answer":"A","answer_index":0}`+"\n", 6))
	load := func(f Family, only ...string) *Task {
		t.Helper()
		tasks, err := Load(t.Context(), f, Source{Name: folder}, only)
		if err != nil {
			t.Fatal(err)
		}
		return tasks[0]
	}
	item := load(GPQA, "main").Items[0]
	if !strings.Contains(item.Question, item.Target+" yes\n") || !strings.Contains(item.Question, "Why, or\nwhy not?") {
		t.Errorf("GPQA: %+v", item)
	}
	item = load(MuSR, "murder_mysteries").Items[0]
	if diff := cmp.Diff(Item{Question: "A story.\n\nWho?\n\n1 - Ann\n2 - O'Neil\n\nAnswer:", Choices: []string{"Ann", "O'Neil"}, Gold: 1, Target: "O'Neil"}, item); diff != "" {
		t.Errorf("MuSR (-want +got):\n%s", diff)
	}
	task := load(MMLUPro)
	want := strings.Repeat("2+2?\nA. 4\nB. 5\nAnswer: A\n\n", 5) + "1+1?\nA. 1\nB. 2\nAnswer:"
	if diff := cmp.Diff(want, task.Prompt(task.Items[0])); diff != "" || task.Note != "" {
		t.Errorf("MMLU-Pro, note %q (-want +got):\n%s", task.Note, diff)
	}
}

// Problems of MATH.
const (
	easy = `{"problem":"1+1?","solution":"It is $\\boxed{2}$.","level":"Level 1","type":"Algebra"}` + "\n"
	hard = `{"problem":"p","solution":"$\\boxed{7}$","level":5,"subject":"Algebra"}` + "\n"
)

// TestMATHExamples: a file of examples goes before the task's own easier problems; each ends in the sentence of Minerva's rule.
func TestMATHExamples(t *testing.T) {
	folder := t.TempDir()
	path := write(t, folder, "test.jsonl", hard+strings.Repeat(easy, 5))
	check := func(source Source, question, answer string, note bool) {
		t.Helper()
		tasks, err := Load(t.Context(), MATH, source, []string{"algebra"})
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Repeat("Problem:\n"+question+"\n\nSolution: "+answer+"\n\n", 4) + "Problem:\np\n\nSolution:"
		if diff := cmp.Diff(want, tasks[0].Prompt(tasks[0].Items[0])); diff != "" || note != (tasks[0].Note != "") || len(tasks[0].Items) != 1 {
			t.Errorf("note %q (-want +got):\n%s", tasks[0].Note, diff)
		}
	}
	const sentence = "\nFinal Answer: The final answer is $%s$. I hope it is correct."
	own := "It is $\\boxed{2}$." + strings.Replace(sentence, "%s", "2", 1)
	check(Source{Name: folder}, "1+1?", own, true)
	check(Source{Name: path}, "1+1?", own, true)
	given := strings.Repeat(`{"problem":"q","solution":"s\nFinal Answer: The final answer is $9$. I hope it is correct."}`+"\n", 5)
	elsewhere := write(t, t.TempDir(), "four.jsonl", given)
	check(Source{Name: folder, Examples: elsewhere}, "q", "s"+strings.Replace(sentence, "%s", "9", 1), false)
	write(t, folder, "minerva.jsonl", given)
	check(Source{Name: path}, "q", "s"+strings.Replace(sentence, "%s", "9", 1), false)
	if _, err := Load(t.Context(), MATH, Source{Name: folder, Examples: "nowhere"}, nil); !usage.Is(err) || !strings.Contains(err.Error(), "--examples") {
		t.Errorf("no such folder: %v", err)
	}
}

// TestHub: the published data sets are asked for by their configuration or split.
func TestHub(t *testing.T) {
	folder := t.TempDir()
	path := write(t, folder, "x.jsonl", strings.Repeat(`{"question":"2+2?","options":["4","5"],"answer":"A"}`+"\n", 5))
	var asked []string
	source := Source{Files: func(_ context.Context, name string) ([]string, error) {
		asked = append(asked, name)
		return []string{path}, nil
	}}
	if _, err := Load(t.Context(), MMLUPro, source, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"TIGER-Lab/MMLU-Pro:test", "TIGER-Lab/MMLU-Pro:validation"}, asked); diff != "" {
		t.Error(diff)
	}
}

// TestBBHOnHub: examples are asked for before the data set, which lacks them, is downloaded.
func TestBBHOnHub(t *testing.T) {
	source := Source{Files: func(_ context.Context, name string) ([]string, error) {
		t.Errorf("asked for %s", name)
		return nil, nil
	}}
	if _, err := Load(t.Context(), BBH, source, nil); !usage.Is(err) || len(usage.Hints(err)) == 0 {
		t.Errorf("no examples: %v", err)
	}
}

// TestLoadErrors: what is wrong with the data is the user's to mend, and the message says where.
func TestLoadErrors(t *testing.T) {
	cases := map[string]struct {
		family     Family
		file, text string
		only       []string
		source     string
		want       string
	}{
		"no file":        {family: MuSR, file: "x.json", text: "[]", want: "no file for the task leaderboard_musr_murder_mysteries"},
		"no folder":      {family: MuSR, file: "x.json", text: "[]", source: "nowhere", want: "no such file"},
		"unknown task":   {family: BBH, file: "x.json", text: "[]", only: []string{"navigat"}, want: `no task "navigat"`},
		"no parts":       {family: IFEval, file: "x.json", text: "[]", only: []string{"a"}, want: "has no parts"},
		"empty":          {family: IFEval, file: "input_data.jsonl", text: "", want: "no records"},
		"not JSON":       {family: IFEval, file: "input_data.jsonl", text: "{\"a\":1}\n{", want: "record 2: not JSON"},
		"no object":      {family: IFEval, file: "input_data.jsonl", text: "7", want: "expected an object"},
		"no prompt":      {family: IFEval, file: "input_data.jsonl", text: `{"key": 1}`, want: `record 1: field "prompt": missing or empty; every document needs prompt`},
		"too few kwargs": {family: IFEval, file: "input_data.jsonl", text: `{"prompt": "p", "instruction_id_list": ["a", "b"], "kwargs": [{}]}`, want: `field "kwargs": 1 objects, expected one for each of 2 instructions`},
		"null":           {family: IFEval, file: "input_data.jsonl", text: `{"prompt": "p", "instruction_id_list": ["a"], "kwargs": null}`, want: `field "kwargs": missing`},
		"no instruction": {family: IFEval, file: "input_data.jsonl", text: `{"prompt": "p", "instruction_id_list": [], "kwargs": []}`, want: "a field: missing or empty; every document needs prompt, instruction_id_list"},
		"wrong type":     {family: MMLUPro, file: "test.jsonl", text: `{"question": 7}`, want: `field "question": found a number`},
		"few examples":   {family: MMLUPro, file: "test.jsonl", text: `{"question":"q","options":["a"],"answer":"A"}`, want: "1 documents for the examples, expected 5"},
		"no examples":    {family: BBH, file: "navigate.json", text: `{"examples":[{"input":"i","target":"Yes"}]}`, only: []string{"navigate"}, want: "no examples for BIG-Bench Hard"},
		"other level":    {family: MATH, file: "test.jsonl", text: strings.Repeat(easy, 4), want: "no documents of the task leaderboard_math_algebra_hard"},
		"few boxes":      {family: MATH, file: "test.jsonl", text: strings.Repeat(easy, 3) + hard + strings.ReplaceAll(easy, "boxed", "text"), want: "3 problems for the examples of MATH, expected 4"},
		"no such choice": {family: MuSR, file: "murder_mysteries.jsonl", text: `{"narrative":"n","question":"q","choices":["a"],"answer_index":1}`, want: "the place of one of 1 choices"},
		"bad choices":    {family: MuSR, file: "murder_mysteries.jsonl", text: `{"narrative":"n","question":"q","choices":"['a'","answer_index":0}`, want: `field "choices": found`},
		"other answers":  {family: BBH, file: "navigate.jsonl", text: `{"input":"i","target":"(A)"}`, only: []string{"navigate"}, want: "none of the task leaderboard_bbh_navigate's choices is the answer to any of 1 documents"},
		"no objects":     {family: BBH, file: "navigate.jsonl", text: `[7]`, only: []string{"navigate"}, want: "record 1: found a number, expected an object"},
		"wrong order":    {family: GPQA, file: "gpqa_diamond.jsonl", text: `{"Question":"q","choice1":"a","choice2":"b","choice3":"c","choice4":"d","answer":"E"}`, want: `found "E"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			write(t, folder, c.file, c.text)
			if c.source != "" {
				folder = filepath.Join(folder, c.source)
			}
			_, err := Load(t.Context(), c.family, Source{Name: folder}, c.only)
			if err == nil || !strings.Contains(err.Error(), c.want) || !usage.Is(err) {
				t.Errorf("got %v (user's mistake: %v), want %q", err, usage.Is(err), c.want)
			}
		})
	}
}

// TestFileOfAnotherTask: a file is not taken for a task whose name it does not have.
func TestFileOfAnotherTask(t *testing.T) {
	path := write(t, t.TempDir(), "team_allocation.jsonl", `{"narrative":"n","question":"q","choices":["a","b"],"answer_index":1}`)
	if _, err := Load(t.Context(), MuSR, Source{Name: path}, nil); err == nil || !strings.Contains(err.Error(), "not a file of the task") {
		t.Errorf("got %v", err)
	}
	if tasks, err := Load(t.Context(), MuSR, Source{Name: path}, []string{"team_allocation"}); err != nil || len(tasks[0].Items) != 1 {
		t.Errorf("got %v, %v", tasks, err)
	}
}
