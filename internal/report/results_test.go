package report

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/evaluation"
	"github.com/sparsepo/sparsepo/internal/leaderboard"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// results are the lines of a file of results: of each task so many items, of which each metric is 1 with probability skill.
func results(t testing.TB, model string, tasks []string, items int, skill float64, seed uint64) string {
	t.Helper()
	var text strings.Builder
	text.WriteString(jsonLine(t, map[string]any{"evaluation": evaluation.Header{Model: model, Digest: model, Settings: map[string]string{"chat": "turns"}}}))
	random := rand.New(rand.NewPCG(seed, 3))
	for _, task := range tasks {
		metrics := []leaderboard.Metric{"pass@1", "pass@10"}
		if f, _, ok := leaderboard.Find(task); ok {
			metrics = f.Metrics()
		}
		for i := range items {
			r := evaluation.Record{Task: task, Index: i, ID: fmt.Sprint("id ", i), Item: task, Metrics: map[string]float64{}, Responses: []string{hostile + " by " + model}}
			if task == evaluation.TextTask {
				r.Item, r.Prompt, metrics = fmt.Sprint(i), "Write about "+fmt.Sprint(i), []leaderboard.Metric{"self_bleu", "distinct1"}
			}
			for _, m := range metrics {
				if random.Float64() < skill {
					r.Metrics[string(m)] = 1
				} else {
					r.Metrics[string(m)] = 0
				}
			}
			text.WriteString(jsonLine(t, r))
		}
	}
	return text.String()
}

// leaderboardTasks are the names of all its tasks.
func leaderboardTasks() []string {
	var names []string
	for _, f := range leaderboard.Families {
		for _, short := range f.Tasks() {
			names = append(names, f.TaskName(short))
		}
	}
	return names
}

// One model is right everywhere, the other nowhere: normalised scores are 100 and 0, every difference is 1 in every resample.
func TestWriteEvaluation(t *testing.T) {
	folder := t.TempDir()
	wrong, right := filepath.Join(folder, "wrong.jsonl"), filepath.Join(folder, "right.jsonl")
	tasks := append(leaderboardTasks(), "humaneval")
	write(t, wrong, results(t, "base", tasks, 5, 0, 1))
	write(t, right, results(t, "tuned", tasks, 5, 1, 1)+jsonLine(t, evaluation.Record{Task: "humaneval", Index: 5, Item: "x", Metrics: map[string]float64{"pass@1": 1}}))
	out := filepath.Join(folder, "report.html")
	if err := Write(out, nil, []string{wrong, right}); err != nil {
		t.Fatal(err)
	}
	page := readPage(t, out)
	hundreds := strings.Repeat(`<td class="num">100.00</td>`, 9)
	for _, want := range []string{
		`<th scope="row">tuned</th>` + hundreds, `<th scope="row">base</th>` + strings.ReplaceAll(hundreds, "100", "0"),
		`<th scope="row">humaneval</th><td>pass@1</td><td class="num">0.0000<br><small>0.0000 to 0.0000, n 5</small></td><td class="num">1.0000<br><small>1.0000 to 1.0000, n 6</small></td>`,
		`<details class="family"><summary>BBH, 24 tasks</summary>`,
		`BBH, mean of tasks</th><td>acc_norm</td><td class="num">120</td><td class="num">0.0000</td><td class="num">1.0000</td><td class="num">&#43;1.0000</td><td class="num">&#43;1.0000 to &#43;1.0000</td>` +
			`<td class="num">120</td><td class="num">0</td><td class="num">0</td><td class="num">1.000</td>`,
		"Not compared: 0 items that only A has, 1 that only B has.",
		"B = tuned against A = base", "humaneval, item 0 (id 0)", "right.jsonl</th><td>tuned</td>", "chat turns", "10000 bootstrap resamples of items",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, not := range []string{hostile, `id="summary"`, `id="configuration"`, "sparsepo.report" + "\x00"} {
		if strings.Contains(page, not) {
			t.Errorf("the page of results alone has %q", not)
		}
	}
}

func TestWriteEvaluationOfRuns(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"a", "b"} {
		write(t, filepath.Join(folder, name, metricsFile), "")
		write(t, filepath.Join(folder, name, evalFolder, "texts.jsonl"), results(t, "samples-"+name, []string{evaluation.TextTask}, 4, 0.5, 1))
	}
	write(t, filepath.Join(folder, "a", evalFolder, "metrics.jsonl"), results(t, "m", []string{"mbpp"}, 4, 0.5, 1)) // is no run
	write(t, filepath.Join(folder, "a", evalFolder, "cut.jsonl"), "{\"evaluation\":{}}\n{\"task\":\"\"}\n")
	page := build(t, folder)
	for _, want := range []string{
		"This report covers 2 runs", "<b>a</b>: eval/cut.jsonl was left out: 2: not a record; every one needs task and metrics",
		"a/eval/texts.jsonl</th><td>a</td>", "a/eval/metrics.jsonl</th><td>a</td>", "B = b against A = a", "<p class=\"text\">Write about 0</p>", "distinct1",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if page := build(t, oneRun(t)); !strings.Contains(page, "Not measured: no run has results of eval") {
		t.Error("a run without results is not told of")
	}
}

func TestWriteRefusesResults(t *testing.T) {
	folder := t.TempDir()
	bad := filepath.Join(folder, "bad.jsonl")
	write(t, bad, results(t, "m", []string{"mbpp"}, 1, 1, 1)+"{\"task\":\n")
	write(t, filepath.Join(folder, "empty", "notes.txt"), "")
	for _, test := range []struct{ name, want string }{
		{bad, "bad.jsonl:3: not a record"},
		{filepath.Join(folder, "none.jsonl"), "none.jsonl: no such file"},
		{filepath.Join(folder, "empty"), "empty: no files of results (.jsonl)"},
	} {
		err := Write(filepath.Join(folder, "report.html"), nil, []string{test.name})
		if !usage.Is(err) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want the usage error %q", err, test.want)
		}
	}
}

func TestEvaluatedModels(t *testing.T) {
	file := func(name, model, digest string, tasks ...string) resultFile {
		f := evaluation.Memory(evaluation.Header{Model: model, Digest: digest})
		for _, task := range tasks {
			f.Records = append(f.Records, evaluation.Record{Task: task})
		}
		return resultFile{name, f}
	}
	models := evaluatedModels(
		[]resultFile{file("1", "sft", "x", "bbh"), file("2", "dpo", "y", "bbh"), file("3", "sft", "x", "math"), file("4", "sft", "x", "bbh"), file("5", "dpo", "z", "bbh")},
		[]*run{{Name: "r", Results: []resultFile{file("6", "r/final", "w", "bbh"), file("7", "texts", "v", "text")}}, {Name: "s"}},
	)
	var got []string
	for _, m := range models {
		line := m.Name + ":"
		for _, f := range m.Files {
			line += " " + f.Name
		}
		got = append(got, line)
	}
	want := []string{"sft (1): 1 3", "dpo (2): 2", "sft (4): 4", "dpo (5): 5", "r: 6 7"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("models and their files (-want +got):\n%s", diff)
	}
}
