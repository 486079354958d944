package frontier

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sparsepo/sparsepo/internal/usage"
)

func writeRun(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestRead(t *testing.T) {
	folder := writeRun(t, map[string]string{
		"config.yaml": "method: tdpo2\nbeta: 0.1\nmodel: sft\nreference: sft\n",
		"metrics.jsonl": `{"step": 0, "eval_frontier/reward": 0.5, "eval_frontier/kl": 0, "eval_frontier/kl_sampled": 0}
{"step": 5, "loss": 1}
{"step": 10, "eval_frontier/reward": 9, "eval_frontier/kl": 9, "eval_frontier/kl_sampled": 9}
{"step": 10, "eval_frontier/reward": 0.75, "eval_frontier/kl": 2, "eval_frontier/kl_sampled": 1.5}
{"step": 20, "eval_frontier/reward": 0.75, "eval_frontier/kl": 2}
{"step": 30, "eval_frontier/reward": 0.75, "eval_frontier/kl": 2}
{"step": 40, "eval_frontier/reward": null, "eval_frontier/kl": 2}
`,
		"samples/step-000010.jsonl": `{"prompt": "a", "completion": "x", "reward": 0.5, "kl": 3, "kl_sampled": 2}
{"prompt": "b", "completion": "y", "reward": 1, "kl": 1, "kl_sampled": 1}
`,
		"samples/step-000020.jsonl": `{"prompt": "a", "completion": "x", "reward": 0.5, "kl": 2}` + "\n",
		"samples/step-000030.jsonl": "\n",
	})
	got, err := Read(folder, "one")
	if err != nil {
		t.Fatal(err)
	}
	nan := math.NaN()
	want := Run{
		Name: "one", Method: "tdpo2", Beta: "0.1", Start: "sft\x00sft",
		Checkpoints: []Checkpoint{
			{Step: 0, Reward: 0.5},
			{Step: 10, Reward: 0.75, KL: 2, KLSampled: 1.5, Samples: []Sample{{"a", 0.5, 3, 2}, {"b", 1, 1, 1}}},
			{Step: 20, Reward: 0.75, KL: 2, KLSampled: nan},
			{Step: 30, Reward: 0.75, KL: 2, KLSampled: nan},
		},
		Notes: []string{
			"step 40: reward or KL is missing or not finite; it is no point",
			"samples/step-000000.jsonl is missing, and 1 more; their points have no interval",
			"samples/step-000020.jsonl disagrees with metrics.jsonl: the mean reward of its 1 samples is 0.5, the record has 0.75; its point has no interval",
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
}

func TestReadRefuses(t *testing.T) {
	const record = `{"step": 1, "eval_frontier/reward": 0.5, "eval_frontier/kl": 0}` + "\n"
	tests := []struct {
		name  string
		files map[string]string
		want  string // after the folder
	}{
		{"no metrics", nil, "metrics.jsonl: no such file"},
		{"a broken record", map[string]string{"metrics.jsonl": record + "{\"step\":\n"}, "metrics.jsonl:2: not a JSON object of numbers: unexpected end of JSON input"},
		{"broken settings", map[string]string{"metrics.jsonl": record, "config.yaml": "method: [a\n"}, ""},
		{
			"a broken sample",
			map[string]string{"metrics.jsonl": record, "samples/step-000001.jsonl": `{"prompt": "a", "reward": 0.5, "kl": 0}` + "\n{\"prompt\": \"b\", \"reward\":\n"},
			`samples/step-000001.jsonl:2: field "reward": the line ends in the middle of a JSON object`,
		},
		{
			"a sample without KL",
			map[string]string{"metrics.jsonl": record, "samples/step-000001.jsonl": `{"prompt": "a", "reward": 0.5}`},
			`samples/step-000001.jsonl:1: field "kl": missing; the fields are "prompt", "reward"`,
		},
		{
			"a reward that is no number",
			map[string]string{"metrics.jsonl": record, "samples/step-000001.jsonl": `{"prompt": "a", "reward": null}`},
			`samples/step-000001.jsonl:1: field "reward": null; want a number`,
		},
		{
			"a log-ratio that is no number",
			map[string]string{"metrics.jsonl": record, "samples/step-000001.jsonl": `{"prompt": "a", "reward": 1, "kl": 0, "kl_sampled": "x"}`},
			`samples/step-000001.jsonl:1: field "kl_sampled": "x"; want a number`,
		},
	}
	for _, test := range tests {
		folder := writeRun(t, test.files)
		_, err := Read(folder, "run")
		if !usage.Is(err) {
			t.Errorf("%s: got %v, want a usage error", test.name, err)
		} else if want := filepath.Join(folder, filepath.FromSlash(test.want)); test.want != "" && err.Error() != want {
			t.Errorf("%s: got %v, want %s", test.name, err, want)
		}
	}
	if _, err := ReadSamples(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func FuzzParseSamples(f *testing.F) {
	f.Add([]byte("{\"prompt\":\"a\",\"completion\":\"b\",\"reward\":0.5,\"kl\":1,\"kl_sampled\":-1}\n{\"prompt\":1}\n"))
	f.Add([]byte(`{"prompt":"a","reward":1e999,"kl":0}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		samples, err := parseSamples(text, "s.jsonl")
		if err != nil {
			if !usage.Is(err) {
				t.Fatalf("%v is not the user's mistake", err)
			}
			return
		}
		for _, s := range samples {
			if sum := s.Reward + s.KL; math.IsNaN(sum) && !math.IsInf(s.Reward, 0) {
				t.Fatalf("a number that is none: %+v", s)
			}
		}
	})
}
