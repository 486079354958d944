package train

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/usage"
)

// countdown is a context that is cancelled when it is asked for the given time.
type countdown struct {
	context.Context
	left atomic.Int64
}

func newCountdown(n int) *countdown {
	c := &countdown{Context: context.Background()}
	c.left.Store(int64(n))
	return c
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// sameRun compares two runs' weights, masks and metrics, bit for bit.
func (b *bench) sameRun(what, got, want string) {
	b.Helper()
	if diff := cmp.Diff(b.records(want), b.records(got)); diff != "" {
		b.Errorf("%s: metrics (-uninterrupted +resumed):\n%s", what, diff)
	}
	if diff := cmp.Diff(b.card(want), b.card(got)); diff != "" {
		b.Errorf("%s: model card (-uninterrupted +resumed):\n%s", what, diff)
	}
	for _, file := range []string{"model.safetensors", "adapter_model.safetensors", "mask.safetensors"} {
		if !exists(filepath.Join(b.path(want), finalFolder, file)) {
			continue
		}
		if diff := cmp.Diff(b.weights(want, finalFolder, file), b.weights(got, finalFolder, file)); diff != "" {
			b.Errorf("%s: %s differs", what, file)
		}
	}
}

var resumable = []struct {
	name   string
	values map[string]string
}{
	{"dpo", map[string]string{"method": "dpo"}},
	{"dpo, accumulated", map[string]string{"method": "dpo", "per_device_train_batch_size": "2", "gradient_accumulation_steps": "2"}},
	{"independent masks with dropout", map[string]string{"method": "sparse-independent", "mask.dropout": "0.3", "l1_u": "0.01"}},
	{"independent masks with dropout, accumulated", map[string]string{
		"method": "sparse-independent", "mask.dropout": "0.3", "per_device_train_batch_size": "2", "gradient_accumulation_steps": "2",
	}},
	{"random mask", map[string]string{"method": "sparse-random"}},
	{"adapter with dropout and masks, accumulated", withAdapter(map[string]string{
		"method": "sparse-independent", "lora_dropout": "0.3", "mask.dropout": "0.3", "per_device_train_batch_size": "2", "gradient_accumulation_steps": "2",
	})},
	{"adapter with dropout on four bits", withAdapter(map[string]string{"method": "dpo", "lora_dropout": "0.3", "load_in_4bit": "true"})},
}

// course are settings of six steps in two epochs of three steps, the last of each with fewer pairs, with evaluations.
func course(values map[string]string) map[string]string {
	all := map[string]string{
		"num_train_epochs": "2", "logging_steps": "2", "eval_steps": "2", "warmup_steps": "2", "lr_scheduler_type": "cosine", "weight_decay": "0.1",
	}
	maps.Copy(all, values)
	return all
}

// A run that is cancelled, at whatever moment, and resumed is the run that was never cancelled.
func TestResumeAfterCancel(t *testing.T) {
	for _, r := range resumable {
		if r.values["load_in_4bit"] != "" {
			continue // slow; TestResumeAfterKill has it
		}
		t.Run(r.name, func(t *testing.T) {
			b := onGo(t)
			values := course(r.values)
			values["eval_data"] = b.path("held-out.jsonl")
			b.run("whole", values)
			cancelled := 0
			for asked := 2; ; asked++ {
				out := "cut-" + string(rune('a'+asked))
				_, err := Run(newCountdown(asked), b.settings(out, values), Options{Backend: b.backend, Log: io.Discard})
				if err == nil {
					break
				}
				if !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				cancelled++
				if _, err := b.resume(out, values); err != nil {
					t.Fatal(err)
				}
				b.sameRun(out, out, "whole")
			}
			t.Logf("cancelled at %d moments", cancelled)
			if cancelled < 6 {
				t.Errorf("cancelled at %d moments, want one at every step at least", cancelled)
			}
		})
	}
}

// A run that is killed loses what came after its last checkpoint and goes on from there.
func TestResumeAfterKill(t *testing.T) {
	onEngines(t, func(b *bench) {
		for _, r := range resumable {
			if b.slow && r.name != "independent masks with dropout, accumulated" && r.name != "dpo" {
				continue // the Go engine has had all of them
			}
			values := course(r.values)
			values["eval_data"], values["save_steps"] = b.path("held-out.jsonl"), "2"
			whole, killed := "whole "+r.name, "killed "+r.name
			b.run(whole, values)
			if err := os.CopyFS(b.path(killed), os.DirFS(b.path(whole))); err != nil {
				b.Fatal(err)
			}
			for _, gone := range []string{finalFolder, "checkpoints/step-000004", "checkpoints/step-000006"} {
				if err := os.RemoveAll(filepath.Join(b.path(killed), gone)); err != nil {
					b.Fatal(err)
				}
			}
			// What a kill leaves behind: a checkpoint half written, a line half written.
			if err := os.Mkdir(filepath.Join(b.path(killed), checkpointsFolder, ".step-000004.tmp-ABC"), 0o755); err != nil {
				b.Fatal(err)
			}
			appendTo(b, filepath.Join(b.path(killed), "metrics.jsonl"), `{"step": 6, "epo`)
			result, err := b.resume(killed, values)
			if err != nil {
				b.Fatal(err)
			}
			if result.Steps != 6 {
				b.Errorf("%s: %d steps, want 6", r.name, result.Steps)
			}
			b.sameRun(r.name, killed, whole)
		}
	})
}

func appendTo(b *bench, path, text string) {
	b.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		b.Fatal(err)
	}
}

// Resuming a finished run changes nothing, and so does resuming what never began.
func TestResumeWithNothingToDo(t *testing.T) {
	b := onGo(t)
	values := map[string]string{"num_train_epochs": "1", "save_steps": "3"}
	b.run("whole", values)
	if _, err := b.resume("fresh", values); err != nil {
		t.Fatal(err)
	}
	b.sameRun("fresh", "fresh", "whole")
	if _, err := b.resume("fresh", values); err != nil {
		t.Fatal(err)
	}
	b.sameRun("finished", "fresh", "whole")
}

func TestResumeErrors(t *testing.T) {
	b := onGo(t)
	b.model("wider", 24, 1)
	b.model("deeper", 16, 2)
	b.pairs("fewer.jsonl", 7, 1)
	values := map[string]string{"max_steps": "3", "save_steps": "2"}
	b.run("run", values)
	tests := []struct {
		name   string
		values map[string]string
		want   string
	}{
		{"another method", map[string]string{"method": "tdpo1"}, "its method is dpo, this run's is tdpo1"},
		{"other data", map[string]string{"data": b.path("fewer.jsonl")}, "its number of training records is 10, this run's is 7"},
		{"a wider model", map[string]string{"model": b.path("wider")}, "it is a checkpoint of another model"},
		{"a deeper model", map[string]string{"model": b.path("deeper")}, "it is a checkpoint of another model or method"},
		{"an adapter", withAdapter(nil), "it is a checkpoint of another model"},
		{"a shorter run", map[string]string{"max_steps": "1"}, "is at step 2, this run ends at step 1"},
	}
	for _, test := range tests {
		all := maps.Clone(values)
		maps.Copy(all, test.values)
		_, err := b.resume("run", all)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
		if !usage.Is(err) {
			t.Errorf("%s: error %v is not marked as the user's", test.name, err)
		}
	}
	for text, want := range map[string]string{"{": "progress.json is malformed", "{}": "progress.json is malformed"} {
		b.write("run/checkpoints/step-000002/progress.json", text)
		if _, err := b.resume("run", values); !usage.Is(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("progress %q: error %v, want %q", text, err, want)
		}
	}
}
