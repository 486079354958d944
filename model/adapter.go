package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/safetensors"
)

// Files of an adapter, in PEFT's layout.
const (
	AdapterConfigFile  = "adapter_config.json"
	AdapterWeightsFile = "adapter_model.safetensors"
)

// peftPrefix is what PEFT puts before the names of the base model's modules.
const peftPrefix = "base_model.model."

// Adapter is a LoRA adapter: its settings and the source of its matrices, a PEFT folder or a fresh initialisation.
type Adapter struct {
	LoRA
	Folder string // where it was read; "" for a fresh one
	Base   string // the model it belongs to, as the folder names it, or as SaveAdapter is to name it

	seed uint64
	file *safetensors.File // nil for a fresh one
}

// NewAdapter is a fresh adapter that changes nothing yet: A is random, B zero.
func NewAdapter(l LoRA, base string, seed uint64) *Adapter {
	return &Adapter{LoRA: l, Base: base, seed: seed}
}

// IsAdapter reports whether a folder holds an adapter in place of a whole model.
func IsAdapter(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, AdapterConfigFile))
	return err == nil
}

// adapterFile is adapter_config.json; pointers and raw values are what is read only to be refused.
type adapterFile struct {
	AutoMapping       any             `json:"auto_mapping"`
	Base              string          `json:"base_model_name_or_path"`
	Bias              string          `json:"bias"`
	FanInFanOut       bool            `json:"fan_in_fan_out"`
	InferenceMode     bool            `json:"inference_mode"`
	InitWeights       any             `json:"init_lora_weights"`
	LayersPattern     any             `json:"layers_pattern"`
	LayersToTransform any             `json:"layers_to_transform"`
	Alpha             float64         `json:"lora_alpha"`
	Dropout           float64         `json:"lora_dropout"`
	ModulesToSave     []string        `json:"modules_to_save"`
	PeftType          string          `json:"peft_type"`
	Rank              int             `json:"r"`
	RankPattern       map[string]int  `json:"rank_pattern"`
	AlphaPattern      map[string]any  `json:"alpha_pattern"`
	Revision          any             `json:"revision"`
	Targets           json.RawMessage `json:"target_modules"`
	TaskType          string          `json:"task_type"`
	UseDora           bool            `json:"use_dora"`
	RankStabilised    bool            `json:"use_rslora"`
}

// OpenAdapter reads an adapter's settings and the headers of its matrices. Close it after Adapt.
func OpenAdapter(folder string) (*Adapter, error) {
	path := filepath.Join(folder, AdapterConfigFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usage.Errorf("adapter %s: no %s; expected a folder as PEFT writes it", folder, AdapterConfigFile)
	}
	var f adapterFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, usage.Errorf("%s: %w", path, err)
	}
	a := &Adapter{Folder: folder, Base: f.Base}
	if a.LoRA, err = f.settings(); err != nil {
		return nil, usage.Errorf("%s: %w", path, err)
	}
	weights := filepath.Join(folder, AdapterWeightsFile)
	if _, err := os.Stat(weights); errors.Is(err, os.ErrNotExist) {
		return nil, usage.Hint(usage.Errorf("adapter %s: no %s", folder, AdapterWeightsFile), "adapters saved as adapter_model.bin are not read; save them again with PEFT's save_pretrained(folder, safe_serialization=True)")
	}
	if a.file, err = safetensors.Open(weights); err != nil {
		return nil, usage.Wrap(err)
	}
	return a, nil
}

// Close releases the files.
func (a *Adapter) Close() error {
	if a.file == nil {
		return nil
	}
	return a.file.Close()
}

// settings checks the file for what this version has not.
func (f adapterFile) settings() (LoRA, error) {
	l := LoRA{Rank: f.Rank, Alpha: f.Alpha, Dropout: f.Dropout, RankStabilised: f.RankStabilised}
	switch {
	case !strings.EqualFold(f.PeftType, "LORA"):
		return l, fmt.Errorf("peft_type %q is not supported; known: LORA", f.PeftType)
	case f.Rank <= 0:
		return l, fmt.Errorf("r: found %d, expected a positive rank", f.Rank)
	case f.Bias != "" && f.Bias != "none":
		return l, fmt.Errorf("bias %q is not supported; known: none", f.Bias)
	case f.UseDora:
		return l, errors.New("use_dora is not supported")
	case len(f.ModulesToSave) > 0:
		return l, fmt.Errorf("modules_to_save %v is not supported; merge the adapter with PEFT first", f.ModulesToSave)
	case len(f.RankPattern) > 0 || len(f.AlphaPattern) > 0:
		return l, errors.New("rank_pattern and alpha_pattern are not supported")
	case f.Dropout < 0 || f.Dropout >= 1:
		return l, fmt.Errorf("lora_dropout: found %g, expected a share from 0 to below 1", f.Dropout)
	}
	var one string
	if err := json.Unmarshal(f.Targets, &l.Targets); err != nil {
		if err := json.Unmarshal(f.Targets, &one); err != nil {
			return l, fmt.Errorf("target_modules: found %s, expected a list of names or a pattern", f.Targets)
		}
		l.Targets = []string{one}
	}
	return l, nil
}

