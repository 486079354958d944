package codebench

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/sandbox"
)

// shared gives the path of a file of the material beside the repository, or skips.
func shared(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(filepath.Dir(dir), "shared", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no %s beside the repository: %v", name, err)
	}
	return path
}

func openSandbox(t *testing.T, options sandbox.Options) *sandbox.Sandbox {
	t.Helper()
	s, err := sandbox.Open(t.Context(), options)
	if errors.Is(err, sandbox.ErrUnavailable) {
		t.Skipf("no sandbox here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func tasks(t *testing.T, b Benchmark, file string) []Task {
	t.Helper()
	list, err := b.Open(shared(t, file))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// slowest is the task of MBPP whose own solution computes for five seconds, longer than all others together. It is judged
// where all answers are.
const slowest = "123"

// TestReferenceSolutionsPass: every solution that comes with the benchmarks passes its tests.
func TestReferenceSolutionsPass(t *testing.T) {
	limits := sandbox.DefaultLimits()
	limits.CPU, limits.Wall = 20*time.Second, 2*time.Minute
	s := openSandbox(t, sandbox.Options{Limits: limits})
	for _, set := range []struct {
		benchmark Benchmark
		file      string
		want      int
		every     int // take every so many of the tasks
	}{
		{HumanEval, "data/humaneval/HumanEval.jsonl.gz", 164, 1},
		{MBPP, "data/mbpp/mbpp.jsonl", 974, 1},
		{MBPP, "data/mbpp/sanitized-mbpp.json", 427, 9},
	} {
		t.Run(filepath.Base(set.file), func(t *testing.T) {
			list := tasks(t, set.benchmark, set.file)
			if len(list) != set.want {
				t.Errorf("%d tasks, want %d", len(list), set.want)
			}
			var programs []sandbox.Program
			var ids []string
			for i := 0; i < len(list); i += set.every {
				if list[i].ID == slowest && os.Getenv(everyAnswer) == "" {
					continue
				}
				programs, ids = append(programs, list[i].ReferenceProgram()), append(ids, list[i].ID)
			}
			start := time.Now()
			verdicts, err := s.RunAll(t.Context(), programs, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d programs in %.1f s", len(programs), time.Since(start).Seconds())
			for i, v := range verdicts {
				if !v.Passed() {
					t.Errorf("task %s: %s: %s", ids[i], v.Kind, v.Reason)
				}
			}
		})
	}
}

// answered is a line of the recorded answers.
type answered struct {
	TaskID   string `json:"task_id"`
	Question string `json:"question"`
	Answers  []struct {
		Text  string   `json:"text"`
		Votes *float64 `json:"votes"`
	} `json:"answers"`
}

func readAnswers(t *testing.T) []answered {
	t.Helper()
	file, err := jsonl.Open(shared(t, "data/code_answers/humaneval-codegen16b.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var list []answered
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var a answered
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		list = append(list, a)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// everyAnswer is the environment variable that makes the tests judge all recorded answers instead of a few a task.
const everyAnswer = "SPARSEPO_TEST_EVERY_ANSWER"

// TestVotes: real programs that a model sampled, judged by others before, are judged alike: the first two that passed and
// the first two that did not of each task, or all of them.
func TestVotes(t *testing.T) {
	byID := map[string]Task{}
	for _, task := range tasks(t, HumanEvalUnstripped, "data/humaneval/HumanEval.jsonl.gz") {
		byID[task.ID] = task
	}
	limit := 2
	if os.Getenv(everyAnswer) != "" {
		limit = 1 << 30
	}
	var programs []sandbox.Program
	var wants []bool
	var ids []string
	for _, a := range readAnswers(t) {
		task := byID[a.TaskID]
		task.Prompt = a.Question
		count := map[bool]int{}
		for _, answer := range a.Answers {
			passed := answer.Votes != nil
			if count[passed]++; count[passed] <= limit {
				programs, wants, ids = append(programs, task.Program(answer.Text)), append(wants, passed), append(ids, a.TaskID)
			}
		}
	}
	s := openSandbox(t, sandbox.Options{})
	start := time.Now()
	verdicts, err := s.RunAll(t.Context(), programs, nil)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[sandbox.Kind]int{}
	for i, v := range verdicts {
		kinds[v.Kind]++
		if v.Passed() != wants[i] {
			t.Errorf("%s: %s (%s), recorded as passed: %v\n%s", ids[i], v.Kind, v.Reason, wants[i], tail(programs[i].Code))
		}
	}
	t.Logf("%d programs in %.1f s: %v", len(programs), time.Since(start).Seconds(), kinds)
}

func tail(text string) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "\n")
}
