package train

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/loss"
)

// Every method learns eight pairs by heart in thirty steps: the loss falls, the margin of its rewards rises, and the
// evaluation on the same pairs tells the same.
func TestEveryMethodLearns(t *testing.T) {
	for _, o := range loss.All() {
		t.Run(o.Name, func(t *testing.T) {
			b := onGo(t)
			b.pairs("eight.jsonl", 8, 3)
			values := map[string]string{
				"method": o.Name, "data": b.path("eight.jsonl"), "eval_data": b.path("eight.jsonl"), "max_steps": "30", "eval_steps": "30",
				"per_device_train_batch_size": "8", "lr_scheduler_type": "constant", "learning_rate": "0.02",
			}
			if o.Name != "sft" {
				values["beta"] = "0.5"
			}
			result := b.run("run", values)
			records := b.records("run")
			losses := column(records, "loss")
			if len(losses) != 30 || result.Steps != 30 {
				t.Fatalf("%d losses of %d steps, want 30", len(losses), result.Steps)
			}
			if last := losses[29]; !(last < 0.7*losses[0]) {
				t.Errorf("the loss went from %.4f to %.4f, want it to fall by a third", losses[0], last)
			}
			if eval := column(records, "eval_loss"); len(eval) != 1 || !(eval[0] < losses[0]) {
				t.Errorf("evaluation losses %v; the training's began at %.4f", eval, losses[0])
			}
			if !o.Pairs {
				return
			}
			margins := column(records, "rewards/margins")
			if o.Reference && o.Name != "sparse-simpo" && math.Abs(margins[0]) > 1e-6 { // which compares no log-ratios
				t.Errorf("the margin begins at %g, want 0: policy and reference are the same", margins[0])
			}
			if !(margins[29] > margins[0]+0.1) {
				t.Errorf("the margin went from %.4f to %.4f, want it to rise", margins[0], margins[29])
			}
			if accuracies := column(records, "rewards/accuracies"); accuracies[29] < 0.85 {
				t.Errorf("accuracy %.2f after 30 steps", accuracies[29])
			}
			if o.Mask.Learned() != exists(filepath.Join(b.path("run"), finalFolder, "mask.safetensors")) {
				t.Errorf("mask.safetensors beside the model: %v, want %v", !o.Mask.Learned(), o.Mask.Learned())
			}
		})
	}
}

// A step over several small batches is the step over one large one. A large epsilon makes AdamW's update proportional to the
// gradient, so that what is 0 but for rounding (a key's bias) stays small.
func TestAccumulation(t *testing.T) {
	for _, test := range []struct {
		method, weights string
		values          map[string]string
	}{
		{"sft", modelWeights, nil},
		{"tdpo2", modelWeights, nil},
		{"sparse-independent", modelWeights, nil},
		{"sparse-independent", adapterWeights, withAdapter(nil)},
	} {
		t.Run(test.method+" "+test.weights, func(t *testing.T) {
			b := onGo(t)
			values := map[string]string{"method": test.method, "num_train_epochs": "2", "adam_epsilon": "1", "learning_rate": "0.5", "max_grad_norm": "0.2"}
			maps.Copy(values, test.values)
			shapes := [][2]int{{4, 1}, {2, 2}, {1, 4}}
			for i, shape := range shapes {
				all := maps.Clone(values)
				all["per_device_train_batch_size"], all["gradient_accumulation_steps"] = fmt.Sprint(shape[0]), fmt.Sprint(shape[1])
				out := fmt.Sprint(i)
				b.run(out, all)
				got, want := b.records(out), b.records("0")
				if len(got) != len(want) || len(want) != 6 {
					t.Fatalf("%d records, want %d", len(got), len(want))
				}
				for r := range want {
					for name, x := range want[r] {
						golden.Close(t, fmt.Sprintf("batches of %d: record %d: %s", shape[0], r, name), got[r][name], x, 1e-4)
					}
				}
				for name, x := range b.weights("0", finalFolder, test.weights) {
					wide := make([]float64, len(x))
					for j, v := range x {
						wide[j] = float64(v)
					}
					golden.CloseAll(t, fmt.Sprintf("batches of %d: %s", shape[0], name), b.weights(out, finalFolder, test.weights)[name], wide, 1e-5)
				}
			}
		})
	}
}

