package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sparsepo/sparsepo/internal/atomicfile"
	"github.com/sparsepo/sparsepo/internal/corpus"
	"github.com/sparsepo/sparsepo/internal/frontier"
	"github.com/sparsepo/sparsepo/internal/jsonl"
	"github.com/sparsepo/sparsepo/internal/sweep"
	"github.com/sparsepo/sparsepo/internal/usage"
)

// Sizes of the demo: on two cores it takes some four minutes with ONNX Runtime and ten with the Go engine.
const (
	demoReviews     = 4000
	demoTestReviews = 500
	demoBeginnings  = 512 // beginnings of reviews that pairs are sampled for
	demoPrompts     = 96  // other beginnings, that the frontier is measured on
	demoSeed        = 42
	demoMethods     = "dpo,tdpo2,simpo,dpop,mapo,sparse-common,sparse-independent"
)

// newDemoCommand runs the whole sentiment experiment at a small size.
func newDemoCommand(app *App) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "demo [--out FOLDER]",
		Short: "Run the paper's sentiment experiment, small, from nothing to the report",
		Long: `Run the sentiment experiment of the paper at a small size, without any file or network: make up film reviews, learn a
tokenizer, fine-tune a small GPT-2 on them, fit a reward model to their labels, sample pairs of completions and score them,
train with every kind of objective, sample and score again, and write report.html.

Each stage is a command of this program, printed before it runs; run any of them again by hand. All numbers are measured.`,
		Example: `  sparsepo demo --out demo-out`,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runDemo(app, cmd, out) },
	}
	cmd.Flags().StringVar(&out, "out", "demo-out", "folder to write")
	return cmd
}

// demoStages are the commands of the demo, with OUT for its folder.
var demoStages = []string{
	"tokenizer train --data OUT/data/train.jsonl --vocab-size 1024 --out OUT/tokenizer",
	"init --tokenizer OUT/tokenizer --layers 3 --hidden 128 --heads 4 --positions 64 --out OUT/base",
	"sft --model OUT/base --data OUT/data/train.jsonl --out OUT/sft --set max_length=64 --set max_prompt_length=32" +
		" --set per_device_train_batch_size=32 --set num_train_epochs=2 --learning-rate 3e-3 --set lr_scheduler_type=cosine" +
		" --set warmup_ratio=0.05 --set weight_decay=0.1",
	"reward train --data OUT/data/train.jsonl --eval-data OUT/data/test.jsonl --out OUT/reward",
	"pairs --model OUT/sft/final --reward OUT/reward --data OUT/data/beginnings.jsonl --max-new-tokens 32 --out OUT/data/pairs.jsonl",
	"sweep --methods " + demoMethods + " --betas 0.1 --model OUT/sft/final --data OUT/data/pairs.jsonl --out OUT/runs" +
		" --set max_length=64 --set max_prompt_length=24 --set per_device_train_batch_size=16 --learning-rate 3e-4" +
		" --set alpha=0.7 --set gamma=0.3 --set lambda=50 --set mask.learning_rate=1e-2 --set logging_steps=4" +
		" --set frontier.every=20 --set frontier.prompts=OUT/data/prompts.jsonl --set frontier.reward=OUT/reward" +
		" --set frontier.max_new_tokens=32 --set per_device_eval_batch_size=32",
}

func runDemo(app *App, cmd *cobra.Command, out string) error {
	if _, err := os.Stat(filepath.Join(out, "runs", sweep.FrontierFile)); err == nil {
		return usage.Errorf("--out: %s holds a finished demo; choose another folder or remove it", out)
	}
	if strings.ContainsAny(out, " \t") {
		return usage.Errorf("--out: found %q; the demo prints its commands, choose a folder without spaces", out)
	}
	start := time.Now()
	if err := writeDemoCorpus(filepath.Join(out, "data")); err != nil {
		return err
	}
	stages := *app // the stages' own results are progress here
	stages.Stdout, stages.JSON = app.Stderr, false
	for _, line := range demoStages {
		line = strings.ReplaceAll(line, "OUT", out)
		stage := strings.Fields(line)
		if demoDone(stage) {
			fmt.Fprintf(app.Stderr, "done before: sparsepo %s\n", line)
			continue
		}
		fmt.Fprintf(app.Stderr, "\n$ sparsepo %s\n", line)
		root := newRoot(&stages)
		root.SetArgs(append(stage, "--engine", stages.engineName()))
		if err := root.ExecuteContext(cmd.Context()); err != nil {
			return fmt.Errorf("sparsepo %s: %w", stage[0], err)
		}
	}
	return printDemo(app, out, time.Since(start))
}

