package cli

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/internal/config"
	"github.com/sparsepo/sparsepo/internal/fixture"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/metrics"
)

// pipeline is a preset with the real files that stand for its data, and the family of its model. Where the files of the paper's
// experiment are not at hand, others of the same kind take their place: HumanEval's programs for MBPP's, UltraFeedback
// for DPO-mix-7k, which is partly made of it.
type pipeline struct {
	preset, family      string
	sft, pairs, heldOut string // below ../shared/data, joined with commas
	methods             []string
	want                map[string]string // of the last run's settings
}

var pipelines = []pipeline{
	{
		preset: "imdb", family: "gpt2", sft: "imdb/train.jsonl.gz[:5%]", pairs: "odpo/imdb-pairs.jsonl[:90%]", heldOut: "odpo/imdb-pairs.jsonl[90%:]",
		methods: []string{"dpo", "dpop", "tdpo2"}, want: map[string]string{"alpha": "0.7", "num_train_epochs": "3", "learning_rate": "1.0e-06"},
	},
	{
		preset: "imdb@authors", family: "gpt2", pairs: "odpo/imdb-pairs.jsonl[:90%]", heldOut: "odpo/imdb-pairs.jsonl[90%:]",
		methods: []string{"mapo"}, want: map[string]string{"beta": "0.8", "lr_scheduler_type": "cosine", "mask.groups": "[mlp, attn, resid, logits]"},
	},
	{
		preset: "hh", family: "gpt_neox", sft: "hh/helpful-base.train.jsonl.gz",
		pairs: "hh/helpful-base.train.jsonl.gz,hh/harmless-base.train.jsonl.gz", heldOut: "hh/helpful-base.test.jsonl.gz",
		methods: []string{"simpo", "sparse-independent"}, want: map[string]string{"learning_rate": "5.0e-07", "l1_u": "0.001", "mask.weight_decay": "0.01"},
	},
	{
		preset: "hh@authors", family: "gpt_neox", sft: "hh/harmless-base.train.jsonl.gz", pairs: "hh/harmless-base.train.jsonl.gz", heldOut: "hh/harmless-base.test.jsonl.gz",
		methods: []string{"sparse-common"}, want: map[string]string{"l1_u": "0.0005", "warmup_ratio": "0.1"},
	},
	{
		preset: "tldr", family: "gptj", sft: "odpo/tldr-sft-train-rel.json.gz", pairs: "odpo/tldr-sft-train-rel.json.gz", heldOut: "odpo/tldr-sft-test-rel.json",
		methods: []string{"dpo", "sparse-common"}, want: map[string]string{"beta": "0.1", "load_in_4bit": "true", "max_response_words": "100"},
	},
	{
		preset: "tldr@authors", family: "gptj", pairs: "odpo/tldr-sft-train-rel.json.gz", heldOut: "odpo/tldr-sft-test-rel.json",
		methods: []string{"sparse-common"}, want: map[string]string{"beta": "0.8", "learning_rate": "0.0001", "lora_r": "64", "load_in_4bit": "false"},
	},
	{
		preset: "mbpp", family: "gpt_bigcode", sft: "mbpp/mbpp.jsonl",
		pairs: "code_answers/humaneval-codegen16b.jsonl.gz[:80%]", heldOut: "code_answers/humaneval-codegen16b.jsonl.gz[80%:]",
		methods: []string{"sparse-common"}, want: map[string]string{"num_train_epochs": "30", "load_best_model_at_end": "true", "lr_scheduler_type": "linear"},
	},
	{
		preset: "mbpp@authors", family: "gpt_bigcode",
		pairs: "code_answers/humaneval-codegen16b.jsonl.gz[:80%]", heldOut: "code_answers/humaneval-codegen16b.jsonl.gz[80%:]",
		methods: []string{"mapo"}, want: map[string]string{"num_train_epochs": "3", "beta": "0.8"},
	},
	{
		preset: "ablation", family: "gpt_neox", sft: "ultrafeedback/train.jsonl.gz", pairs: "ultrafeedback/train.jsonl.gz", heldOut: "ultrafeedback/test.jsonl.gz",
		methods: []string{"sparse-binary", "sparse-random"}, want: map[string]string{"learning_rate": "5.0e-07"},
	},
}

// small makes a preset's run one of a few steps of a model with 64 positions.
var small = []string{
	"--max-steps", "2", "--set", "per_device_train_batch_size=4", "--set", "gradient_accumulation_steps=2",
	"--set", "max_length=64", "--set", "max_prompt_length=40", "--set", "logging_steps=1", "--set", "on_bad_record=skip",
}

