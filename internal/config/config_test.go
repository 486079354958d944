package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// A few objectives with the lists that package loss gives them.
var testMethods = []string{"sft", "dpo", "tdpo2", "mapo", "sparse-common", "sparse-independent"}

func testReads(method string) (keys []string, known bool) {
	learned := []string{
		"beta", "kl", "l1_u", "l1_d", "mask.layers", "mask.depth", "mask.width", "mask.norm", "mask.dropout",
		"mask.init", "mask.weight_decay", "mask.learning_rate", "mask.source",
	}
	lists := map[string][]string{
		"sft": nil, "dpo": {"beta"}, "tdpo2": {"beta", "alpha"}, "mapo": {"beta", "kl", "mask.map", "mask.groups", "mask.source"},
		"sparse-common": learned, "sparse-independent": learned,
	}
	keys, known = lists[method]
	return keys, known
}

// needed are the settings without which no run is valid.
var needed = Values("test", map[string]string{"model": "m", "data": "d.jsonl", "out": "run"})

func resolve(t *testing.T, sources ...Source) *Run {
	t.Helper()
	run, err := Resolve(sources...)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func yamlFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// values returns every setting as text.
func values(run *Run) map[string]string {
	all := map[string]string{}
	for _, k := range keys {
		all[k.name] = k.text(run)
	}
	return all
}

func TestDefaults(t *testing.T) {
	want := map[string]string{
		"model": "m", "reference": "m", "data": "d.jsonl", "eval_data": "", "out": "run", "method": "dpo", "engine": "auto", "seed": "42",
		"beta": "0.1", "alpha": "0.5", "gamma": "0.3", "lambda": "50", "kl": "forward", "l1_u": "0", "l1_d": "0",
		"label_smoothing": "0", "rpo_alpha": "0",
		"learning_rate": "1.0e-06", "num_train_epochs": "1", "max_steps": "-1", "per_device_train_batch_size": "8",
		"per_device_eval_batch_size": "8", "gradient_accumulation_steps": "1", "max_length": "512", "max_prompt_length": "256",
		"truncation_mode": "keep_end", "lr_scheduler_type": "linear", "warmup_ratio": "0", "warmup_steps": "0", "weight_decay": "0",
		"adam_beta1": "0.9", "adam_beta2": "0.999", "adam_epsilon": "1.0e-08", "max_grad_norm": "1", "logging_steps": "10",
		"dtype": "float32", "gradient_checkpointing": "false", "use_peft": "false", "lora_r": "16", "lora_alpha": "32", "lora_dropout": "0.05",
		"lora_target_modules": "", "use_rslora": "false", "load_in_4bit": "false",
		"precompute_ref_log_probs": "false", "reference_cache_gb": "20",
		"eval_steps": "0", "save_steps": "0", "save_total_limit": "0", "load_best_model_at_end": "false", "on_bad_record": "error", "rated_pairs": "best_worst", "max_response_words": "0",
		"mask.source": "method", "mask.layers": "all", "mask.depth": "1", "mask.width": "200", "mask.norm": "true", "mask.dropout": "0", "mask.init": "",
		"mask.weight_decay": "0.01", "mask.learning_rate": "1.0e-06", "mask.map": "minmax", "mask.groups": "[mlp, attn, resid]",
		"frontier.every": "0", "frontier.prompts": "", "frontier.reward": "", "frontier.reward_label": "", "frontier.limit": "0", "frontier.max_new_tokens": "64",
		"frontier.temperature": "1", "frontier.seed": "42",
	}
	run := resolve(t, needed, Set("method=dpo"))
	if diff := cmp.Diff(want, values(run)); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	if err := run.Validate(testReads, testMethods); err != nil {
		t.Errorf("the defaults are not valid: %v", err)
	}
	if run := resolve(t, needed, Set("method=sft")); run.LearningRate != 1e-5 || run.Mask.LearningRate != 1e-5 {
		t.Errorf("sft: learning rates %g and %g, want 1e-5", run.LearningRate, run.Mask.LearningRate)
	}
}

func TestLayers(t *testing.T) {
	file := File(yamlFile(t, "beta: 0.3\nlearning_rate: 3e-6\nmask:\n  depth: 2\n  groups: [resid, \"logits\"]\nmask.width: 64\nseed: 3\n"))
	tests := []struct {
		name    string
		sources []Source
		want    map[string]string
	}{
		{"file", []Source{file}, map[string]string{"beta": "0.3", "mask.depth": "2", "mask.width": "64", "mask.groups": "[resid, logits]"}},
		{"set over file", []Source{file, Set("beta=0.4"), Set("mask.depth = 1")}, map[string]string{"beta": "0.4", "seed": "3"}},
		{"set of a list", []Source{Set("mask.groups=mlp, attn")}, map[string]string{"mask.groups": "[mlp, attn]"}},
		{"set of a bracketed list", []Source{Set("mask.groups=[logits]")}, map[string]string{"mask.groups": "[logits]"}},
		{"set of a path with =", []Source{Set("data=a=b.jsonl")}, map[string]string{"data": "a=b.jsonl"}},
		{"flag over set", []Source{Set("beta=0.4"), Flag("beta", "beta", "0.5")}, map[string]string{"beta": "0.5"}},
		{"file over preset", []Source{Preset("hh"), file, Set("method=dpo")}, map[string]string{"beta": "0.3", "num_train_epochs": "3"}},
		{"mask follows the learning rate", []Source{file}, map[string]string{"mask.learning_rate": "3.0e-06"}},
		{"mask does not follow", []Source{file, Set("mask.learning_rate=0")}, map[string]string{"mask.learning_rate": "0"}},
		{"frontier follows the seed", []Source{file}, map[string]string{"frontier.seed": "3"}},
		{"reference unset", []Source{Set("model=m"), Set("reference=r"), Set("reference=")}, map[string]string{"reference": "m"}},
		{"evaluation unset", []Source{Set("eval_data=e"), Set("eval_data=")}, map[string]string{"eval_data": ""}},
		{"no limit of steps", []Source{Set("max_steps=7"), Set("max_steps=-1")}, map[string]string{"max_steps": "-1"}},
		{"empty file", []Source{File(yamlFile(t, ""))}, map[string]string{"beta": "0.1"}},
		{"comments only", []Source{File(yamlFile(t, "# nothing\n---\n"))}, map[string]string{"beta": "0.1"}},
		{"block text", []Source{File(yamlFile(t, "model: |\n  a b\n"))}, map[string]string{"model": "a b"}},
		{"number as a path", []Source{File(yamlFile(t, "out: 7\n"))}, map[string]string{"out": "7"}},
	}
	for _, test := range tests {
		got := values(resolve(t, test.sources...))
		for key, want := range test.want {
			if got[key] != want {
				t.Errorf("%s: %s: got %s want %s", test.name, key, got[key], want)
			}
		}
	}
}

func TestPresets(t *testing.T) {
	batch := func(r *Run) int { return r.PerDeviceTrainBatchSize * r.GradientAccumulationSteps }
	tests := []struct {
		preset, method string
		batch          int
		epochs, rate   float64
		beta           float64
		others         map[string]string
	}{
		{"imdb", "dpo", 64, 3, 1e-6, 0.1, nil},
		{"imdb", "tdpo2", 64, 3, 1e-6, 0.1, map[string]string{"alpha": "0.7"}},
		{"imdb", "dpop", 64, 3, 1e-6, 0.1, map[string]string{"lambda": "50"}},
		{"imdb", "simpo", 64, 3, 1e-6, 0.1, map[string]string{"gamma": "0.3"}},
		{"imdb", "sft", 8, 1, 1e-5, 0.1, map[string]string{"model": "openai-community/gpt2-large"}},
		{"hh", "sft", 1024, 1, 1e-5, 0.1, map[string]string{"model": "EleutherAI/pythia-1.4b"}},
		{"hh", "dpo", 128, 3, 1e-6, 0.1, map[string]string{"l1_u": "0", "model": ""}},
		{"hh", "mapo", 128, 3, 1e-6, 0.1, nil},
		{"hh", "tdpo2", 128, 3, 1e-6, 0.1, map[string]string{"alpha": "0.5"}},
		{"hh", "simpo", 128, 3, 1e-6, 2.5, map[string]string{"gamma": "0.3"}},
		{"hh", "sparse-common", 128, 3, 5e-7, 0.1, map[string]string{"l1_u": "0.0005", "l1_d": "0.0005", "mask.weight_decay": "0.01", "mask.learning_rate": "5.0e-07"}},
		{"hh", "sparse-independent", 128, 3, 5e-7, 0.1, map[string]string{"l1_u": "0.001", "l1_d": "0.001"}},
		{"mbpp", "dpo", 32, 30, 5e-7, 0.1, map[string]string{"warmup_ratio": "0.1", "lr_scheduler_type": "linear", "load_best_model_at_end": "true"}},
		{"ablation", "sparse-binary", 128, 3, 5e-7, 0.1, nil},
		{"tldr", "sft", 8, 1, 1e-5, 0.1, map[string]string{"model": "EleutherAI/gpt-j-6b", "max_response_words": "100", "load_in_4bit": "true"}},
		{"imdb@authors", "mapo", 64, 3, 1e-6, 0.8, map[string]string{"lr_scheduler_type": "cosine", "mask.groups": "[mlp, attn, resid, logits]"}},
		{"imdb@authors", "tdpo2", 64, 3, 1e-6, 0.8, map[string]string{"alpha": "0.7"}},
		{"hh@authors", "sft", 1024, 1, 1e-5, 0.1, map[string]string{"model": "EleutherAI/pythia-1.4b-deduped", "lr_scheduler_type": "cosine", "max_length": "2048"}},
		{"hh@authors", "sparse-common", 128, 3, 5e-7, 0.1, map[string]string{"l1_u": "0.0005", "l1_d": "0.0005"}},
		{"hh@authors", "sparse-independent", 128, 3, 5e-7, 0.1, map[string]string{"l1_u": "0", "l1_d": "0"}},
		{"tldr@authors", "sparse-common", 256, 1, 1e-4, 0.8, map[string]string{"lora_r": "64", "load_in_4bit": "false", "max_response_words": "100"}},
		{"mbpp@authors", "sparse-common", 32, 3, 5e-7, 0.8, map[string]string{"lr_scheduler_type": "cosine", "warmup_ratio": "0.1", "load_best_model_at_end": "true"}},
	}
	for _, test := range tests {
		run := resolve(t, Preset(test.preset), Set("method="+test.method))
		if batch(run) != test.batch || run.NumTrainEpochs != test.epochs || run.LearningRate != test.rate || run.Beta != test.beta {
			t.Errorf("%s, %s: batch %d, epochs %g, rate %g, beta %g; want %d, %g, %g, %g", test.preset, test.method,
				batch(run), run.NumTrainEpochs, run.LearningRate, run.Beta, test.batch, test.epochs, test.rate, test.beta)
		}
		got := values(run)
		for key, want := range test.others {
			if got[key] != want {
				t.Errorf("%s, %s: %s: got %s want %s", test.preset, test.method, key, got[key], want)
			}
		}
	}
	for _, p := range Presets() {
		for _, layer := range p.layers {
			for key := range layer.settings {
				if _, ok := keyByName[key]; !ok {
					t.Errorf("preset %s: no such setting %q", p.Name, key)
				}
			}
		}
		if _, ok := preset(p.base); p.base != "" && !ok {
			t.Errorf("preset %s: no preset %q", p.Name, p.base)
		}
	}
}

func TestResolveErrors(t *testing.T) {
	tests := []struct {
		name   string
		yaml   string
		source *Source
		want   []string // lines; "F" stands for the file
	}{
		{name: "unknown key", yaml: "model: m\nbetta: 1\n", want: []string{`F:2: betta: no such setting (did you mean "beta"?)`}},
		{name: "unknown nested key", yaml: "mask:\n  dept: 1\n", want: []string{`F:2: mask.dept: no such setting (did you mean "mask.depth"?)`}},
		{name: "key outside its group", yaml: "depth: 1\n", want: []string{`F:1: depth: no such setting (did you mean "mask.depth"?)`}},
		{name: "unknown key, nothing near", yaml: "quantization_bits: 4\n", want: []string{`F:1: quantization_bits: no such setting`}},
		{name: "unknown group", yaml: "masks:\n  depth: 1\n", want: []string{`F:1: masks: no such setting`}},
		{name: "unknown key with a list", yaml: "quantization: [1]\n", want: []string{`F:1: quantization: no such setting`}},
		{name: "several", yaml: "beta: x\nseed: 1.5\nkl: both\n", want: []string{
			`F:1: beta: found "x", expected a number above 0`,
			`F:2: seed: found 1.5, expected a whole number of 0 or more`,
			`F:3: kl: found "both", expected one of forward, reverse`,
		}},
		{name: "number in quotes", yaml: "beta: \"0.1\"\n", want: []string{`F:1: beta: found "0.1", expected a number above 0`}},
		{name: "out of range", yaml: "mask:\n  depth: 3\n  dropout: 1\n", want: []string{
			`F:2: mask.depth: found 3, expected a whole number from 1 to 2`,
			`F:3: mask.dropout: found 1, expected a number from 0 to below 1`,
		}},
		{name: "no steps", yaml: "max_steps: 0\n", want: []string{`F:1: max_steps: found 0, expected a whole number of 1 or more, or -1`}},
		{name: "infinite", yaml: "beta: .inf\nlambda: inf\ngamma: .nan\nalpha: nan\n", want: []string{
			`F:1: beta: found ".inf", expected a number above 0`,
			`F:2: lambda: found inf, expected a number of 0 or more`,
			`F:3: gamma: found ".nan", expected a number of 0 or more`,
			`F:4: alpha: found nan, expected a number of 0 or more`,
		}},
		{name: "too large", yaml: "beta: 1e999\nseed: 99999999999999999999\n", want: []string{
			`F:1: beta: found "1e999", expected a number above 0`,
			`F:2: seed: found 99999999999999999999, expected a whole number of 0 or more`,
		}},
		{name: "truth", yaml: "mask:\n  norm: yes\n", want: []string{`F:2: mask.norm: found "yes", expected true or false`}},
		{name: "list for a number", yaml: "beta: [0.1, 0.2]\n", want: []string{`F:1: beta: found [0.1, 0.2], expected a number above 0`}},
		{name: "list of mappings", yaml: "beta:\n  - a: 1\n", want: []string{`F:1: beta: found a list, expected a number above 0`}},
		{name: "mapping for a number", yaml: "beta:\n  low: 1\n", want: []string{`F:1: beta: found a mapping, expected a number above 0`}},
		{name: "nothing", yaml: "beta:\nkl: ~\n", want: []string{
			`F:1: beta: found nothing, expected a number above 0`,
			`F:2: kl: found nothing, expected one of forward, reverse`,
		}},
		{name: "number for a group", yaml: "mask: 1\n", want: []string{`F:1: mask: found a number, expected settings indented below it`}},
		{name: "unknown item", yaml: "mask:\n  groups: [mlp, head]\n", want: []string{`F:2: mask.groups: found [mlp, head], expected a list of mlp, attn, resid, logits`}},
		{name: "item twice", yaml: "mask:\n  groups: [mlp, mlp]\n", want: []string{`F:2: mask.groups: found [mlp, mlp], expected a list of mlp, attn, resid, logits`}},
		{name: "empty list", yaml: "mask:\n  groups: []\n", want: []string{`F:2: mask.groups: found [], expected a list of mlp, attn, resid, logits`}},
		{name: "empty engine", yaml: "engine: ''\n", want: []string{`F:1: engine: found "", expected text`}},
		{name: "control character", yaml: "model: \"a\\tb\"\n", want: []string{`F:1: model: found "a\tb", expected text`}},
		{name: "twice", yaml: "beta: 1\nbeta: 2\n", want: []string{`F:2: mapping key "beta" already defined at [1:1]`}},
		{name: "twice, dotted and nested", yaml: "mask:\n  depth: 1\nmask.depth: 2\n", want: []string{`F:3: mask.depth: given a second time; first in line 2`}},
		{name: "anchor", yaml: "beta: &b 1\nalpha: *b\n", want: []string{
			`F:1: beta: found an anchor or alias, expected a number above 0`,
			`F:2: alpha: found an anchor or alias, expected a number of 0 or more`,
		}},
		{name: "tag", yaml: "beta: !!float 1\n", want: []string{`F:1: beta: found a tag, expected a number above 0`}},
		{name: "merge", yaml: "<<: {beta: 1}\n", want: []string{`F:1: found an anchor or alias where the name of a setting belongs`}},
		{name: "list at the top", yaml: "- beta\n", want: []string{`F:1: found a list, expected lines of "key: value"`}},
		{name: "text at the top", yaml: "beta\n", want: []string{`F:1: found a text, expected lines of "key: value"`}},
		{name: "two documents", yaml: "beta: 1\n---\nbeta: 2\n", want: []string{`F:3: a second document begins; settings are one`}},
		{name: "set without value", source: new(Set("beta")), want: []string{`--set "beta": expected KEY=VALUE, such as --set beta=0.5`}},
		{name: "set unknown", source: new(Set("mask.dpeth=1")), want: []string{`--set: mask.dpeth: no such setting (did you mean "mask.depth"?)`}},
		{name: "set out of range", source: new(Set("beta=-1")), want: []string{`--set: beta: found -1, expected a number above 0`}},
		{name: "flag out of range", source: new(Flag("max-steps", "max_steps", "0")), want: []string{`--max-steps: found 0, expected a whole number of 1 or more, or -1`}},
		{name: "values", source: new(Values("cell 3", map[string]string{"beta": "x", "alfa": "1"})), want: []string{
			`cell 3: alfa: no such setting (did you mean "alpha"?)`, `cell 3: beta: found "x", expected a number above 0`,
		}},
		{name: "unknown preset", source: new(Preset("imbd")), want: []string{`--preset: unknown "imbd"; known: imdb, hh, tldr, mbpp, ablation, imdb@authors, hh@authors, tldr@authors, mbpp@authors (did you mean "imdb"?)`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			source, path := test.source, ""
			if source == nil {
				path = yamlFile(t, test.yaml)
				source = new(File(path))
			}
			run, err := Resolve(*source)
			if err == nil || run != nil {
				t.Fatalf("got %v, %v, want only an error", run, err)
			}
			want := strings.ReplaceAll(strings.Join(test.want, "\n"), "F:", path+":")
			if diff := cmp.Diff(want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if !usage.Is(err) {
				t.Error("not marked as the user's mistake")
			}
		})
	}
}

func TestFileErrors(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "none.yaml"):        "none.yaml: no such file",
		dir:                                    "is a directory",
		yamlFile(t, "beta: [1\n"):              "run.yaml:1: ",
		yamlFile(t, "beta: 1\n  gamma: 2\n"):   "run.yaml:",
		yamlFile(t, "model: m\nbeta: \"0.1\n"): "run.yaml:2: ",
	} {
		if _, err := Resolve(File(path)); err == nil || !strings.Contains(err.Error(), want) || !usage.Is(err) {
			t.Errorf("%s: got %v, want the user's mistake %q", path, err, want)
		}
	}
}

