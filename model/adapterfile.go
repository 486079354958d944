package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/safetensors"
)

// adapterFile is adapter_config.json as far as it is written. Raw values are those that may have several kinds.
type adapterFile struct {
	AutoMapping       any             `json:"auto_mapping"`
	Base              string          `json:"base_model_name_or_path"`
	Bias              string          `json:"bias"`
	FanInFanOut       bool            `json:"fan_in_fan_out"`
	InferenceMode     bool            `json:"inference_mode"`
	InitWeights       any             `json:"init_lora_weights"`
	LayersPattern     any             `json:"layers_pattern"`
	LayersToTransform any             `json:"layers_to_transform"`
	Alpha             *float64        `json:"lora_alpha"`
	Dropout           float64         `json:"lora_dropout"`
	ModulesToSave     []string        `json:"modules_to_save"`
	PeftType          string          `json:"peft_type"`
	Rank              int             `json:"r"`
	RankPattern       map[string]any  `json:"rank_pattern"`
	AlphaPattern      map[string]any  `json:"alpha_pattern"`
	Revision          *string         `json:"revision"`
	Targets           json.RawMessage `json:"target_modules"`
	TaskType          string          `json:"task_type"`
	UseDora           bool            `json:"use_dora"`
	RankStabilised    bool            `json:"use_rslora"`

	// What is read only to be refused.
	refusedFields
}

// refusedFields change what an adapter computes; none of them is written.
type refusedFields struct {
	LoraBias         bool  `json:"lora_bias,omitempty"`
	LayerReplication []any `json:"layer_replication,omitempty"`
	InvocationTokens []any `json:"alora_invocation_tokens,omitempty"`
	TargetParameters []any `json:"target_parameters,omitempty"`
	TrainableTokens  any   `json:"trainable_token_indices,omitempty"`
	UseQALora        bool  `json:"use_qalora,omitempty"`
}

