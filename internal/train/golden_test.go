package train

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/loss"
)

// stepBound is what a float32 PyTorch run keeps to; an engine's slack multiplies it.
const stepBound = 4e-5

// One step of a whole run, from files to files, gives the weights that the golden cases state for a step of AdamW.
func TestGoldenStep(t *testing.T) {
	folder := golden.Shared(t, "golden", "gpt2")
	expected := golden.Read(t, folder)
	if len(expected.Step) < 6 {
		t.Fatalf("%d cases have a step, want at least 6", len(expected.Step))
	}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		for _, name := range slices.Sorted(maps.Keys(expected.Step)) {
			if e.Name != "go" && name != "sparse-independent" {
				continue // package step compares every case on every engine
			}
			t.Run(name, func(t *testing.T) {
				b := newBench(t, e.Backend)
				b.run("run", goldenSettings(t, folder, expected, expected.Cases[name]))
				final := b.weights("run", finalFolder, "model.safetensors")
				if o, _ := loss.Lookup(expected.Cases[name].Method); o.Mask.Learned() {
					for tensor, values := range b.weights("run", finalFolder, "mask.safetensors") {
						final["mask."+tensor] = values
					}
				}
				for tensor, want := range expected.Step[name] {
					values, ok := final[tensor]
					if !ok {
						t.Errorf("no tensor %s in the finished model", tensor)
						continue
					}
					sum, squares := 0.0, 0.0
					for _, v := range values {
						sum += float64(v)
						squares += float64(v) * float64(v)
					}
					golden.Close(t, "sum of "+tensor, sum, want.Sum, stepBound*e.Slack)
					golden.Close(t, "squares of "+tensor, squares, want.SumSq, stepBound*e.Slack)
				}
				losses := column(b.records("run"), "loss")
				golden.CloseAll(t, "loss", losses, []float64{expected.Loss[name].Mean}, 1e-5*e.Slack)
			})
		}
	})
}

// goldenSettings are the settings of a case; keys that its method does not read are left out.
func goldenSettings(t *testing.T, folder string, expected golden.Expected, c golden.Case) map[string]string {
	t.Helper()
	s := expected.Settings
	number := func(x float64) string { return fmt.Sprint(x) }
	values := map[string]string{
		"model": filepath.Join(folder, "policy"), "reference": filepath.Join(folder, "reference"), "data": filepath.Join(folder, "pairs.jsonl"),
		"method": c.Method, "max_steps": "1", "per_device_train_batch_size": "4", "max_length": "64", "max_prompt_length": "32",
		"lr_scheduler_type": "constant", "max_grad_norm": "0", "weight_decay": number(s.WeightDecay), "learning_rate": number(s.LearningRate),
	}
	optional := map[string]string{
		"beta": number(s.Beta), "alpha": number(s.Alpha), "gamma": number(s.Gamma), "lambda": number(s.Lambda),
		"mask.weight_decay": number(s.MaskWeightDecay), "kl": c.KL, "mask.map": c.Map,
	}
	if c.L1 {
		optional["l1_u"], optional["l1_d"] = number(s.L1U), number(s.L1D)
	}
	if c.Mask != "" {
		optional["mask.init"] = filepath.Join(folder, c.Mask)
	}
	o, ok := loss.Lookup(c.Method)
	if !ok {
		t.Fatalf("no objective %q", c.Method)
	}
	for key, value := range optional {
		if value != "" && slices.Contains(o.Reads, key) {
			values[key] = value
		}
	}
	return values
}