func TestFixed(t *testing.T) {
	sft := Fixed("method", "sft", "sparsepo sft always trains with sft")
	path := yamlFile(t, "model: m\nmethod: dpo\n")
	_, err := Resolve(File(path), sft)
	if want := path + `:2: method: found "dpo", but sparsepo sft always trains with sft`; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if run := resolve(t, Preset("hh"), Set("method=sft"), sft); run.Method != "sft" || run.GradientAccumulationSteps != 128 {
		t.Errorf("method %s, accumulation %d; want sft and the preset's 128", run.Method, run.GradientAccumulationSteps)
	}
}

func TestValidate(t *testing.T) {
	valid := func(method string, assignments ...string) []Source {
		sources := []Source{needed, Set("method=" + method)}
		for _, a := range assignments {
			sources = append(sources, Set(a))
		}
		return sources
	}
	tests := []struct {
		name    string
		sources []Source
		want    []string
	}{
		{"nothing given", nil, []string{
			"model: missing; give --model or set it in the configuration: model to train: a folder in Hugging Face layout, an adapter's folder in PEFT's, or a hub id",
			"data: missing; give --data or set it in the configuration: training records: a .jsonl, .jsonl.gz, .json or .parquet file, a folder, a pattern or a hub id; [:90%] takes a share, commas join sources and =WEIGHT mixes them (docs/data.md)",
			"out: missing; give --out or set it in the configuration: run folder to write",
			"method: missing; give --method or set it in the configuration: objective to optimise",
		}},
		{"unknown method", valid("sparse-comon"), []string{
			`--set: method: unknown "sparse-comon"; known: sft, dpo, tdpo2, mapo, sparse-common, sparse-independent (did you mean "sparse-common"?)`,
		}},
		{"method, nothing near", valid("reinforce"), []string{
			`--set: method: unknown "reinforce"; known: sft, dpo, tdpo2, mapo, sparse-common, sparse-independent`,
		}},
		{"read by one method", valid("dpo", "alpha=0.7"), []string{"--set: alpha: not read: method dpo has no use for it; tdpo2 reads it"}},
		{"read by the method", valid("tdpo2", "alpha=0.7"), nil},
		{"read by some", valid("mapo", "mask.depth=1", "l1_u=0"), []string{
			"--set: l1_u: not read: method mapo has no use for it; sparse-common and sparse-independent read it",
			"--set: mask.depth: not read: method mapo has no use for it; sparse-common and sparse-independent read it",
		}},
		{"sft has no beta", append(valid("sft"), Flag("beta", "beta", "1")), []string{
			"--beta: not read: method sft has no use for it; dpo, tdpo2, mapo, sparse-common and sparse-independent read it",
		}},
		{"masks from a file", valid("mapo", "mask.source=file"), nil},
		{"masks from a file for a method without", valid("dpo", "mask.source=file"), []string{
			"--set: mask.source: not read: method dpo has no use for it; mapo, sparse-common and sparse-independent read it",
		}},
		{"a mask of the method's own besides", valid("sparse-common", "mask.source=file", "mask.depth=1", "l1_u=0.1"), []string{
			"--set: l1_u: not read: mask.source is file, so the method makes no mask of its own",
			"--set: mask.depth: not read: mask.source is file, so the method makes no mask of its own",
		}},
		{"read by none that is known", valid("dpo", "gamma=1"), nil},
		{"optional", append(valid("dpo"), Set("alpha=0.7").Optional()), nil},
		{"overridden by a preset's value", append(valid("dpo", "beta=1"), Preset("hh")), nil},
		{"width of depth 1", valid("sparse-common", "mask.width=10"), []string{
			"--set: mask.width: not read: mask.depth is 1; only a mask of depth 2 has a width",
		}},
		{"width of depth 2", valid("sparse-common", "mask.width=10", "mask.depth=2"), nil},
		{"frontier off", valid("dpo", "frontier.limit=10"), []string{
			"--set: frontier.limit: not read: frontier.every is 0, so no frontier is measured",
		}},
		{"frontier without prompts", valid("dpo", "frontier.every=100"), []string{
			"frontier.prompts: missing; a frontier every 100 steps needs it", "frontier.reward: missing; a frontier every 100 steps needs it",
		}},
		{"frontier", valid("dpo", "frontier.every=100", "frontier.prompts=p", "frontier.reward=r"), nil},
		{"half of max_length", valid("dpo", "max_length=100"), nil},
		{"no room for a response", valid("dpo", "max_length=100", "max_prompt_length=100"), []string{
			"--set: max_prompt_length: found 100, which leaves no room for a response in max_length 100; lower it or raise max_length",
		}},
		{"two warm-ups", valid("dpo", "warmup_ratio=0.1", "warmup_steps=5"), []string{
			"--set: warmup_steps: found 5 besides warmup_ratio 0.1; give one of the two",
		}},
		{"nothing to evaluate on", valid("dpo", "eval_steps=5"), []string{
			"--set: eval_steps: found 5, but there is no eval_data to evaluate on; give --eval-data",
		}},
		{"best of nothing", valid("dpo", "load_best_model_at_end=true"), []string{
			"--set: load_best_model_at_end: needs evaluations to choose by; set eval_steps",
		}},
		{"several", valid("dpo", "alpha=1", "max_length=2", "max_prompt_length=256"), []string{
			"--set: max_prompt_length: found 256, which leaves no room for a response in max_length 2; lower it or raise max_length",
			"--set: alpha: not read: method dpo has no use for it; tdpo2 reads it",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := resolve(t, test.sources...).Validate(testReads, testMethods)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(strings.Join(test.want, "\n"), got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if err != nil && !usage.Is(err) {
				t.Error("not marked as the user's mistake")
			}
		})
	}
}

// A program may change fields after Resolve; their values are checked all the same.
func TestValidateChangedFields(t *testing.T) {
	run := resolve(t, needed, Set("method=mapo"))
	run.Beta, run.KL, run.Mask.Groups, run.MaxSteps = 0, "", nil, -2
	want := `beta: found 0, expected a number above 0
kl: found , expected one of forward, reverse
max_steps: found -2, expected a whole number of 1 or more, or -1
mask.groups: found [], expected a list of mlp, attn, resid, logits`
	err := run.Validate(testReads, testMethods)
	if err == nil {
		t.Fatal("no error")
	}
	got := strings.Split(err.Error(), "\n")
	slices.Sort(got)
	wanted := strings.Split(want, "\n")
	slices.Sort(wanted)
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func TestHelp(t *testing.T) {
	help := Help(testReads, testMethods)
	for _, want := range []string{
		"  beta                         strength of the pull towards the reference, the scale of the rewards (a number above 0; default 0.1; for dpo, tdpo2, mapo, sparse-common, sparse-independent)\n",
		"  learning_rate                peak learning rate of AdamW (a number of 0 or more; default 1e-6, sft 1e-5)\n",
		"  model                        model to train: a folder in Hugging Face layout, an adapter's folder in PEFT's, or a hub id (text; required)\n",
		"  mask.learning_rate           learning rate of the masks (a number of 0 or more; default that of learning_rate; for sparse-common, sparse-independent)\n",
		"  mask.groups                  activations the mask averages (a list of mlp, attn, resid, logits; default mlp,attn,resid; for mapo)\n",
		"  tldr                         summaries: GPT-J 6B in 4 bits through LoRA adapters on TL;DR",
		"; β swept over 0.1 0.2 0.4 0.6 0.8 1 5 10\n",
	} {
		if !strings.Contains(help, want) {
			t.Errorf("help lacks %q", want)
		}
	}
	table := Markdown(testReads, testMethods)
	if want := "| `alpha` | 0.5 | a number of 0 or more | weight of the sequence KL term | tdpo2 |\n"; !strings.Contains(table, want) {
		t.Errorf("table lacks %q", want)
	}
	for _, k := range keys {
		if k.help == "" || !strings.Contains(help, "  "+k.name+" ") || !strings.Contains(table, "| `"+k.name+"` |") {
			t.Errorf("%s is not documented", k.name)
		}
		if strings.Contains(k.help, "|") {
			t.Errorf("%s: the help text breaks the table", k.name)
		}
	}
}
