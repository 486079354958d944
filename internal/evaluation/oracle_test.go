package evaluation

import (
	"bufio"
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/leaderboard"
)

// teacher is a Model that knows the answers, or none: it finds questions by their prompts.
type teacher struct {
	logProbs func(item leaderboard.Item) []float64
	answer   func(item leaderboard.Item) string
	items    map[string][]leaderboard.Item // of a prompt, in the order in which they are asked
	asked    int
}

func newTeacher(tasks []*leaderboard.Task) *teacher {
	m := &teacher{items: map[string][]leaderboard.Item{}}
	for _, task := range tasks {
		for _, item := range task.Items {
			m.items[task.Prompt(item)] = append(m.items[task.Prompt(item)], item)
		}
	}
	return m
}

// next is the item that a prompt is asked for: a few are asked twice, with different answers.
func (m *teacher) next(prompt string) leaderboard.Item {
	list := m.items[prompt]
	m.items[prompt] = append(list[1:len(list):len(list)], list[0])
	m.asked++
	return list[0]
}

func (m *teacher) LogProbs(_ context.Context, questions []Question) (list []Likelihoods, err error) {
	for _, q := range questions {
		list = append(list, Likelihoods{LogProbs: m.logProbs(m.next(q.Prompt))})
	}
	return list, nil
}

func (m *teacher) Generate(_ context.Context, prompts []string, _ Sampling) (list []Responses, err error) {
	for _, prompt := range prompts {
		list = append(list, Responses{Texts: []string{m.answer(m.next(prompt))}})
	}
	return list, nil
}

// right gives the right choice all probability.
func right(item leaderboard.Item) []float64 {
	logProbs := make([]float64, len(item.Choices))
	for i := range logProbs {
		if i != item.Gold {
			logProbs[i] = -1000
		}
	}
	return logProbs
}

// guess gives every choice the same chance, also where the log-probability is divided by the length.
func guess(item leaderboard.Item, random *rand.Rand) []float64 {
	logProbs := make([]float64, len(item.Choices))
	for i, choice := range item.Choices {
		logProbs[i] = -random.Float64() * float64(utf8.RuneCountInString(choice))
	}
	return logProbs
}

// gpqaText is a made-up file of GPQA's questions, which cannot be had.
const gpqaText = `{"Question":"Which is even?","Correct Answer":"4","Incorrect Answer 1":"3","Incorrect Answer 2":"5","Incorrect Answer 3":"7"}
{"Question":"Which is odd?","Correct Answer":"9","Incorrect Answer 1":"2","Incorrect Answer 2":"4","Incorrect Answer 3":"6"}
`

