package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/internal/golden"
)

// precomputing trains with the reference's values from a cache beside the runs and returns the log.
func (b *bench) precomputing(out string, values map[string]string) string {
	b.Helper()
	all := maps.Clone(values)
	all["precompute_ref_log_probs"] = "true"
	return b.logOf(out, all)
}

func (b *bench) logOf(out string, values map[string]string) string {
	b.Helper()
	var log bytes.Buffer
	if _, err := Run(context.Background(), b.settings(out, values), b.options(&log)); err != nil {
		b.Fatal(err)
	}
	return log.String()
}

func (b *bench) options(log io.Writer) Options {
	return Options{Backend: b.backend, Log: log, ReferenceCache: b.path("cache")}
}

// like compares a run's metrics and weights with another's, but for metrics that start with one of the names.
func (b *bench) like(got, want string, bound float64, but ...string) {
	b.Helper()
	left, right := b.records(got), b.records(want)
	if len(left) != len(right) {
		b.Fatalf("%s has %d records, %s %d", got, len(left), want, len(right))
	}
	gone := func(name string) bool {
		return slices.ContainsFunc(but, func(prefix string) bool { return strings.HasPrefix(strings.TrimPrefix(name, "eval_"), prefix) })
	}
	for i, record := range right {
		for name, x := range record {
			y, there := left[i][name]
			switch {
			case gone(name) && strings.Contains(name, "kl/") && there:
				b.Errorf("%s: record %d has %s", got, i, name)
			case !gone(name) && !there:
				b.Errorf("%s: record %d lacks %s", got, i, name)
			case !gone(name):
				golden.Close(b, fmt.Sprintf("%s: record %d: %s", got, i, name), y, x, bound)
			}
		}
	}
	for _, file := range []string{modelWeights, adapterWeights, "mask.safetensors"} {
		if !exists(filepath.Join(b.path(want), finalFolder, file)) {
			continue
		}
		own := b.weights(got, finalFolder, file)
		for name, list := range b.weights(want, finalFolder, file) {
			worst := 0.0
			for i, x := range list {
				worst = max(worst, math.Abs(float64(own[name][i]-x)))
			}
			if worst > bound {
				b.Errorf("%s: %s of %s is off by %.2g", got, name, file, worst)
			}
		}
	}
}

// klMetrics are what a run without the reference's distributions cannot know.
var klMetrics = []string{"kl/", "token_kl/"}

// A run with precomputed values is the run without them: with a reference of its own and with one that shares its weights, in
// packed rows, accumulated, with evaluations.
func TestPrecomputed(t *testing.T) {
	runs := map[string]map[string]string{
		"dpo":                   {"method": "dpo"},
		"dpop":                  {"method": "dpop"},
		"tdpo1":                 {"method": "tdpo1"},
		"tdpo2":                 {"method": "tdpo2", "per_device_train_batch_size": "2", "gradient_accumulation_steps": "2"},
		"mapo":                  {"method": "mapo", "mask.map": "zscore"},
		"sparse-common":         {"method": "sparse-common", "mask.layers": "last"},
		"sparse-independent":    {"method": "sparse-independent", "mask.dropout": "0.3", "l1_u": "0.01"},
		"sparse-binary":         {"method": "sparse-binary"},
		"sparse-random":         {"method": "sparse-random"},
		"dpo, adapter":          withAdapter(map[string]string{"method": "dpo", "lora_dropout": "0.3"}),
		"tdpo1, bfloat16":       {"method": "tdpo1", "dtype": "bfloat16"},
		"dpo, bfloat16":         {"method": "dpo", "dtype": "bfloat16"},
		"sparse, adapter":       withAdapter(map[string]string{"method": "sparse-independent"}),
		"tdpo1, adapter, 4 bit": withAdapter(map[string]string{"method": "tdpo1", "load_in_4bit": "true"}),
	}
	onEngines(t, func(b *bench) {
		b.model("reference", 16, 2)
		b.model("deep", 16, 2)
		for name, values := range runs {
			if b.slow && name != "dpo, adapter" && name != "sparse-independent" {
				continue // the Go engine has had all of them
			}
			all := course(values)
			all["eval_data"], all["model"] = b.path("held-out.jsonl"), b.path("deep")
			// A large epsilon makes updates proportional to gradients, so that what is 0 but for rounding stays small.
			all["adam_epsilon"], all["learning_rate"] = "1", "0.5"
			if all["use_peft"] == "" {
				all["reference"] = b.path("reference")
			}
			var but []string
			if method := all["method"]; method == "dpo" || method == "dpop" {
				but = klMetrics
			}
			b.run("plain "+name, all)
			b.precomputing("given "+name, all)
			bound := 2e-6
			if b.slow { // whose products depend on the shape of the batch in their last digit: that decides whether a reward of 0 is right
				bound, but = 1e-5, append(but, "rewards/accuracies")
			}
			b.like("given "+name, "plain "+name, bound, but...)
			log := b.precomputing("again "+name, all)
			if !strings.Contains(log, "of 15 pairs from "+b.path("cache")+", 0 of them to compute (0.0 MB)") || strings.Contains(log, "computed in") {
				b.Errorf("%s: the second run computes again:\n%s", name, log)
			}
			b.sameRun(name, "again "+name, "given "+name)
		}
	})
}

