package train

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/internal/card"
	"github.com/sparsepo/sparsepo/internal/config"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/metrics"
	"github.com/sparsepo/sparsepo/loss"
	"github.com/sparsepo/sparsepo/model"
	"github.com/sparsepo/sparsepo/safetensors"
)

const (
	tinyVocab     = 13
	tinyPositions = 32
)

// bench is a folder with a tiny random model and pairs of token ids to train it on, and the engine to do it with.
type bench struct {
	testing.TB
	folder  string
	backend compute.Backend
	slow    bool // preparing a graph takes long
}

func newBench(t testing.TB, backend compute.Backend) *bench {
	b := &bench{TB: t, folder: t.TempDir(), backend: backend}
	b.model("model", 16, 1)
	b.pairs("pairs.jsonl", 10, 1)
	b.pairs("held-out.jsonl", 5, 2)
	return b
}

// onGo runs on the Go engine: for what is the same on all engines. It is the quicker one with tiny models, as ONNX Runtime
// takes its time to prepare a graph.
func onGo(t testing.TB) *bench {
	t.Helper()
	opened, err := engine.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	return newBench(t, opened.Backend())
}

// onEngines runs a test on every engine.
func onEngines(t *testing.T, test func(b *bench)) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		b := newBench(t, e.Backend)
		b.slow = e.Name != "go"
		test(b)
	})
}

func (b *bench) path(name string) string { return filepath.Join(b.folder, name) }

// model writes a random GPT-2.
func (b *bench) model(name string, hidden, layers int) {
	b.Helper()
	c, err := model.GPT2Config(tinyVocab, hidden, layers, 2, tinyPositions, 0)
	if err != nil {
		b.Fatal(err)
	}
	n, err := model.Random(c, 5).Bind(b.backend, gomodel.NewStore(), "/n", model.Binding{})
	if err != nil {
		b.Fatal(err)
	}
	if err := os.Mkdir(b.path(name), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := n.Save(b.path(name)); err != nil {
		b.Fatal(err)
	}
}

// pairs writes n preference records of token ids. Chosen responses keep to small ids and rejected ones to large ids, so that
// there is something to learn.
func (b *bench) pairs(name string, n int, seed uint64) {
	b.Helper()
	rnd := rand.New(rand.NewPCG(seed, 9))
	ids := func(length, low, high int) string {
		list := make([]string, length)
		for i := range list {
			list[i] = fmt.Sprint(low + rnd.IntN(high-low))
		}
		return "[" + strings.Join(list, ", ") + "]"
	}
	var text strings.Builder
	for range n {
		fmt.Fprintf(&text, "{\"prompt\": %s, \"chosen\": %s, \"rejected\": %s}\n",
			ids(1+rnd.IntN(4), 1, tinyVocab), ids(1+rnd.IntN(6), 1, 7), ids(1+rnd.IntN(6), 7, tinyVocab))
	}
	b.write(name, text.String())
}

func (b *bench) write(name, text string) {
	b.Helper()
	if err := os.WriteFile(b.path(name), []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

// settings are those of a run in the folder out. The values replace defaults, those of this test first.
func (b *bench) settings(out string, values map[string]string) *config.Run {
	b.Helper()
	base := map[string]string{
		"model": b.path("model"), "data": b.path("pairs.jsonl"), "out": b.path(out), "method": "dpo", "max_length": "24", "max_prompt_length": "8",
		"learning_rate": "0.01", "per_device_train_batch_size": "4", "logging_steps": "1",
	}
	for key, value := range values {
		base[key] = value
	}
	c, err := config.Resolve(config.Values("test", base))
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Validate(Objectives, loss.Names()); err != nil {
		b.Fatal(err)
	}
	return c
}

// run trains to the end.
func (b *bench) run(out string, values map[string]string) *Result {
	b.Helper()
	result, err := Run(context.Background(), b.settings(out, values), Options{Backend: b.backend, Log: io.Discard})
	if err != nil {
		b.Fatal(err)
	}
	return result
}

// fails trains and wants an error.
func (b *bench) fails(out string, values map[string]string) error {
	b.Helper()
	result, err := Run(context.Background(), b.settings(out, values), Options{Backend: b.backend, Log: io.Discard})
	if err == nil {
		b.Fatalf("the run ended well: %+v", result)
	}
	return err
}

// resume continues the run in out to its end.
func (b *bench) resume(out string, values map[string]string) (*Result, error) {
	b.Helper()
	c := b.settings(out, values)
	c.Resume = true
	return Run(context.Background(), c, Options{Backend: b.backend, Log: io.Discard})
}

// records reads a run's metrics without what depends on the clock.
func (b *bench) records(out string) []metrics.Record {
	b.Helper()
	list, err := metrics.Read(filepath.Join(b.path(out), "metrics.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	for _, r := range list {
		delete(r, "tokens_per_second")
		delete(r, "eval_runtime")
	}
	return list
}

// weights reads every tensor of a safetensors file.
func (b *bench) weights(elements ...string) map[string][]float32 {
	b.Helper()
	f, err := safetensors.Open(filepath.Join(append([]string{b.folder}, elements...)...))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	list := map[string][]float32{}
	for _, name := range f.Names() {
		x, _ := f.Tensor(name)
		if list[name], err = x.Float32(); err != nil {
			b.Fatal(err)
		}
	}
	return list
}

// card reads the model card of a finished run, without its title, the run's folder.
func (b *bench) card(out string) string {
	b.Helper()
	text, err := os.ReadFile(filepath.Join(b.path(out), finalFolder, card.FileName))
	if err != nil {
		b.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(text), "\n# ")
	_, after, _ := strings.Cut(rest, "\n")
	return before + after
}

// column lists a metric over the records that have it.
func column(records []metrics.Record, name string) []float64 {
	var list []float64
	for _, r := range records {
		if x, ok := r[name]; ok {
			list = append(list, x)
		}
	}
	return list
}