// tasks reads a family's tasks from the data at hand.
func tasks(t *testing.T, f leaderboard.Family) []*leaderboard.Task {
	t.Helper()
	source := leaderboard.Source{Name: golden.Shared(t, "data")}
	if f == leaderboard.GPQA {
		source.Name = t.TempDir()
		for _, short := range f.Tasks() {
			if err := os.WriteFile(source.Name+"/gpqa_"+short+".jsonl", []byte(gpqaText), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	list, err := leaderboard.Load(t.Context(), f, source, nil)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// followed are responses that follow all instructions, by prompt.
func followed(t *testing.T) map[string]string {
	file, err := os.Open(golden.Shared(t, "golden-eval", "ifeval.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	texts := map[int]string{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var c struct {
			Key      int
			Response string
			Strict   bool  `json:"prompt_level_strict"`
			Unstable []int `json:"unstable"`
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if c.Strict && len(c.Unstable) == 0 {
			texts[c.Key] = c.Response
		}
	}
	byPrompt := map[string]string{}
	for _, line := range strings.Split(fileText(t, golden.Shared(t, "data", "ifeval", "input_data.jsonl")), "\n") {
		var record struct {
			Key    int
			Prompt string
		}
		if line != "" && json.Unmarshal([]byte(line), &record) == nil && texts[record.Key] != "" {
			byPrompt[record.Prompt] = texts[record.Key]
		}
	}
	return byPrompt
}

func fileText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// boxed is the last boxed answer of a solution.
func boxed(solution string) string {
	at := strings.LastIndex(solution, `\boxed{`)
	if at < 0 {
		return ""
	}
	depth := 0
	for i, c := range solution[at:] {
		switch c {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return solution[at+len(`\boxed{`) : at+i]
			}
		}
	}
	return ""
}

// TestPerfectAnswers: a model that always answers rightly scores 100 at every task.
func TestPerfectAnswers(t *testing.T) {
	var records []Record
	for _, f := range leaderboard.Families {
		list := tasks(t, f)
		m := newTeacher(list)
		m.logProbs = right
		m.answer = func(item leaderboard.Item) string { return item.Target }
		if f == leaderboard.IFEval {
			answers := followed(t)
			var known []leaderboard.Item
			for _, item := range list[0].Items {
				if answers[item.Question] != "" {
					known = append(known, item)
				}
			}
			if len(known) < 200 {
				t.Errorf("IFEval: only %d prompts with an answer", len(known))
			}
			list[0].Items = known
			m.answer = func(item leaderboard.Item) string { return answers[item.Question] }
		}
		run := Run{Model: m, File: Memory(Header{})}
		if err := run.Leaderboard(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		for _, score := range Summarise(run.File.Records).Tasks {
			if math.Abs(*score.Normalised-100) > 1e-9 {
				t.Errorf("%s: %g of %d items, want 100", score.Task, *score.Normalised, score.Items)
			}
		}
		records = append(records, run.File.Records...)
	}
	s := Summarise(records)
	if len(s.Tasks) != 39 || s.Average == nil || math.Abs(*s.Average-100) > 1e-9 || math.Abs(*s.LeaderboardAverage-100) > 1e-9 {
		t.Errorf("%d tasks, columns %v", len(s.Tasks), s.Columns)
	}
}

// TestMinerva: the sentence of the examples, with the right answer, is right at every problem by Minerva's rule.
func TestMinerva(t *testing.T) {
	list := tasks(t, leaderboard.MATH)
	m := newTeacher(list)
	m.answer = func(item leaderboard.Item) string {
		return "Final Answer: The final answer is $" + boxed(item.Target) + "$. I hope it is correct."
	}
	run := Run{Model: m, File: Memory(Header{})}
	if err := run.Leaderboard(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	for _, score := range Summarise(run.File.Records).Tasks {
		if v := score.Metrics[string(leaderboard.ExactMinerva)].Value; v != 1 {
			t.Errorf("%s: %g of %d items, want 1", score.Task, v, score.Items)
		}
	}
}

// TestGuesses: the accuracy of a model that guesses is that of guessing, within four standard errors over all of a task's
// questions and a few repetitions; where every question has as many choices as the task, its normalised score is about 0.
func TestGuesses(t *testing.T) {
	const repeats = 20
	random := rand.New(rand.NewPCG(1, 2))
	for _, f := range leaderboard.Families {
		if len(f.Metrics()) > 1 {
			continue // generated
		}
		for _, task := range tasks(t, f) {
			m := newTeacher([]*leaderboard.Task{task})
			m.logProbs = func(item leaderboard.Item) []float64 { return guess(item, random) }
			hits, want, variance, n, equal := 0.0, 0.0, 0.0, 0.0, true
			_, short, _ := leaderboard.Find(task.Name)
			for range repeats {
				run := Run{Model: m, File: Memory(Header{}), Limit: 500}
				if err := run.Leaderboard(t.Context(), []*leaderboard.Task{task}); err != nil {
					t.Fatal(err)
				}
				for i, r := range run.File.Records {
					p := 1 / float64(len(task.Items[i].Choices))
					hits, want, variance, n = hits+r.Metrics[string(f.Metrics()[0])], want+p, variance+p*(1-p), n+1
					equal = equal && len(task.Items[i].Choices) == f.Choices(short)
				}
			}
			if math.Abs(hits-want) > 4*math.Sqrt(variance) {
				t.Errorf("%s: %g of %g right, expected %g ± %g", task.Name, hits, n, want, math.Sqrt(variance))
			}
			if score := leaderboard.Normalise(hits/n, f.Chance(short), 1); equal && score > 400*math.Sqrt(variance)/n/(1-f.Chance(short)) {
				t.Errorf("%s: normalised score %g, want about 0", task.Name, score)
			}
		}
	}
}
