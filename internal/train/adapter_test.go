package train

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sparsepo/sparsepo/internal/fixture"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/loss"
	"github.com/sparsepo/sparsepo/safetensors"
)

const (
	adapterWeights = "adapter_model.safetensors"
	modelWeights   = "model.safetensors"
)

// withAdapter are settings that train an adapter on every linear layer, without dropout.
func withAdapter(values map[string]string) map[string]string {
	all := map[string]string{"use_peft": "true", "lora_r": "4", "lora_alpha": "8", "lora_dropout": "0", "lora_target_modules": "all-linear"}
	maps.Copy(all, values)
	return all
}

// An adapter learns pairs by heart as the whole model does, with every kind of mask beside it, on a base in float32 and on one
// in four bits.
func TestAdapterLearns(t *testing.T) {
	for method, fall := range map[string]float64{
		"sft": 0.96, "dpo": 0.7, "tdpo2": 0.7, "mapo": 0.85, "sparse-independent": 0.7, // the frozen head lets logits grow only so far
	} {
		for _, bits := range []string{"32", "4"} {
			t.Run(method+" "+bits, func(t *testing.T) {
				b := onGo(t)
				b.pairs("eight.jsonl", 8, 3)
				values := withAdapter(map[string]string{
					"method": method, "data": b.path("eight.jsonl"), "max_steps": "30", "load_in_4bit": fmt.Sprint(bits == "4"),
					"per_device_train_batch_size": "8", "lr_scheduler_type": "constant", "learning_rate": "0.05",
				})
				if method != "sft" {
					values["beta"] = "0.5"
				}
				b.run("run", values)
				records := b.records("run")
				losses := column(records, "loss")
				if last := losses[29]; !(last < fall*losses[0]) {
					t.Errorf("the loss went from %.4f to %.4f, want %g of it at most", losses[0], last, fall)
				}
				o, _ := loss.Lookup(method)
				if o.Reference {
					if begin := column(records, "rewards/margins")[0]; math.Abs(begin) > 1e-6 {
						t.Errorf("the margin begins at %g, want 0: the fresh adapter changes nothing", begin)
					}
				}
				final := filepath.Join(b.path("run"), finalFolder)
				if exists(filepath.Join(final, modelWeights)) || exists(filepath.Join(final, "mask.safetensors")) != o.Mask.Learned() {
					t.Errorf("want the adapter alone, and masks: %v", o.Mask.Learned())
				}
			})
		}
	}
}

// Fine-tuning leaves an adapter that preference training starts from. Compared with that adapter the policy begins at log 2;
// compared with the base it begins elsewhere, and so it does with a copy of the base in a folder of its own.
func TestFromAnAdapter(t *testing.T) {
	b := onGo(t)
	b.run("sft", withAdapter(map[string]string{"method": "sft", "max_steps": "10", "learning_rate": "0.05"}))
	sft := filepath.Join(b.path("sft"), finalFolder)
	if err := os.CopyFS(b.path("copy"), os.DirFS(b.path("model"))); err != nil {
		t.Fatal(err)
	}
	first := map[string]float64{}
	for name, reference := range map[string]string{"adapter": "adapter:" + sft, "base": "base", "copy": b.path("copy")} {
		b.run(name, map[string]string{"model": sft, "reference": reference, "max_steps": "3", "eval_data": b.path("held-out.jsonl")})
		first[name] = column(b.records(name), "loss")[0]
	}
	golden.Close(t, "first loss against the adapter", first["adapter"], math.Ln2, 1e-6)
	if math.Abs(first["base"]-math.Ln2) < 1e-3 {
		t.Errorf("first loss %.6f against the base: the adapter that training starts from changes nothing", first["base"])
	}
	for i, record := range b.records("copy") {
		for name, x := range b.records("base")[i] {
			golden.Close(t, "with a copy of the base: "+name, record[name], x, 1e-6)
		}
	}
	// The adapter that is the reference stays as it was while the one that started from it moves.
	before, after := b.weights("sft", finalFolder, adapterWeights), b.weights("adapter", finalFolder, adapterWeights)
	for name := range before {
		if slices.Equal(before[name], after[name]) {
			t.Errorf("%s did not move", name)
		}
	}
}

