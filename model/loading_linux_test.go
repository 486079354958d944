package model

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/safetensors"
)

// What loading, saving and merging take is measured in processes of their own: this test's binary started again, with a
// loading in its environment.
const loadingVariable = "SPARSEPO_TEST_LOADING"

// loading is what a measuring process does.
type loading struct {
	Folder, Out string // of the model, and where to save it
	Engine      string
	Save        bool
	Merge       int // rank of an adapter to fold in instead of binding; 0 binds
}

// memoryUse is what it reports, in bytes and seconds.
type memoryUse struct {
	Load, Save int64 // peaks above what the process had before
	Seconds    float64
}

// largeModels are models of some 200 MB in float32, with the names of their families.
var largeModels = map[string]string{
	"gpt2": `{"model_type": "gpt2", "vocab_size": 16000, "n_embd": 768, "n_layer": 5, "n_head": 12, "n_positions": 256}`,
	"llama": `{"model_type": "llama", "vocab_size": 12000, "hidden_size": 768, "num_hidden_layers": 5, "num_attention_heads": 12,
		"num_key_value_heads": 6, "intermediate_size": 2048, "max_position_embeddings": 256}`,
}

// writeLarge writes one of largeModels and returns its sizes in float32: of the model and of its largest tensor.
func writeLarge(t *testing.T, folder, name, dtype string) (all, largest int64) {
	t.Helper()
	config, err := ParseConfig([]byte(largeModels[name]))
	if err != nil {
		t.Fatal(err)
	}
	c := Random(config, 1)
	var list []safetensors.TensorData
	for _, entry := range c.layout {
		size := product(entry.dims)
		all += 4 * int64(size)
		largest = max(largest, 4*int64(size))
		list = append(list, safetensors.TensorData{Name: entry.name, DType: dtype, Shape: entry.dims, Load: func() ([]float32, error) {
			values := make([]float32, size)
			for i := range values {
				values[i] = float32(i%97) / 97
			}
			return values, nil
		}})
	}
	if err := os.WriteFile(filepath.Join(folder, "config.json"), config.JSON(), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := safetensors.WriteFolder(folder, list, nil, safetensors.DefaultShard); err != nil {
		t.Fatal(err)
	}
	return all, largest
}

// status reads a field of /proc/self/status, bytes.
func status(field string) (int64, error) {
	file, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var kibibytes int64
		if n, _ := fmt.Sscanf(lines.Text(), field+": %d kB", &kibibytes); n == 1 {
			return kibibytes << 10, nil
		}
	}
	return 0, fmt.Errorf("no %s in /proc/self/status", field)
}

// peakOf is the memory that work takes for a moment beyond what the process has before it.
func peakOf(work func() error) (int64, error) {
	debug.FreeOSMemory()
	before, err := status("VmRSS")
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // resets VmHWM
		return 0, err
	}
	if err := work(); err != nil {
		return 0, err
	}
	peak, err := status("VmHWM")
	return peak - before, err
}

// TestMeasuredLoading is no test but what a measuring process runs.
func TestMeasuredLoading(t *testing.T) {
	text := os.Getenv(loadingVariable)
	if text == "" {
		t.Skip("skipped: it is the process that TestLoadingMemory measures")
	}
	var l loading
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		t.Fatal(err)
	}
	use, err := l.measure()
	if err != nil {
		t.Fatal(err)
	}
	report, err := json.Marshal(use)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\n%s\n", report)
}

func (l loading) measure() (use memoryUse, err error) {
	opened, err := engine.Open(l.Engine)
	if err != nil {
		return use, err
	}
	config, err := GPT2Config(16, 8, 1, 2, 8, -1)
	if err != nil {
		return use, err
	}
	if _, err := Random(config, 1).Bind(opened.Backend(), gomodel.NewStore(), "/first", Binding{}); err != nil { // what the engine itself takes
		return use, err
	}
	c, err := Open(l.Folder)
	if err != nil {
		return use, err
	}
	defer c.Close()
	if l.Merge > 0 {
		adapter := NewAdapter(LoRA{Rank: l.Merge, Alpha: 1, Targets: []string{AllLinear}}, "", 1)
		use.Load, err = peakOf(func() error { return c.Merge(adapter, l.Out) })
		return use, err
	}
	var n *Network
	start := time.Now()
	use.Load, err = peakOf(func() (err error) {
		start = time.Now()
		n, err = c.Bind(opened.Backend(), gomodel.NewStore(), "/large", Binding{})
		use.Seconds = time.Since(start).Seconds()
		return err
	})
	if err != nil || !l.Save {
		return use, err
	}
	use.Save, err = peakOf(func() error { return n.Save(l.Out) })
	return use, err
}

// run measures in a new process.
func (l loading) run(t *testing.T) memoryUse {
	t.Helper()
	l.Out = t.TempDir()
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestMeasuredLoading$", "-test.v")
	cmd.Env = append(os.Environ(), loadingVariable+"="+string(text))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var use memoryUse
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "{") {
			if err := json.Unmarshal([]byte(line), &use); err != nil {
				t.Fatal(err)
			}
		}
	}
	if use.Load <= 0 {
		t.Fatalf("no measurement in %s", out)
	}
	return use
}

// Binding a model takes at most 1.2 times its size, in the type in which it is kept; saving takes next to nothing where the
// engine shares its memory, and merging about one tensor.
func TestLoadingMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: writes models of 200 MB")
	}
	for name := range largeModels {
		for _, disk := range []string{safetensors.F32, safetensors.BF16} {
			folder := t.TempDir()
			size, largest := writeLarge(t, folder, name, disk)
			golden.Engines(t, func(t *testing.T, e golden.Engine) {
				m := measurement{t, fmt.Sprintf("%s on %s, %s on disk", name, e.Name, disk), loading{Folder: folder, Engine: e.Name}}
				use := m.run(loading{Save: true})
				m.check("loading", use.Load, size*12/10)
				m.check("saving", use.Save, largest/2)
				t.Logf("%s: %.2f GB/s", m.name, float64(size)/use.Seconds/1e9)
				if e.Name == "go" { // merging needs no engine
					m.check("merging", m.run(loading{Merge: 8}).Load, largest*12/10)
				}
			})
		}
	}
}

type measurement struct {
	*testing.T
	name string
	of   loading
}

func (m measurement) run(l loading) memoryUse {
	m.Helper()
	l.Folder, l.Engine = m.of.Folder, m.of.Engine
	return l.run(m.T)
}

// check compares bytes with what is wanted at most, apart from the process's own garbage, buffers and threads.
func (m measurement) check(what string, got, most int64) {
	m.Helper()
	most += 24 << 20
	m.Logf("%s: %s takes %d MB, at most %d wanted", m.name, what, got/1e6, most/1e6)
	if got > most {
		m.Errorf("%s: %s takes %d MB, want at most %d", m.name, what, got/1e6, most/1e6)
	}
}
