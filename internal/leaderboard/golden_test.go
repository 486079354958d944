package leaderboard

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/golden"
)

// eachLine calls use with every line of a file of expected values.
func eachLine[T any](t *testing.T, name string, use func(T)) {
	t.Helper()
	file, err := os.Open(golden.Shared(t, "golden-eval", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 4<<20)
	count := 0
	for lines.Scan() {
		var line T
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		use(line)
		count++
	}
	if err := lines.Err(); err != nil || count == 0 {
		t.Fatalf("%s: %d lines, %v", name, count, err)
	}
}

type promptCase struct {
	ID            string
	Task          string
	DocIndex      int `json:"doc_index"`
	Doc           json.RawMessage
	Description   string
	Shots         []json.RawMessage `json:"fewshot_docs"`
	Prompt        string
	Choices       []string
	Continuations []string
	Gold          *int `json:"gold_index"`
	Metrics       []Metric
	Note          string
	Generation    *struct {
		Until     []string
		MaxTokens int `json:"max_gen_toks"`
	} `json:"generation_kwargs"`
	Turns             []Message `json:"chat_multiturn"`
	SingleTurn        []Message `json:"chat_singleturn"`
	Instructed        []Message `json:"chat_multiturn_with_system"`
	ChatContinuations []string  `json:"chat_continuations"`
}

func (c promptCase) check(t *testing.T, task *Task, item Item) {
	t.Helper()
	check := func(what string, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	check("name", task.Name, c.Task)
	check("description", task.Description, c.Description)
	check("prompt", task.Prompt(item), c.Prompt)
	if c.Generation == nil {
		check("choices", item.Choices, c.Choices)
		check("continuations", task.Continuations(item, false), c.Continuations)
		check("gold", item.Gold, *c.Gold)
		check("metrics", task.Family.Metrics(), c.Metrics)
		if task.Generation != nil {
			t.Error("the task has choices, and generates")
		}
	} else {
		check("stop strings", append([]string{}, task.Generation.Stop...), append([]string{}, c.Generation.Until...))
		check("tokens", task.Generation.MaxTokens, c.Generation.MaxTokens)
	}
	if c.Turns == nil {
		return
	}
	check("turns", task.Messages(item, "", true), c.Turns)
	check("one turn", task.Messages(item, "", false), c.SingleTurn)
	check("turns after an instruction", task.Messages(item, "You are a careful assistant.", true), c.Instructed)
	if c.ChatContinuations != nil {
		check("continuations in a chat", task.Continuations(item, true), c.ChatContinuations)
	}
}

// minerva makes a file of the examples that the harness shows for MATH.
func minerva(t *testing.T) string {
	var lines []string
	eachLine(t, "leaderboard_prompts.jsonl", func(c promptCase) {
		if f, _, _ := Find(c.Task); f == MATH && lines == nil {
			for _, shot := range c.Shots {
				lines = append(lines, string(shot))
			}
		}
	})
	return write(t, t.TempDir(), "minerva.jsonl", strings.Join(lines, "\n")+"\n")
}

// TestPrompts: what files and documents become is what the harness makes of them. Where the documents are in the data, the
// task read from there gives the same prompt.
func TestPrompts(t *testing.T) {
	loaded := map[Family]map[string]*Task{}
	examples := minerva(t)
	load := func(t *testing.T, f Family) map[string]*Task {
		if loaded[f] == nil {
			tasks, err := Load(t.Context(), f, Source{Name: golden.Shared(t, "data", string(f)), Examples: map[Family]string{MATH: examples}[f]}, nil)
			if err != nil {
				t.Fatal(err)
			}
			loaded[f] = map[string]*Task{}
			for _, task := range tasks {
				loaded[f][task.Name] = task
			}
		}
		return loaded[f]
	}
	seen := map[string]bool{}
	eachLine(t, "leaderboard_prompts.jsonl", func(c promptCase) {
		seen[c.Task] = true
		t.Run(c.ID, func(t *testing.T) {
			f, short, ok := Find(c.Task)
			if !ok {
				t.Fatalf("unknown task %s", c.Task)
			}
			d := definitions[f]
			item, belongs, err := d.read(short, c.Doc)
			if err != nil || !belongs {
				t.Fatalf("document: %v, belongs to the task: %v", err, belongs)
			}
			if f == GPQA { // not in the data
				c.check(t, &Task{Name: c.Task, Family: f}, item)
				return
			}
			task := load(t, f)[c.Task]
			c.check(t, task, item)
			for _, other := range task.Items {
				if other.Index == c.DocIndex {
					c.check(t, task, other)
					return
				}
			}
			t.Errorf("no document %d in the data", c.DocIndex)
		})
	})
	for _, f := range Families {
		for _, short := range f.Tasks() {
			if !seen[f.TaskName(short)] {
				t.Errorf("no case of %s", f.TaskName(short))
			}
		}
	}
}

// TestGPQAAnswers: the choices of records without an order are the harness's texts, in our order.
func TestGPQAAnswers(t *testing.T) {
	eachLine(t, "leaderboard_prompts.jsonl", func(c promptCase) {
		if !strings.HasPrefix(c.Task, "leaderboard_gpqa") {
			return
		}
		fields := map[string]any{}
		if err := json.Unmarshal(c.Doc, &fields); err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		for _, name := range []string{"choice1", "choice2", "choice3", "choice4"} {
			want[fields[name].(string)] = true
			delete(fields, name)
		}
		right := plainAnswer(fields["Correct Answer"].(string))
		raw, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		item, _, err := readGPQA("", raw)
		if err != nil {
			t.Fatal(err)
		}
		for answer := range want {
			if !strings.Contains(item.Question, ") "+answer+"\n") {
				t.Errorf("%s: choice %q missing in %q", c.ID, answer, item.Question)
			}
		}
		if !strings.Contains(item.Question, item.Target+" "+right+"\n") {
			t.Errorf("%s: right answer %q is not %s in %q", c.ID, right, item.Target, item.Question)
		}
	})
}

// TestScores: accuracies follow from log-probabilities as in the harness.
func TestScores(t *testing.T) {
	type scoreCase struct {
		ID       string
		Choices  []string
		Gold     int       `json:"gold_index"`
		LogProbs []float64 `json:"loglikelihoods"`
		Acc      *float64  `json:"acc"`
		AccNorm  *float64  `json:"acc_norm"`
	}
	eachLine(t, "leaderboard_choice_scoring.jsonl", func(c scoreCase) {
		if c.Acc == nil && c.AccNorm == nil {
			t.Errorf("%s: no expected value", c.ID)
		}
		for metric, want := range map[Metric]*float64{Acc: c.Acc, AccNorm: c.AccNorm} {
			if want != nil && Score(metric, c.Choices, c.LogProbs, c.Gold) != *want {
				t.Errorf("%s: %s is not %g", c.ID, metric, *want)
			}
		}
	})
}

type normalisationCase struct {
	ID, Type, Task, Group string
	Raw                   json.RawMessage
	Lower, Upper          float64
	Normalized            json.RawMessage
	Average               float64
	Subtasks              map[string]struct {
		Choices    int
		Normalized float64
	}
	Sizes        map[string]int
	WeightedMean float64 `json:"weighted_mean"`
}

// TestNormalisation: normalised scores and averages are the leaderboard's.
func TestNormalisation(t *testing.T) {
	eachLine(t, "leaderboard_normalisation.jsonl", func(c normalisationCase) {
		t.Run(c.ID, func(t *testing.T) {
			switch c.Type {
			case "value":
				near(t, Normalise(number(t, c.Raw), c.Lower, c.Upper), number(t, c.Normalized))
			case "task":
				c.checkTask(t)
			case "average":
				values := map[string]float64{}
				unmarshal(t, c.Normalized, &values)
				near(t, Columns{values["bbh"], values["math_hard"], values["gpqa"], values["musr"], values["mmlu_pro"], values["ifeval"], values["ifeval"]}.LeaderboardAverage(), c.Average)
			case "group_mean":
				raw := map[string]float64{}
				unmarshal(t, c.Raw, &raw)
				results := map[string]Result{}
				for name, score := range raw {
					results[name] = Result{score, c.Sizes[name]}
				}
				near(t, GPQA.Raw(results), c.WeightedMean)
			default:
				t.Errorf("unknown type %q", c.Type)
			}
		})
	})
}

func (c normalisationCase) checkTask(t *testing.T) {
	f := Family(strings.TrimSuffix(c.Task, "_hard"))
	raw := map[string]map[string]float64{}
	unmarshal(t, c.Raw, &raw)
	if f == IFEval {
		scores := raw["leaderboard_ifeval"]
		inst := f.Normalised(map[string]Result{"": {scores["inst_level_strict_acc,none"], 1}})
		prompt := f.Normalised(map[string]Result{"": {scores["prompt_level_strict_acc,none"], 1}})
		near(t, mean(inst, prompt), number(t, c.Normalized))
		return
	}
	results := map[string]Result{}
	for name, scores := range raw {
		short := strings.TrimPrefix(strings.TrimPrefix(name, "leaderboard_"+string(f)), "_")
		for _, score := range scores {
			results[short] = Result{score, 1}
		}
		if sub, ok := c.Subtasks[name]; ok {
			if f.Choices(short) != sub.Choices {
				t.Errorf("%s: %d choices, want %d", name, f.Choices(short), sub.Choices)
			}
			near(t, Normalise(results[short].Score, f.Chance(short), 1), sub.Normalized)
		}
	}
	near(t, f.Normalised(results), number(t, c.Normalized))
}

func near(t *testing.T, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("got %.17g, want %.17g", got, want)
	}
}

func number(t *testing.T, raw json.RawMessage) (v float64) {
	t.Helper()
	unmarshal(t, raw, &v)
	return v
}

func unmarshal(t *testing.T, raw json.RawMessage, into any) {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}