// layers of an opened adapter are those it has matrices for; every matrix must fit a layer of the model.
func (a *Adapter) layers(c *Checkpoint) ([]*Linear, error) {
	if a.file == nil {
		return a.targeted(c)
	}
	known := map[string]*Linear{}
	for _, l := range c.linears() {
		known[l.Module] = l
	}
	wrong := func(format string, args ...any) error {
		return usage.Hint(usage.Errorf("adapter %s does not fit the model %s: %s", a.Folder, c.name(), fmt.Sprintf(format, args...)),
			fmt.Sprintf("it was made for %q", a.Base))
	}
	seen := map[string]int{}
	for _, name := range a.file.Names() {
		module, matrix, ok := splitAdapterName(name)
		if !ok {
			return nil, wrong("tensor %q is no LoRA matrix", name)
		}
		l := known[module]
		if l == nil {
			return nil, wrong("%q is no linear layer of a %s model of these sizes", module, c.Config.Type)
		}
		want := []int{a.Rank, l.In}
		if matrix == upMatrix {
			want = []int{l.Out, a.Rank}
		}
		if t, _ := a.file.Tensor(name); !slices.Equal(t.Shape, want) {
			return nil, wrong("tensor %q is %v, the model and r ask for %v", name, t.Shape, want)
		}
		seen[module]++
	}
	var layers []*Linear
	for _, l := range c.linears() {
		switch seen[l.Module] {
		case 1:
			return nil, wrong("only one of the two matrices of %s is there", l.Module)
		case 2:
			layers = append(layers, l)
		}
	}
	if len(layers) == 0 {
		return nil, wrong("it has no matrices")
	}
	return layers, nil
}

// splitAdapterName takes a tensor's name apart; PEFT writes the adapter's name into it or not.
func splitAdapterName(name string) (module, matrix string, ok bool) {
	name = strings.TrimPrefix(name, peftPrefix)
	name = strings.Replace(name, ".default.weight", ".weight", 1)
	for _, matrix := range []string{downMatrix, upMatrix} {
		if module, ok := strings.CutSuffix(name, matrix); ok {
			return module, matrix, true
		}
	}
	return "", "", false
}

// values reads or initialises one matrix.
func (a *Adapter) values(p Param) ([]float32, error) {
	if a.file == nil {
		return uniform(p, a.seed), nil
	}
	for _, name := range a.file.Names() {
		if module, matrix, _ := splitAdapterName(name); module+matrix == p.Tensor {
			t, _ := a.file.Tensor(name)
			whole, err := t.Float32()
			if err != nil || p.Part == nil {
				return whole, err
			}
			part := make([]float32, p.size())
			p.Part.of(whole, part)
			return part, nil
		}
	}
	return nil, fmt.Errorf("adapter %s: no tensor %q", a.Folder, p.Tensor)
}

// uniform are the values of a fresh matrix: A evenly spread with the parameter's deviation, from a stream of its own; B zero.
func uniform(p Param, seed uint64) []float32 {
	values := make([]float32, p.size())
	if p.Std == 0 {
		return values
	}
	rnd := stream(p.Name, seed)
	bound := p.Std * math.Sqrt(3)
	for i := range values {
		values[i] = float32((2*rnd.Float64() - 1) * bound)
	}
	return values
}

// saveAdapter writes the adapter as PEFT does, and the tokenizer's files from beside the base model.
func (n *Network) saveAdapter(folder string) error {
	a, c := n.adapter.source, n.checkpoint
	var targets []string
	for _, l := range c.linears() {
		if name := strings.TrimPrefix(filepath.Ext(l.Module), "."); n.adapter.on(l.Module) && !slices.Contains(targets, name) {
			targets = append(targets, name)
		}
	}
	if len(a.Targets) > 0 && !slices.Equal(a.Targets, []string{AllLinear}) {
		targets = a.Targets
	}
	names, err := json.Marshal(targets)
	if err != nil {
		return err
	}
	f := adapterFile{
		Base: a.Base, Bias: "none", FanInFanOut: c.linears()[0].InOut, InferenceMode: true, InitWeights: true,
		Alpha: a.Alpha, Dropout: a.Dropout, PeftType: "LORA", Rank: a.Rank,
		RankPattern: map[string]int{}, AlphaPattern: map[string]any{}, Targets: names, TaskType: "CAUSAL_LM", RankStabilised: a.RankStabilised,
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, AdapterConfigFile), append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write adapter configuration: %w", err)
	}
	matrices, err := n.joined(n.adapter.variables)
	if err != nil {
		return err
	}
	var list []safetensors.TensorData
	seen := map[string]bool{}
	for _, v := range n.adapter.variables {
		if seen[v.Tensor] {
			continue
		}
		seen[v.Tensor] = true
		list = append(list, safetensors.TensorData{Name: peftPrefix + v.Tensor, DType: safetensors.F32, Shape: v.whole(), Float32: matrices[v.Tensor]})
	}
	if err := safetensors.Write(filepath.Join(folder, AdapterWeightsFile), list, map[string]string{"format": "pt"}); err != nil {
		return err
	}
	if c.Folder == "" {
		return nil
	}
	return CopyCompanions(c.Folder, folder)
}