// The finished adapter loads again, with its masks, and has the loss it ended with.
func TestFinalAdapter(t *testing.T) {
	for _, bits := range []string{"32", "4"} {
		b := onGo(t)
		values := withAdapter(map[string]string{
			"method": "sparse-independent", "eval_data": b.path("held-out.jsonl"), "max_steps": "4", "eval_steps": "4", "load_in_4bit": fmt.Sprint(bits == "4"),
		})
		b.run("run", values)
		final := filepath.Join(b.path("run"), finalFolder)
		b.run("again", map[string]string{
			"model": final, "reference": "base", "method": "sparse-independent", "eval_data": b.path("held-out.jsonl"), "load_in_4bit": values["load_in_4bit"],
			"learning_rate": "0", "max_steps": "1", "eval_steps": "1", "mask.init": filepath.Join(final, "mask.safetensors"),
		})
		want, got := column(b.records("run"), "eval_loss"), column(b.records("again"), "eval_loss")
		golden.CloseAll(t, bits+" bits: eval_loss", got, want, 0)
		for name, x := range b.weights("run", finalFolder, adapterWeights) {
			if !slices.Equal(b.weights("again", finalFolder, adapterWeights)[name], x) {
				t.Errorf("%s bits: %s is another after a step of learning rate 0", bits, name)
			}
		}
		if card := b.card("run"); !strings.Contains(card, "library_name: peft") || !strings.Contains(card, "mask.safetensors") {
			t.Errorf("model card:\n%s", card)
		}
	}
}

func TestLoadBestAdapterAtEnd(t *testing.T) {
	b := onGo(t)
	b.run("run", withAdapter(map[string]string{
		"eval_data": b.path("held-out.jsonl"), "max_steps": "8", "eval_steps": "1", "save_steps": "1", "learning_rate": "0.2", "beta": "5",
		"load_best_model_at_end": "true", "lr_scheduler_type": "constant",
	}))
	losses := column(b.records("run"), "eval_loss")
	best := slices.Index(losses, slices.Min(losses))
	if best == len(losses)-1 {
		t.Fatalf("evaluation losses %.4v: the last is the best, so this test says nothing", losses)
	}
	want := b.weights("run", checkpointsFolder, fmt.Sprintf("step-%06d", best+1), adapterWeights)
	for name, x := range b.weights("run", finalFolder, adapterWeights) {
		if !slices.Equal(x, want[name]) {
			t.Errorf("%s is not that of step %d, which has the lowest of %.4v", name, best+1, losses)
		}
	}
}

// Gradient checkpointing changes memory and time only, here through the settings of a run.
func TestGradientCheckpointing(t *testing.T) {
	b := onGo(t)
	values := withAdapter(map[string]string{"method": "tdpo2", "max_steps": "3", "lora_dropout": "0.3"})
	b.run("kept", values)
	values["gradient_checkpointing"] = "true"
	b.run("computed", values)
	for i, record := range b.records("computed") {
		for name, x := range b.records("kept")[i] {
			golden.Close(t, name, record[name], x, 1e-5)
		}
	}
}

// Dropout on the adapter's input makes training losses differ and leaves evaluations alone.
func TestLoraDropout(t *testing.T) {
	b := onGo(t)
	b.run("sft", withAdapter(map[string]string{"method": "sft", "max_steps": "10", "learning_rate": "0.05", "lora_dropout": "0.5"}))
	sft := filepath.Join(b.path("sft"), finalFolder)
	b.run("run", map[string]string{
		"model": sft, "reference": "adapter:" + sft, "max_steps": "1", "learning_rate": "0", "eval_data": b.path("held-out.jsonl"), "eval_steps": "1",
	})
	records := b.records("run")
	if first := column(records, "loss")[0]; math.Abs(first-math.Ln2) < 1e-4 {
		t.Errorf("loss %.6f in training: nothing was dropped", first)
	}
	golden.CloseAll(t, "eval_loss", column(records, "eval_loss"), []float64{math.Ln2}, 1e-6)
}