// A loss that is no number ends the run: the error names the step and the records, and it is not the user's files that are
// wrong. Checkpoints from before stay.
func TestNotFinite(t *testing.T) {
	b := onGo(t)
	err := b.fails("run", map[string]string{"learning_rate": "1e30", "lr_scheduler_type": "constant", "save_steps": "1"})
	if usage.Is(err) {
		t.Errorf("%v: marked as the user's mistake", err)
	}
	named := 0
	for line := 1; line <= 10; line++ {
		if strings.Contains(err.Error(), fmt.Sprintf("pairs.jsonl:%d", line)) {
			named++
		}
	}
	if !strings.HasPrefix(err.Error(), "step 2: ") || !strings.Contains(err.Error(), "not a finite number") || named == 0 {
		t.Errorf("error %q, want the step and its records", err)
	}
	if hints := usage.Hints(err); len(hints) != 1 || !strings.Contains(hints[0], "learning_rate") {
		t.Errorf("hints %q", hints)
	}
	if exists(filepath.Join(b.path("run"), finalFolder)) || !exists(filepath.Join(b.path("run"), "checkpoints/step-000001")) {
		t.Error("want the checkpoint of step 1 and no finished model")
	}
}

func TestCheckpointLimit(t *testing.T) {
	b := onGo(t)
	b.run("run", map[string]string{"max_steps": "7", "save_steps": "2", "save_total_limit": "2"})
	entries, err := os.ReadDir(filepath.Join(b.path("run"), checkpointsFolder))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"step-000004", "step-000006"}; !slices.Equal(names, want) {
		t.Errorf("checkpoints %q, want %q", names, want)
	}
	text, err := os.ReadFile(filepath.Join(b.path("run"), checkpointsFolder, "step-000006", progressFile))
	if err != nil {
		t.Fatal(err)
	}
	var p progress
	if err := json.Unmarshal(text, &p); err != nil || p.Step != 6 || p.Method != "dpo" || p.Pairs != 10 {
		t.Errorf("progress %s, %v", text, err)
	}
}

