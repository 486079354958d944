package card

import (
	"bytes"
	"errors"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/loss"
)

// example is a run as a command line makes it: on local folders, in a home folder that nobody needs to know.
func example() Card {
	objective, _ := loss.Lookup("sparse-common")
	return Card{
		Name: "/home/someone/runs/film", Method: objective.Name, Formula: objective.Summary, Source: objective.Source,
		BaseModel: "/home/someone/runs/sft/final", Base: Base{Model: "openai-community/gpt2-large", License: []string{"mit"}},
		Reference: "/home/someone/runs/sft/final",
		Data:      "data/pairs.jsonl", Records: 1234, EvalData: "/home/someone/held-out.jsonl", EvalRecords: 56,
		Masks: true, Steps: 500,
		Settings: []Setting{
			{"model", "/home/someone/runs/sft/final", ""},
			{"beta", "0.1", "0.1"},
			{"l1_u", "0.001", "0"},
			{"mask.init", "/home/someone/runs/first/final/mask.safetensors", ""},
			{"mask.depth", "1", "1"},
			{"lora_target_modules", `.*\.(q|v)_proj`, ""},
			{"learning_rate", "1e-05", "1e-06"},
			{"seed", "42", "42"},
		},
		Metrics: map[string]float64{
			"step": 500, "loss": 0.512345, "rewards/accuracies": 0.75, "rewards/chosen": -1.5, "kl/chosen": 12, "tokens_per_second": 900,
			"mask/reward_sparsity_chosen": 0.25, "eval_loss": 0.6, "eval_rewards/accuracies": 1, "eval_runtime": 3, "eval_frontier/reward": 0.9,
			"eval_kl/chosen": math.NaN(),
		},
	}
}

