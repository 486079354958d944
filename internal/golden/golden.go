// Package golden finds and reads the reference cases that an independent implementation computed, for tests. The cases lie
// outside the repository, in ../shared/golden; tests that need them skip where they are absent.
package golden

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"

	"github.com/sparsepo/sparsepo/engine"
)

// Shared returns the path of a file or folder under ../shared, beside the repository's root; it skips the test where it does
// not exist. GOLDEN_DIR, where set, stands for ../shared/golden.
func Shared(t testing.TB, elements ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{root(t), "..", "shared"}, elements...)...)
	if dir := os.Getenv("GOLDEN_DIR"); dir != "" && len(elements) > 0 && elements[0] == "golden" {
		path = filepath.Join(append([]string{dir}, elements[1:]...)...)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("skipped: %s is not here; put the shared folder beside the repository to run this test", filepath.Join(elements...))
	}
	return path
}

// Families are the folders of reference cases with a policy and a reference model: a family each, or a variant of one, whose
// name then has a hyphen. Where GOLDEN_DIR is set, they are the folders there.
func Families(t testing.TB) []string {
	t.Helper()
	dir := os.Getenv("GOLDEN_DIR")
	if dir == "" {
		return []string{
			"gpt2", "gpt2-bare", "gpt_bigcode", "gpt_bigcode-mha", "gpt_neox", "gpt_neox-sequential", "gptj", "llama", "qwen2",
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "pairs.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no reference cases in GOLDEN_DIR %s: %v", dir, err)
	}
	for i, file := range files {
		files[i] = filepath.Base(filepath.Dir(file))
	}
	return files
}

// root walks up from the test's folder to the one that holds go.mod.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = parent
	}
}

// Engine is a compute engine under test, with how much larger than a float32 PyTorch run's its errors may be.
type Engine struct {
	Name    string // what engine.Open takes
	Backend compute.Backend
	Slack   float64
}

// slack is what each kind of engine is allowed.
var slack = map[string]float64{"go": 30, "onnx": 10, "xla": 30}

// Engines runs a test on the Go backend always, and on ONNX Runtime where its library is found. Where GOLDEN_ENGINES is set, it
// runs on the engines named there alone, with spaces between them ("go xla:/path/to/plugin.so"), and fails where one cannot be
// opened. Subtests have the names of the engines' kinds.
func Engines(t *testing.T, test func(t *testing.T, e Engine)) {
	named := strings.Fields(os.Getenv("GOLDEN_ENGINES"))
	names := named
	if len(named) == 0 {
		names = []string{"go", "onnx"}
	}
	for _, name := range names {
		kind, _, _ := strings.Cut(name, ":")
		t.Run(kind, func(t *testing.T) {
			e, err := open(kind, name)
			switch {
			case err != nil && len(named) > 0:
				t.Fatalf("GOLDEN_ENGINES: %v", err)
			case err != nil:
				t.Skipf("skipped: engine %s is not here (`make engine` installs ONNX Runtime): %v", name, err)
			}
			test(t, Engine{name, e.Backend(), slack[kind]})
		})
	}
}

// plugins are the opened XLA engines by name. Each opening of one would keep memory of its device for good.
var plugins = struct {
	sync.Mutex
	opened map[string]*engine.Engine
}{opened: map[string]*engine.Engine{}}

func open(kind, name string) (*engine.Engine, error) {
	if kind != string(engine.XLA) {
		return engine.Open(name)
	}
	plugins.Lock()
	defer plugins.Unlock()
	if e := plugins.opened[name]; e != nil {
		return e, nil
	}
	e, err := engine.Open(name)
	if err == nil {
		plugins.opened[name] = e
	}
	return e, err
}

// Expected is a family's expected.json.
type Expected struct {
	Settings struct {
		Beta            float64 `json:"beta"`
		Alpha           float64 `json:"alpha"`
		Gamma           float64 `json:"gamma"`
		Lambda          float64 `json:"lambda"`
		L1U             float64 `json:"l1_u"`
		L1D             float64 `json:"l1_d"`
		WeightDecay     float64 `json:"weight_decay"`
		MaskWeightDecay float64 `json:"mask_weight_decay"`
		LearningRate    float64 `json:"learning_rate"`
	} `json:"settings"`
	Cases  map[string]Case                   `json:"cases"`
	Tokens map[string]map[string][][]float64 `json:"tokens"` // side, quantity: per pair, per token
	Masks  map[string]map[string]struct {
		Reward [][]float64 `json:"reward"`
		KL     [][]float64 `json:"kl"`
	} `json:"masks"`
	Loss map[string]struct {
		PerPair []float64 `json:"per_pair"`
		Mean    float64   `json:"mean"`
	} `json:"loss"`
	Rewards  map[string]map[string][]float64 `json:"rewards"`
	GradNorm map[string]struct {
		Total float64            `json:"total"`
		Each  map[string]float64 `json:"each"`
	} `json:"gradnorm"`
	Step map[string]map[string]struct {
		Sum   float64 `json:"sum"`
		SumSq float64 `json:"sumsq"`
	} `json:"step"`
}

// Case is one setting of the objectives.
type Case struct {
	Method string `json:"method"`
	Mask   string `json:"mask"` // file beside expected.json
	KL     string `json:"kl"`
	Map    string `json:"map"`
	L1     bool   `json:"l1"`
}

// Read reads the expected values of a family's folder.
func Read(t testing.TB, folder string) Expected {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var e Expected
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatalf("%s: %v", folder, err)
	}
	return e
}

// Close checks |got - want| <= bound·(1 + |want|) and reports how far off it is.
func Close(t testing.TB, what string, got, want, bound float64) {
	t.Helper()
	if difference := math.Abs(got - want); !(difference <= bound*(1+math.Abs(want))) {
		t.Errorf("%s: got %.9g, want %.9g: off by %.2g, bound %.2g", what, got, want, difference, bound*(1+math.Abs(want)))
	}
}

// CloseAll checks two lists element by element.
func CloseAll[T float32 | float64](t testing.TB, what string, got []T, want []float64, bound float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d values, want %d", what, len(got), len(want))
		return
	}
	for i := range want {
		Close(t, fmt.Sprintf("%s[%d]", what, i), float64(got[i]), want[i], bound)
	}
}