// A checkpoint that cannot be written leaves nothing under its name.
func TestCheckpointIsWrittenAtOnce(t *testing.T) {
	b := onGo(t)
	b.write("elsewhere", "a file, not a folder")
	if err := os.MkdirAll(b.path("run"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(b.path("elsewhere"), filepath.Join(b.path("run"), checkpointsFolder)); err != nil {
		t.Fatal(err)
	}
	err := b.fails("run", map[string]string{"max_steps": "2", "save_steps": "1"})
	if !strings.Contains(err.Error(), "checkpoints") || usage.Is(err) {
		t.Errorf("error %v", err)
	}
	if exists(filepath.Join(b.path("run"), finalFolder)) {
		t.Error("a finished model beside the error")
	}
}

func TestRefusals(t *testing.T) {
	b := onGo(t)
	b.run("done", map[string]string{"max_steps": "1"})
	b.model("deeper", 16, 2)
	b.run("masked", map[string]string{"max_steps": "1", "method": "sparse-common"})
	common := filepath.Join(b.path("masked"), finalFolder, "mask.safetensors")
	b.write("not-a-mask", "something else")
	b.write("empty.jsonl", "")
	b.write("large-ids.jsonl", `{"prompt": [1], "chosen": [2], "rejected": [13]}`+"\n")
	b.write("text.jsonl", `{"prompt": "a", "chosen": "b", "rejected": "c"}`+"\n")
	tests := []struct {
		name   string
		values map[string]string
		want   string
	}{
		{"a run folder in use", map[string]string{"out": b.path("done")}, "holds a run already"},
		{"max_length beyond the positions", map[string]string{"max_length": "33"}, "max_length: found 33, the model has 32 positions; set max_length to at most that"},
		{"no model", map[string]string{"model": b.path("none")}, "no such folder, and not a hub id"},
		{"no reference", map[string]string{"reference": b.path("none")}, "reference: "},
		{"no data", map[string]string{"data": b.path("none.jsonl")}, "none.jsonl: no such file"},
		{"no records", map[string]string{"data": b.path("empty.jsonl")}, "empty.jsonl"},
		{"ids beyond the vocabulary", map[string]string{"data": b.path("large-ids.jsonl")}, "large-ids.jsonl:1"},
		{"text without a tokenizer", map[string]string{"data": b.path("text.jsonl")}, "text.jsonl:1"},
		{"no evaluation data", map[string]string{"eval_data": b.path("none.jsonl")}, "none.jsonl: no such file"},
		{"no mask", map[string]string{"method": "sparse-common", "mask.init": b.path("none")}, "none"},
		{"not a mask", map[string]string{"method": "sparse-common", "mask.init": b.path("not-a-mask")}, "not-a-mask"},
		{"one mask for two", map[string]string{"method": "sparse-independent", "mask.init": common}, `has one mask and the method needs two; its tensors under "kl." are missing`},
		{"a mask of another model", map[string]string{"method": "sparse-common", "mask.init": common, "reference": b.path("deeper")}, "the reference model (2 layers, hidden size 16) needs [2 16]"},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := b.fails(fmt.Sprint("refused", i), test.values)
			if !strings.Contains(err.Error(), test.want) || !usage.Is(err) {
				t.Errorf("error %v (the user's: %v), want %q", err, usage.Is(err), test.want)
			}
		})
	}
	if hints := usage.Hints(b.fails("done", nil)); len(hints) != 1 || !strings.Contains(hints[0], "--resume") {
		t.Errorf("hints for a run folder in use: %q", hints)
	}
}

// The finished model loads again, with its masks, and has the loss it ended with. An evaluation after a step of learning rate
// 0 shows it.
func TestFinalModel(t *testing.T) {
	for _, method := range []string{"sft", "mapo", "sparse-common", "sparse-independent", "sparse-binary"} {
		t.Run(method, func(t *testing.T) {
			b := onGo(t)
			values := map[string]string{"method": method, "eval_data": b.path("held-out.jsonl"), "max_steps": "4", "eval_steps": "4"}
			if o, _ := loss.Lookup(method); o.Mask.Learned() {
				values["mask.norm"], values["mask.depth"], values["mask.width"] = "false", "2", "3"
			}
			b.run("run", values)
			again := maps.Clone(values)
			again["model"], again["reference"] = filepath.Join(b.path("run"), finalFolder), b.path("model")
			again["learning_rate"], again["max_steps"], again["eval_steps"] = "0", "1", "1"
			if o, _ := loss.Lookup(method); o.Mask.Learned() {
				// The file decides the architecture.
				delete(again, "mask.norm")
				delete(again, "mask.depth")
				delete(again, "mask.width")
				again["mask.init"] = filepath.Join(b.path("run"), finalFolder, "mask.safetensors")
			}
			b.run("again", again)
			want, got := column(b.records("run"), "eval_loss"), column(b.records("again"), "eval_loss")
			golden.CloseAll(t, "eval_loss", got, want, 0)
			if card := b.card("run"); !strings.Contains(card, "`"+method+"`") || !strings.Contains(card, fmt.Sprintf(" %.4g |\n", want[0])) {
				t.Errorf("the model card lacks the method or eval_loss %.4g:\n%s", want[0], card)
			}
		})
	}
}