// TestPresets runs every preset from the fine-tuning to the finished model, by the commands that a user gives.
func TestPresets(t *testing.T) {
	folder := golden.Shared(t, "data")
	covered := map[string]bool{}
	for _, p := range pipelines {
		covered[p.preset] = true
		t.Run(p.preset, func(t *testing.T) { p.run(t, folder) })
	}
	for _, name := range config.PresetNames() {
		if !covered[name] {
			t.Errorf("preset %s: no data to run it on", name)
		}
	}
}

func (p pipeline) run(t *testing.T, folder string) {
	model, run := filepath.Join(t.TempDir(), "model"), t.TempDir()
	if err := fixture.Model(model, p.family, "F32"); err != nil {
		t.Fatal(err)
	}
	var reference []string
	fresh := p.preset == "tldr@authors" // the adapter is made by the preference training, and is 0 at its start
	if p.sft != "" {
		out := filepath.Join(run, "sft")
		command(t, append([]string{"sft", "--preset", p.preset, "--model", model, "--data", below(folder, p.sft), "--out", out}, small...)...)
		if first := records(t, out, "loss")[0]; !(first > 1 && first < 12) { // log 280 = 5.6 for a uniform distribution
			t.Errorf("sft: loss %g at the start", first)
		}
		model = filepath.Join(out, "final")
	}
	if strings.HasPrefix(p.preset, "tldr") && !fresh {
		reference = []string{"--reference", "adapter:" + model}
	}
	for _, method := range p.methods {
		out := filepath.Join(run, method)
		args := append([]string{"train", "--preset", p.preset, "--method", method, "--model", model, "--out", out, "--data", below(folder, p.pairs), "--eval-data", below(folder, p.heldOut)}, small...)
		command(t, append(append(args, "--set", "eval_steps=1"), reference...)...)
		p.check(t, out, method)
	}
	settings, err := config.Resolve(config.File(filepath.Join(run, p.methods[len(p.methods)-1], "config.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range settings.Settings() {
		got[s.Key] = s.Value
	}
	for key, want := range p.want {
		if got[key] != want {
			t.Errorf("%s: got %q, want %q", key, got[key], want)
		}
	}
}

// check looks at a finished run: at its start policy and reference are the same, so that a loss of their difference is log 2.
func (p pipeline) check(t *testing.T, out, method string) {
	t.Helper()
	losses := records(t, out, "loss")
	adapter := strings.HasPrefix(p.preset, "tldr") // whose dropout makes policy and reference differ
	least, most := math.Ln2-1e-4, math.Ln2+1e-4
	switch {
	case method == "simpo": // compares no two models
		least, most = 0, 10
	case adapter:
		least, most = 0.3, 10
	case method == "sparse-common", method == "sparse-independent":
		most = 10 // with the masks' L1 norms
	}
	if !(least <= losses[0] && losses[0] <= most) {
		t.Errorf("%s: loss %g at the start, want %g to %g", method, losses[0], least, most)
	}
	if n := len(records(t, out, "eval_loss")); n != 2 {
		t.Errorf("%s: %d evaluations, want 2", method, n)
	}
	weights := "model.safetensors"
	if adapter {
		weights = "adapter_model.safetensors"
	}
	for _, name := range []string{weights, "README.md"} {
		if _, err := os.Stat(filepath.Join(out, "final", name)); err != nil {
			t.Errorf("%s: %v", method, err)
		}
	}
}

// below joins a folder with every source of a data set.
func below(folder, sources string) string {
	list := strings.Split(sources, ",")
	for i, s := range list {
		list[i] = filepath.Join(folder, s)
	}
	return strings.Join(list, ",")
}

// command runs a command that must work, and returns what it printed.
func command(t *testing.T, args ...string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := Main(t.Context(), args, nil, &stdout, &stderr); code != 0 {
		t.Fatalf("sparsepo %s: exit code %d: %s", strings.Join(args, " "), code, &stderr)
	}
	return stdout.Bytes()
}

// records are a run's values of a metric, all finite.
func records(t *testing.T, run, name string) []float64 {
	t.Helper()
	all, err := metrics.Read(filepath.Join(run, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var values []float64
	for _, r := range all {
		if v, ok := r[name]; ok {
			values = append(values, v)
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("%s: %s is %g", run, name, v)
			}
		}
	}
	if len(values) == 0 {
		t.Fatalf("%s: no %s in metrics.jsonl", run, name)
	}
	return values
}