// Weights stay in the type that they are stored in: a whole model's, and the base's below an adapter, also when the passes are
// computed in another.
func TestDTypeIsKept(t *testing.T) {
	for _, stored := range []string{"BF16", "F16", "F32"} {
		b := onGo(t)
		if err := fixture.Model(b.path("half"), "gpt2", stored); err != nil {
			t.Fatal(err)
		}
		b.run("whole", map[string]string{"model": b.path("half"), "max_steps": "1"})
		b.run("adapter", withAdapter(map[string]string{"model": b.path("half"), "max_steps": "1", "dtype": "bfloat16"}))
		for file, want := range map[string]string{
			filepath.Join(b.path("whole"), finalFolder, modelWeights): stored, filepath.Join(b.path("adapter"), finalFolder, adapterWeights): "F32",
		} {
			f, err := safetensors.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range f.Names() {
				if x, _ := f.Tensor(name); x.DType != want {
					t.Errorf("%s model, %s: %s is %s", stored, file, name, x.DType)
				}
			}
			f.Close()
		}
	}
}

// Passes in bfloat16 give the losses of float32 to its precision.
func TestBFloat16(t *testing.T) {
	b := onGo(t)
	values := withAdapter(map[string]string{"method": "tdpo2", "max_steps": "3"})
	b.run("float32", values)
	values["dtype"] = "bfloat16"
	b.run("bfloat16", values)
	want, got := column(b.records("float32"), "logps/chosen"), column(b.records("bfloat16"), "logps/chosen")
	golden.CloseAll(t, "logps/chosen", got, want, 0.05)
	if slices.Equal(got, want) {
		t.Error("the same to the last bit: not computed in bfloat16")
	}
}

// Every family trains beside a base in four bits: policy and reference share it and begin as one model, a little beside the
// model of all bits, and the loss moves as that one's does.
func TestFourBitsInEveryFamily(t *testing.T) {
	for family := range golden.TinyConfigs(golden.Size{Vocab: 8, Hidden: 8, Layers: 1, Heads: 2, Positions: 8}) {
		t.Run(family, func(t *testing.T) {
			b := onGo(t)
			if err := fixture.Model(b.path("small"), family, "F32"); err != nil {
				t.Fatal(err)
			}
			values := withAdapter(map[string]string{"model": b.path("small"), "max_steps": "5", "learning_rate": "0.02", "lr_scheduler_type": "constant", "beta": "2", "per_device_train_batch_size": "10"})
			b.run("32", values)
			values["load_in_4bit"] = "true"
			b.run("4", values)
			want, got := column(b.records("32"), "loss"), column(b.records("4"), "loss")
			golden.Close(t, "first loss", got[0], math.Ln2, 1e-6)
			first, last := want[0], slices.Min(want)
			if last > 0.95*first {
				t.Fatalf("losses %.4v: nothing is learned", want)
			}
			for i := range want {
				golden.Close(t, fmt.Sprintf("loss at step %d", i+1), got[i], want[i], 0.2*(first-last))
			}
			if whole, quantised := column(b.records("32"), "logps/chosen")[0], column(b.records("4"), "logps/chosen")[0]; whole == quantised {
				t.Error("the base computes the same to the last bit: it is not in four bits")
			}
		})
	}
}

func TestAdapterRefusals(t *testing.T) {
	b := onGo(t)
	b.run("sft", withAdapter(map[string]string{"method": "sft", "max_steps": "1"}))
	sft := filepath.Join(b.path("sft"), finalFolder)
	for i, test := range []struct {
		name   string
		values map[string]string
		want   string
	}{
		{"no reference", map[string]string{"model": sft}, "is an adapter, so what it is compared with must be said"},
		{"an adapter on an adapter", map[string]string{"model": sft, "reference": "base", "use_peft": "true"}, "is an adapter already"},
		{"four bits without an adapter", map[string]string{"load_in_4bit": "true"}, "load_in_4bit: weights in four bits cannot be trained"},
		{"targets that are none", map[string]string{"use_peft": "true", "lora_target_modules": "q_proj"}, `"q_proj" is no linear layer`},
		{"masks of another method", map[string]string{"model": sft, "reference": "base", "method": "sparse-common", "mask.init": filepath.Join(sft, adapterWeights)}, "reward.layer.weight"},
	} {
		err := b.fails(fmt.Sprint("refused", i), test.values)
		if !strings.Contains(err.Error(), test.want) || !usage.Is(err) {
			t.Errorf("%s: error %v (the user's: %v), want %q", test.name, err, usage.Is(err), test.want)
		}
	}
}