// With load_best_model_at_end the finished model is that of the lowest eval_loss, also when the run was resumed after it.
func TestLoadBestModelAtEnd(t *testing.T) {
	b := onGo(t)
	// Half of the pairs held out contradict the ones trained on: at first the others gain more, then these lose more.
	content, err := os.ReadFile(b.path("held-out.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	contrary := strings.NewReplacer("chosen", "rejected", "rejected", "chosen").Replace(string(content))
	b.write("mixed.jsonl", string(content)+contrary)
	values := map[string]string{
		"eval_data": b.path("mixed.jsonl"), "max_steps": "8", "eval_steps": "1", "save_steps": "1", "learning_rate": "0.05", "beta": "2",
		"load_best_model_at_end": "true", "lr_scheduler_type": "constant",
	}
	b.run("run", values)
	losses := column(b.records("run"), "eval_loss")
	best := slices.Index(losses, slices.Min(losses))
	if best == len(losses)-1 {
		t.Fatalf("evaluation losses %.4v: the last is the best, so this test says nothing", losses)
	}
	want := b.weights("run", checkpointsFolder, fmt.Sprintf("step-%06d", best+1), "model.safetensors")
	same := func(out string) bool {
		got := b.weights(out, finalFolder, "model.safetensors")
		for name := range want {
			if !slices.Equal(got[name], want[name]) {
				return false
			}
		}
		return true
	}
	if !same("run") {
		t.Errorf("the finished model is not that of step %d, which has the lowest of %.4v", best+1, losses)
	}
	card := b.card("run")
	if steps := fmt.Sprintf("| optimiser steps | %d |\n", best+1); !strings.Contains(card, steps) || !strings.Contains(card, fmt.Sprintf(" %.4g |\n", losses[best])) {
		t.Errorf("the model card lacks %q or the lowest loss, %.4g:\n%s", steps, losses[best], card)
	}
	for _, gone := range []string{finalFolder, "checkpoints/step-000008"} {
		if err := os.RemoveAll(filepath.Join(b.path("run"), gone)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.resume("run", values); err != nil {
		t.Fatal(err)
	}
	if !same("run") || b.card("run") != card {
		t.Error("the finished model of the resumed run is not the best one")
	}
}

// The batches of a run have few shapes, so that the engine builds few graphs.
func TestNumberOfGraphs(t *testing.T) {
	for _, accumulation := range []string{"1", "2"} {
		b := onGo(t)
		b.pairs("many.jsonl", 60, 8)
		c := b.settings("run", map[string]string{
			"data": b.path("many.jsonl"), "eval_data": b.path("many.jsonl"), "gradient_accumulation_steps": accumulation, "method": "sparse-independent",
		})
		s, err := open(context.Background(), c, Options{Backend: b.backend, Log: io.Discard}, func(string, ...any) {})
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		for epoch := range 2 {
			for batches, err := range s.plan.EpochSteps(epoch) {
				if err != nil {
					t.Fatal(err)
				}
				r := &runner{session: s, last: map[string]float64{}, progress: progress{Window: newSummary(), Step: batches.Number}, console: io.Discard, warnedDead: true}
				if err := r.step(batches); err != nil {
					t.Fatal(err)
				}
			}
			for batches, err := range s.evalPlan.EpochSteps(0) {
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.program.Evaluate(&batches.Batches[0], noise(1, batches.Number)); err != nil {
					t.Fatal(err)
				}
			}
		}
		graphs := s.program.Graphs()
		for name, n := range graphs {
			if n > data.DefaultShapes+1 {
				t.Errorf("accumulation %s: %d graphs for %s, want at most %d", accumulation, n, name, data.DefaultShapes+1)
			}
		}
		if graphs["evaluate"] == 0 || graphs["gradient"]+graphs["update"]+graphs["accumulate"] == 0 {
			t.Errorf("graphs %v: nothing was run", graphs)
		}
	}
}