func text(t *testing.T, c Card) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// header returns the card's YAML, read by a YAML library.
func header(t *testing.T, card string) map[string]any {
	t.Helper()
	rest, found := strings.CutPrefix(card, "---\n")
	head, _, closed := strings.Cut(rest, "---\n\n# ")
	if !found || !closed {
		t.Fatalf("no header in front of a title:\n%s", card)
	}
	var fields map[string]any
	if err := yaml.Unmarshal([]byte(head), &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

// section returns what stands under a heading.
func section(card, heading string) string {
	_, rest, _ := strings.Cut(card, "\n## "+heading+"\n\n")
	before, _, _ := strings.Cut(rest, "\n## ")
	return before
}

func TestHeader(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Card)
		want   map[string]any
	}{
		{"a local base of a published one", func(*Card) {}, map[string]any{
			"base_model": "openai-community/gpt2-large", "base_model_relation": "finetune", "library_name": "transformers", "license": "mit",
			"pipeline_tag": "text-generation", "tags": []any{"sparsepo", "sparse-common", "preference-optimization"},
		}},
		{"a base without a card", func(c *Card) { c.Base = Base{} }, map[string]any{
			"library_name": "transformers", "pipeline_tag": "text-generation", "tags": []any{"sparsepo", "sparse-common", "preference-optimization"},
		}},
		{"adapter on the hub's model and data", func(c *Card) {
			c.Method, c.Adapter = "dpo", true
			c.BaseModel, c.HubModel = "EleutherAI/gpt-j-6b@float16", true
			c.Data, c.HubData = "org/tldr@v1:train", true
			c.EvalData, c.HubEvalData = "org/tldr:test", true
		}, map[string]any{
			"base_model": "EleutherAI/gpt-j-6b", "base_model_relation": "adapter", "datasets": []any{"org/tldr"}, "library_name": "peft", "license": "mit",
			"pipeline_tag": "text-generation", "tags": []any{"sparsepo", "dpo", "preference-optimization", "lora"},
		}},
		{"fine-tuned on two data sets, a license of its own", func(c *Card) {
			c.Method = "sft"
			c.Data, c.HubData, c.EvalData, c.HubEvalData = "org/one", true, "org/two", true
			c.Base = Base{License: []string{"other"}, LicenseName: "a: \"name\"", LicenseLink: "LICENSE"}
		}, map[string]any{
			"datasets": []any{"org/one", "org/two"}, "library_name": "transformers", "license": "other", "license_name": "a: \"name\"", "license_link": "LICENSE",
			"pipeline_tag": "text-generation", "tags": []any{"sparsepo", "sft"},
		}},
		{"merged", func(c *Card) {
			*c = Card{Name: "whole", BaseModel: "gpt2", HubModel: true, Merged: "run/final"}
		}, map[string]any{
			"base_model": "gpt2", "base_model_relation": "finetune", "library_name": "transformers", "pipeline_tag": "text-generation", "tags": []any{"sparsepo"},
		}},
		{"two licenses", func(c *Card) { c.Base = Base{License: []string{"mit", "cc-by-4.0"}} }, map[string]any{
			"library_name": "transformers", "license": []any{"mit", "cc-by-4.0"}, "pipeline_tag": "text-generation",
			"tags": []any{"sparsepo", "sparse-common", "preference-optimization"},
		}},
	}
	for _, test := range tests {
		c := example()
		test.change(&c)
		if diff := cmp.Diff(test.want, header(t, text(t, c))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestSections(t *testing.T) {
	card := text(t, example())
	if !strings.Contains(card, "\n# film\n") {
		t.Error("no title")
	}
	for heading, want := range map[string]string{
		"Training": "| | |\n| --- | --- |\n| base model | `sft/final` |\n| reference model | `sft/final` |\n" +
			"| training data | `data/pairs.jsonl`, 1234 records |\n| evaluation data | `held-out.jsonl`, 56 records |\n| optimiser steps | 500 |\n",
		"Settings": "| setting | value | default |\n| --- | --- | --- |\n| `beta` | `0.1` | `0.1` |\n| `l1_u` | `0.001` | `0` |\n" +
			"| `mask.init` | `mask.safetensors` |  |\n| `lora_target_modules` | `.*\\.(q\\|v)_proj` |  |\n" +
			"| `learning_rate` | `1e-05` | `1e-06` |\n| `seed` | `42` | `42` |\n\nEvery other setting has its default.\n",
		"Repeat": "`config.yaml` in the run's folder has every setting:\n\n```\nsparsepo train --config config.yaml --out again\n```\n",
	} {
		if diff := cmp.Diff(want, strings.Replace(section(card, heading), "|  |  |\n", "| | |\n", 1)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", heading, diff)
		}
	}
	results := section(card, "Results")
	wantRows := "| `loss` | 0.5123 | 0.6 |\n| `rewards/accuracies` | 0.75 | 1 |\n| `frontier/reward` |  | 0.9 |\n| `kl/chosen` | 12 | NaN |\n" +
		"| `mask/reward_sparsity_chosen` | 0.25 |  |\n| `rewards/chosen` | -1.5 |  |\n"
	if !strings.Contains(results, "| --- | --- | --- |\n"+wantRows+"\n- ") {
		t.Errorf("results: got\n%s\nwant the rows\n%s", results, wantRows)
	}
	for _, word := range []string{"tokens_per_second", "runtime", "`step`", "`logps`"} {
		if strings.Contains(results, word) {
			t.Errorf("results have %s", word)
		}
	}
	method := section(card, "Method")
	for _, want := range []string{"`sparse-common`: SparsePO with one learned mask", "[arXiv 2410.05102](https://arxiv.org/abs/2410.05102)", example().Formula, "`klf` is KL", "`m_u` and `m_d` are", "mask.safetensors"} {
		if !strings.Contains(method, want) {
			t.Errorf("method: %q is missing from\n%s", want, method)
		}
	}
	if strings.Contains(card, "/home") || strings.Contains(card, "someone") {
		t.Errorf("the card names a folder of the machine:\n%s", card)
	}
}

// What was not measured or is not there is not mentioned.
func TestSectionsLeftOut(t *testing.T) {
	card := text(t, Card{Name: "run", Method: "sft", Formula: "-(1/T) Σ_t log π(y_c^t)"})
	for _, heading := range []string{"Training", "Settings", "Results"} {
		if strings.Contains(card, "## "+heading) {
			t.Errorf("%s is there, but empty", heading)
		}
	}
	if strings.Contains(card, "mask.safetensors") || strings.Contains(card, "reference") || !strings.Contains(card, "sparsepo sft --config") {
		t.Errorf("not the card of a fine-tuned model:\n%s", card)
	}
	merged := text(t, Card{Name: "whole", BaseModel: "/srv/gpt2", Merged: "/srv/run/final"})
	for _, want := range []string{
		"The model `gpt2` with the adapter `run/final` in its weights.", "AutoModelForCausalLM.from_pretrained(path)", "sparsepo merge --adapter run/final --model gpt2 --out merged",
	} {
		if !strings.Contains(merged, want) {
			t.Errorf("merged: %q is missing from\n%s", want, merged)
		}
	}
	if strings.Contains(merged, ", trained by") || strings.Contains(merged, "## Method") || strings.Contains(merged, "## Training") {
		t.Errorf("a merged model was not trained:\n%s", merged)
	}
	adapter := text(t, Card{Name: "run", Method: "dpo", BaseModel: "gpt2", Start: "/srv/sft/final", Adapter: true})
	if want := "| adapter at the start | `sft/final` |"; !strings.Contains(adapter, want) {
		t.Errorf("adapter: %q is missing from\n%s", want, adapter)
	}
	for _, want := range []string{"A LoRA adapter for `gpt2`, trained by direct preference optimisation \\(DPO\\)", "AutoPeftModelForCausalLM.from_pretrained(path)", "With peft, in Python"} {
		if !strings.Contains(strings.ReplaceAll(adapter, "(DPO)", `\(DPO\)`), want) {
			t.Errorf("adapter: %q is missing from\n%s", want, adapter)
		}
	}
}

// Every objective has a name in words, a paper that becomes a link and a formula whose symbols are explained.
func TestEveryMethod(t *testing.T) {
	for _, objective := range loss.All() {
		title, ok := titles[objective.Name]
		if !ok {
			t.Errorf("%s has no title", objective.Name)
		}
		card := text(t, Card{Name: "run", Method: objective.Name, Formula: objective.Summary, Source: objective.Source})
		method := section(card, "Method")
		if !strings.Contains(method, objective.Summary) || !strings.Contains(method, inline(title)) {
			t.Errorf("%s: title or formula is missing from\n%s", objective.Name, method)
		}
		if objective.Pairs && !strings.Contains(method, "](https://arxiv.org/abs/2") {
			t.Errorf("%s: no link to the paper in\n%s", objective.Name, method)
		}
		if strings.Contains(objective.Summary, "logratio") && !strings.Contains(method, "`logratio` is") {
			t.Errorf("%s: logratio is not explained in\n%s", objective.Name, method)
		}
	}
	for name := range titles {
		if !slices.Contains(loss.Names(), name) {
			t.Errorf("there is a title for %s, which is no objective", name)
		}
	}
}

func TestSameBytes(t *testing.T) {
	want := text(t, example())
	for range 50 {
		if got := text(t, example()); got != want {
			t.Fatalf("written again (-first +now):\n%s", cmp.Diff(want, got))
		}
	}
}

func TestWriteError(t *testing.T) {
	broken := errors.New("disk full")
	reader, writer := io.Pipe()
	reader.CloseWithError(broken)
	if err := example().Write(writer); !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "write model card: ") {
		t.Errorf("got %v, want the writer's error", err)
	}
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		"out/sft/final":                         "out/sft/final",
		"../sft":                                "../sft",
		"openai-community/gpt2":                 "openai-community/gpt2",
		"/home/someone/gpt2":                    "gpt2",
		"/home/someone/run/final":               "run/final",
		"/home/someone/run/final/":              "run/final",
		"/home/a name with spaces/gpt2":         "gpt2",
		"/srv/run/checkpoints/step-000100":      "checkpoints/step-000100",
		"/final":                                "final",
		"/":                                     "/",
		"~/models/gpt2":                         "gpt2",
		`C:\Users\someone\run\best`:             "run/best",
		"adapter:/home/someone/run/final":       "adapter:run/final",
		"xla:/opt/lib/pjrt.so":                  "xla:pjrt.so",
		"[/home/someone/a, /home/someone/b]":    "[a, b]",
		"file:///home/someone/a":                "file:a",
		"https://example.org/home/someone":      "https://example.org/home/someone",
		`.*\.(q|v)_proj`:                        `.*\.(q|v)_proj`,
		"h/\\d+/attn, (a|b)/c":                  "h/\\d+/attn, (a|b)/c",
		"1/2 of KL(pi/ref)":                     "1/2 of KL(pi/ref)",
		"two words":                             "two words",
		filepath.Join("data", "pairs.jsonl.gz"): filepath.Join("data", "pairs.jsonl.gz"),
	} {
		if got := shorten(in); got != want {
			t.Errorf("shorten(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	for _, test := range []struct{ name, got, want string }{
		{"plain", inline("a (b), c."), "a (b), c."},
		{"markup", inline("*a* _b_ [c](d) <e> `f` | #g\nh"), `\*a\* \_b\_ \[c\](d) \<e\> \` + "`f\\` \\| \\#g h"},
		{"code", code("a b"), "`a b`"},
		{"code in a table", code("a|b"), "`a\\|b`"},
		{"code with backticks", code("a``b"), "```a``b```"},
		{"code of a backtick", code("`"), "`` ` ``"},
		{"no code", code(""), ""},
		{"paper", cite("A et al., arXiv 2305.18290, Eq. 7; arXiv 2410.05102"), "A et al., [arXiv 2305.18290](https://arxiv.org/abs/2305.18290), Eq. 7; [arXiv 2410.05102](https://arxiv.org/abs/2410.05102)"},
		{"number", number(1234567), "1.235e+06"},
		{"small number", number(-0.00012344), "-0.0001234"},
		{"infinity", number(math.Inf(1)), "Inf"},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %q want %q", test.name, test.got, test.want)
		}
	}
}