// Runs that are killed or cancelled and resumed are the runs that were not, also where the cancelling hits the reference's pass.
func TestResumePrecomputed(t *testing.T) {
	for _, method := range []string{"dpo", "sparse-independent"} {
		b := onGo(t)
		values := course(map[string]string{"method": method, "precompute_ref_log_probs": "true", "per_device_eval_batch_size": "2"})
		values["eval_data"] = b.path("held-out.jsonl")
		b.logOf("whole", values)
		cancelled := 0
		for asked := 1; ; asked++ {
			out := fmt.Sprintf("cut-%d", asked)
			o := b.options(io.Discard)
			o.ReferenceCache = b.path(fmt.Sprintf("cache-%d", asked))
			_, err := Run(newCountdown(asked), b.settings(out, values), o)
			if err == nil {
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			cancelled++
			c := b.settings(out, values)
			c.Resume = exists(filepath.Join(b.path(out), metricsFile))
			if _, err := Run(context.Background(), c, o); err != nil {
				t.Fatal(err)
			}
			b.sameRun(out, out, "whole")
		}
		if cancelled < 14 { // 8 batches of the pass, 6 steps
			t.Errorf("%s: cancelled at %d moments, want one at every batch at least", method, cancelled)
		}
	}
}

// A damaged cache is reported and computed again.
func TestPrecomputedFromADamagedCache(t *testing.T) {
	b := onGo(t)
	values := map[string]string{"method": "tdpo1"}
	b.precomputing("first", values)
	files, err := filepath.Glob(filepath.Join(b.path("cache"), "*", "*.values"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %q, %v; want one", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 4
	if err := os.WriteFile(files[0], text, 0o644); err != nil {
		t.Fatal(err)
	}
	log := b.precomputing("second", values)
	for _, want := range []string{"damaged at byte", "10 of them to compute"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	b.sameRun("second", "second", "first")
}

// Values of another model, of other data or of other settings are not taken for a run's own; runs of a sweep share them.
func TestPrecomputedKeys(t *testing.T) {
	b := onGo(t)
	b.model("other", 16, 2)
	b.pairs("others.jsonl", 10, 5)
	steps := []struct {
		name    string
		values  map[string]string
		compute int
	}{
		{"two steps of four pairs, and the three for the report", map[string]string{"max_steps": "2"}, -1},
		{"the rest", nil, -1},
		{"another method", map[string]string{"method": "dpop", "beta": "0.5"}, 0},
		{"other data", map[string]string{"data": b.path("others.jsonl")}, 10},
		{"another reference", map[string]string{"reference": b.path("other")}, 10},
		{"a copy of the reference", map[string]string{"reference": b.copyOf("other")}, 0},
		{"a method that needs more", map[string]string{"method": "tdpo1"}, 10},
		{"a random mask", map[string]string{"method": "sparse-random"}, 0},
		{"a mask of the activations", map[string]string{"method": "mapo"}, 10},
		{"another map of them", map[string]string{"method": "mapo", "mask.map": "zscore"}, 10},
	}
	first := 0
	for i, step := range steps {
		values := map[string]string{"max_steps": "3"}
		maps.Copy(values, step.values)
		log := b.precomputing(fmt.Sprintf("run-%d", i), values)
		_, after, _ := strings.Cut(log, b.path("cache")+", ")
		var computed int
		if _, err := fmt.Sscanf(after, "%d of them to compute", &computed); err != nil {
			t.Fatalf("%s: %v in %s", step.name, err, log)
		}
		switch {
		case i == 0:
			first = computed
			if first < 8 || first > 10 {
				t.Errorf("%s: computes %d pairs, want 8 to 10", step.name, first)
			}
		case i == 1:
			if computed != 10-first {
				t.Errorf("%s: computes %d pairs, want %d", step.name, computed, 10-first)
			}
		case computed != step.compute:
			t.Errorf("%s: computes %d pairs, want %d", step.name, computed, step.compute)
		}
	}
}

// copyOf copies a model's folder.
func (b *bench) copyOf(name string) string {
	b.Helper()
	if err := os.CopyFS(b.path("copy"), os.DirFS(b.path(name))); err != nil {
		b.Fatal(err)
	}
	return b.path("copy")
}

// Where the cache may not take what the run needs, the reference runs in every step.
func TestPrecomputedBeyondTheLimit(t *testing.T) {
	b := onGo(t)
	b.run("plain", map[string]string{"method": "sparse-common"})
	log := b.precomputing("given", map[string]string{"method": "sparse-common", "reference_cache_gb": "1e-6"})
	if want := "reference_cache_gb is 1e-06: it runs in every step"; !strings.Contains(log, want) {
		t.Errorf("the log lacks %q:\n%s", want, log)
	}
	if diff := cmp.Diff(b.records("plain"), b.records("given")); diff != "" {
		t.Errorf("metrics (-plain +given):\n%s", diff)
	}
}

// Without a reference in memory the estimate is lower by its weights, and with its head alone by the rest of them.
func TestMemoryOfPrecomputed(t *testing.T) {
	b := onGo(t)
	weights := func(values map[string]string) int64 {
		values["precompute_ref_log_probs"] = fmt.Sprint(values["precompute"] != "no")
		delete(values, "precompute")
		c := b.settings("run", values)
		s, err := open(t.Context(), c, b.options(io.Discard), func(string, ...any) {})
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		models, err := s.openModels(t.Context(), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		defer models.Close()
		need, err := s.need(models, s.plan.Shapes()[0])
		if err != nil {
			t.Fatal(err)
		}
		held := int64(0)
		if s.program.Reference != nil {
			for _, v := range s.program.Reference.Variables() {
				held += int64(4 * v.Shape().Size())
			}
		}
		if held != need.Reference {
			t.Errorf("%v: the reference takes %d bytes, the estimate is %d", values, held, need.Reference)
		}
		return need.Reference
	}
	if whole := weights(map[string]string{"precompute": "no"}); whole < 4*(12*16*16) {
		t.Errorf("a reference that runs takes %d bytes, want its weights", whole)
	}
	if none := weights(map[string]string{}); none != 0 {
		t.Errorf("dpo: %d bytes of the reference, want none", none)
	}
	if head := weights(map[string]string{"method": "tdpo1"}); head != 4*tinyVocab*16 {
		t.Errorf("tdpo1: %d bytes of the reference, want its head's %d", head, 4*tinyVocab*16)
	}
}