// found names the fields that are set.
func (r refusedFields) found() []string {
	var names []string
	value := reflect.ValueOf(r)
	for i := range value.NumField() {
		field := value.Field(i)
		if field.Kind() == reflect.Slice && field.Len() > 0 || field.Kind() != reflect.Slice && !field.IsZero() {
			name, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	return names
}

// readAdapterFile reads adapter_config.json and checks that this version has all that it asks for.
func readAdapterFile(folder string) (adapterFile, LoRA, error) {
	var f adapterFile
	path := filepath.Join(folder, AdapterConfigFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return f, LoRA{}, usage.Errorf("adapter %s: no %s; expected a folder as PEFT writes it", folder, AdapterConfigFile)
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return f, LoRA{}, usage.Errorf("%s: %w", path, adapterFileError(err))
	}
	l, err := f.settings()
	if err != nil {
		return f, LoRA{}, usage.Errorf("%s: %w", path, err)
	}
	return f, l, nil
}

// adapterFileError says what of a file that is not as PEFT writes it is wrong.
func adapterFileError(err error) error {
	var kind *json.UnmarshalTypeError
	if !errors.As(err, &kind) || kind.Field == "" {
		return fmt.Errorf("not a JSON object as PEFT writes it: %w", err)
	}
	kinds := map[reflect.Kind]string{
		reflect.String: "a text", reflect.Bool: "true or false", reflect.Int: "a whole number", reflect.Float64: "a number",
		reflect.Slice: "a list", reflect.Map: "an object",
	}
	return fmt.Errorf("%s: found a JSON %s, expected %s", kind.Field[strings.LastIndexByte(kind.Field, '.')+1:], kind.Value, kinds[kind.Type.Kind()])
}

// AdapterBase reads the name of the base model from an adapter's folder: a hub id or a path.
func AdapterBase(folder string) (string, error) {
	f, _, err := readAdapterFile(folder)
	if err != nil {
		return "", err
	}
	return f.base(), nil
}

// base is the base model's name, a hub id with its revision where the file has one.
func (f adapterFile) base() string {
	if f.Revision == nil || *f.Revision == "" || f.Base == "" || strings.Contains(f.Base, "@") || isFolder(f.Base) {
		return f.Base
	}
	return f.Base + "@" + *f.Revision
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// settings checks the file for what this version has not.
func (f adapterFile) settings() (LoRA, error) {
	l := LoRA{Rank: f.Rank, Dropout: f.Dropout, RankStabilised: f.RankStabilised}
	kind, _ := f.InitWeights.(string)
	switch {
	case !strings.EqualFold(f.PeftType, "LORA"):
		return l, fmt.Errorf("peft_type: found %q; of PEFT's adapters this version has LORA", f.PeftType)
	case f.Rank <= 0:
		return l, fmt.Errorf("r: found %d, expected a rank of 1 or more", f.Rank)
	case f.Alpha == nil:
		return l, errors.New("lora_alpha: missing; it scales the adapter")
	case !(*f.Alpha > 0):
		return l, fmt.Errorf("lora_alpha: found %g, expected a number above 0", *f.Alpha)
	case !(f.Dropout >= 0 && f.Dropout < 1):
		return l, fmt.Errorf("lora_dropout: found %g, expected a share from 0 to below 1", f.Dropout)
	case f.Bias != "" && f.Bias != "none":
		return l, fmt.Errorf("bias: found %q, and trained biases are not supported; merge the adapter with PEFT's merge_and_unload", f.Bias)
	case f.UseDora:
		return l, errors.New("use_dora: DoRA adapters are not supported; merge the adapter with PEFT's merge_and_unload")
	case len(f.ModulesToSave) > 0:
		return l, fmt.Errorf("modules_to_save: found %v, and whole layers beside the adapter are not supported; merge the adapter with PEFT's merge_and_unload", f.ModulesToSave)
	case len(f.RankPattern) > 0 || len(f.AlphaPattern) > 0:
		return l, errors.New("rank_pattern, alpha_pattern: layers of different rank or scale are not supported; merge the adapter with PEFT's merge_and_unload")
	case changesBase(kind):
		return l, fmt.Errorf("init_lora_weights: %q changes the base's weights as well; save the adapter for the unchanged base, with PEFT's path_initial_model_for_weight_conversion", kind)
	case len(f.found()) > 0:
		return l, fmt.Errorf("%s: not supported; merge the adapter with PEFT's merge_and_unload", strings.Join(f.found(), ", "))
	}
	l.Alpha = *f.Alpha
	var err error
	l.Targets, err = f.targets()
	return l, err
}

// changesBase reports whether a way to initialise an adapter takes something from the base's weights.
func changesBase(initialisation string) bool {
	for _, prefix := range []string{"pissa", "olora", "corda", "loftq"} {
		if strings.HasPrefix(strings.ToLower(initialisation), prefix) {
			return true
		}
	}
	return false
}

// targets are names, or one pattern. Which layers a saved adapter is on its matrices say.
func (f adapterFile) targets() ([]string, error) {
	var list []string
	var one string
	switch {
	case len(f.Targets) == 0:
		return nil, nil
	case json.Unmarshal(f.Targets, &list) == nil:
		return list, nil
	case json.Unmarshal(f.Targets, &one) == nil:
		return []string{one}, nil
	}
	return nil, fmt.Errorf("target_modules: found %s, expected a list of names or a pattern", f.Targets)
}

// saveAdapter writes the adapter as PEFT does, and the files of the tokenizer that belongs to it.
func (n *Network) saveAdapter(folder string) error {
	a, c := n.adapter.source, n.checkpoint
	targets, err := json.Marshal(n.adapter.targets(c))
	if err != nil {
		return err
	}
	f := adapterFile{
		Bias: "none", FanInFanOut: c.linears()[0].InOut, InferenceMode: true, InitWeights: true,
		Alpha: &a.Alpha, Dropout: a.Dropout, PeftType: "LORA", Rank: a.Rank,
		RankPattern: map[string]any{}, AlphaPattern: map[string]any{}, Targets: targets, TaskType: "CAUSAL_LM", RankStabilised: a.RankStabilised,
	}
	f.Base = a.Base
	if id, revision, pinned := strings.Cut(a.Base, "@"); pinned && !isFolder(a.Base) {
		f.Base, f.Revision = id, &revision
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, AdapterConfigFile), append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write adapter configuration: %w", err)
	}
	if err := n.saveMatrices(filepath.Join(folder, AdapterWeightsFile)); err != nil {
		return err
	}
	return copyTokenizer(c.Folder, a.Folder, folder)
}

func (n *Network) saveMatrices(path string) error {
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
		list = append(list, safetensors.TensorData{Name: peftPrefix + v.Tensor, DType: n.adapter.source.dtype(), Shape: v.whole(), Float32: matrices[v.Tensor]})
	}
	return safetensors.Write(path, list, map[string]string{"format": "pt"})
}

// targets are the ends of names that mean the adapter's layers and no other, as short as possible.
func (a *attached) targets(c *Checkpoint) []string {
	for parts := 1; ; parts++ {
		var on, off []string
		for _, l := range c.linears() {
			name, list := nameEnd(l.Module, parts), &off
			if a.on(l.Module) {
				list = &on
			}
			if !slices.Contains(*list, name) {
				*list = append(*list, name)
			}
		}
		if !slices.ContainsFunc(on, func(name string) bool { return slices.Contains(off, name) }) {
			return on
		}
	}
}

// nameEnd is the end of a module's name, so many parts of it.
func nameEnd(module string, parts int) string {
	at := len(module)
	for range parts {
		if at = strings.LastIndexByte(module[:at], '.'); at < 0 {
			return module
		}
	}
	return module[at+1:]
}