// engineName is the name to give --engine again.
func (a *App) engineName() string {
	if a.Engine == "" {
		return "auto"
	}
	return a.Engine
}

// demoDone reports whether a stage's result is there, from a demo that was interrupted. A sweep decides for itself.
func demoDone(stage []string) bool {
	if stage[0] == "sweep" {
		return false
	}
	for i, word := range stage[:len(stage)-1] {
		if word == "--out" {
			result := stage[i+1]
			if stage[0] == "sft" {
				result = filepath.Join(result, "final")
			}
			_, err := os.Stat(result)
			return err == nil
		}
	}
	return false
}

// writeDemoCorpus makes up the reviews.
func writeDemoCorpus(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return usage.Errorf("make the demo's folder: %w", err)
	}
	type review struct {
		Text  string `json:"text"`
		Label int    `json:"label"`
	}
	type prompt struct {
		Prompt string `json:"prompt"`
	}
	var prompts, beginnings []any
	seen := map[string]bool{}
	for _, text := range corpus.Prefixes(4*(demoPrompts+demoBeginnings), demoSeed) {
		switch {
		case seen[text]:
		case len(prompts) < demoPrompts:
			prompts = append(prompts, prompt{text})
		case len(beginnings) < demoBeginnings:
			beginnings = append(beginnings, prompt{text})
		}
		seen[text] = true
	}
	reviews := func(n int, seed uint64) []any {
		var list []any
		for _, r := range corpus.Reviews(n, seed) {
			list = append(list, review{r.Text, r.Label})
		}
		return list
	}
	for name, records := range map[string][]any{
		"train.jsonl": reviews(demoReviews, demoSeed), "test.jsonl": reviews(demoTestReviews, demoSeed+1),
		"prompts.jsonl": prompts, "beginnings.jsonl": beginnings,
	} {
		if err := jsonl.Save(filepath.Join(folder, name), records); err != nil {
			return fmt.Errorf("write the corpus: %w", err)
		}
	}
	return nil
}

// demoResult is what "demo --json" prints.
type demoResult struct {
	Report  string          `json:"report"`
	Seconds float64         `json:"seconds"`
	Methods []demoMethodRow `json:"methods"`
}

type demoMethodRow struct {
	Method      string  `json:"method"`
	Reward      float64 `json:"reward"`       // mean at the end of training
	KL          float64 `json:"kl"`           // mean at the end, nats
	RewardStart float64 `json:"reward_start"` // of the SFT model on the same prompts
}

func printDemo(app *App, out string, took time.Duration) error {
	runs := filepath.Join(out, "runs")
	measured, err := readDemoFrontier(runs)
	if err != nil {
		return err
	}
	result := demoResult{Report: filepath.Join(out, "report.html"), Seconds: took.Seconds()}
	page, err := os.ReadFile(filepath.Join(runs, "report.html"))
	if err != nil {
		return fmt.Errorf("read the report: %w", err)
	}
	if err := atomicfile.WriteFile(result.Report, page); err != nil {
		return err
	}
	for i, p := range measured.Points {
		if p.Step == 0 {
			result.Methods = append(result.Methods, demoMethodRow{Method: p.Method, RewardStart: p.Reward})
		}
		if i+1 == len(measured.Points) || measured.Points[i+1].Step == 0 {
			row := &result.Methods[len(result.Methods)-1]
			row.Reward, row.KL = p.Reward, p.KL
		}
	}
	if app.JSON {
		return app.PrintJSON(result)
	}
	fmt.Fprintf(app.Stdout, "\nmean reward of sampled responses; the SFT model's is %.3f\n", result.Methods[0].RewardStart)
	for _, m := range result.Methods {
		fmt.Fprintf(app.Stdout, "  %-20s %.3f at KL %.2f\n", m.Method, m.Reward, m.KL)
	}
	fmt.Fprintf(app.Stdout, "%.0f s in all; report: %s\n", took.Seconds(), result.Report)
	return nil
}

// readDemoFrontier reads what the demo's sweep wrote.
func readDemoFrontier(runs string) (*frontier.Result, error) {
	path := filepath.Join(runs, sweep.FrontierFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the frontier: %w", err)
	}
	var result frontier.Result
	if err := json.Unmarshal(text, &result); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return &result, nil
}
