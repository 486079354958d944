package model

import (
	"slices"
	"strings"
	"testing"

	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/internal/golden"
)

// buffers are constants that older writers stored in files, and a tied LM head, by the name of a small model.
var buffers = map[string][]string{
	"gpt2":                {"transformer.h.0.attn.bias", "transformer.h.2.attn.masked_bias", "lm_head.weight"},
	"gpt_bigcode":         {"transformer.h.1.attn.bias", "lm_head.weight"},
	"gpt_bigcode-mha":     {"transformer.h.1.attn.bias", "transformer.h.1.attn.masked_bias"},
	"gpt_neox":            {"gpt_neox.layers.0.attention.bias", "gpt_neox.layers.1.attention.masked_bias", "gpt_neox.layers.0.attention.rotary_emb.inv_freq"},
	"gpt_neox-sequential": {"gpt_neox.layers.0.attention.bias", "embed_out.weight"},
	"gptj":                {"transformer.h.0.attn.bias", "transformer.h.1.attn.masked_bias"},
	"llama":               {"model.layers.2.self_attn.rotary_emb.inv_freq"},
	"llama-wide":          {"model.layers.2.self_attn.rotary_emb.inv_freq", "lm_head.weight"},
	"qwen2":               {"model.layers.0.self_attn.rotary_emb.inv_freq"},
}

// Every family's files are read with constants in them and without the prefix of the bare model, and what is no tensor of the
// family is refused.
func TestFamilyFiles(t *testing.T) {
	opened, err := engine.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	tinyNetworks(t, golden.Engine{Name: "go", Backend: opened.Backend()}, func(t *testing.T, name string, n *Network, _ *gomodel.Store) {
		want, err := n.Values()
		if err != nil {
			t.Fatal(err)
		}
		whole := t.TempDir()
		if err := n.Save(whole); err != nil {
			t.Fatal(err)
		}
		extra := buffers[name]
		if len(extra) == 0 {
			t.Fatal("no buffers known")
		}
		list := storedTensors(t, whole)
		embedding := list[slices.IndexFunc(list, func(x stored) bool { return x.Name == n.checkpoint.params[0].Tensor })]
		for _, buffer := range extra {
			embedding.Name = buffer // any values will do, and the embedding's are right for a tied head
			list = append(list, embedding)
		}
		values := func(list []stored) (map[string][]float32, error) {
			folder := t.TempDir()
			writeFile(t, readFile(t, whole, "config.json"), folder, "config.json")
			write(t, folder, "model.safetensors", list)
			checkpoint, err := Open(folder)
			if err != nil {
				return nil, err
			}
			defer checkpoint.Close()
			n, err := checkpoint.Bind(opened.Backend(), gomodel.NewStore(), "/n", Binding{})
			if err != nil {
				return nil, err
			}
			return n.Values()
		}
		got, err := values(list)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("with %v: %v (-saved +read):\n%s", extra, err, diff)
		}
		prefix := n.family.prefix()
		bare := map[string][]float32{}
		for tensor, x := range want {
			bare[strings.TrimPrefix(tensor, prefix)] = x
		}
		for i := range list {
			list[i].Name = strings.TrimPrefix(list[i].Name, prefix)
		}
		got, err = values(list)
		if diff := cmp.Diff(bare, got); err != nil || diff != "" {
			t.Errorf("without %s: %v (-saved +read):\n%s", prefix, err, diff)
		}
		list[len(list)-1].Name = "score.weight"
		if _, err := values(list); err == nil || !strings.Contains(err.Error(), `tensor "score.weight" is not one of a `+n.Config.Type) {
			t.Errorf("a tensor of another model: %v", err)
		}
	})
}

// The default targets of an adapter are linear layers that the family has, in every layer of the model.
func TestAdaptedLayers(t *testing.T) {
	for name, text := range golden.TinyConfigs(golden.Size{Vocab: 11, Hidden: 16, Layers: tinyLayers, Heads: tinyHeads, Positions: 16}) {
		config, err := ParseConfig(text)
		if err != nil {
			t.Fatal(err)
		}
		checkpoint := Random(config, 1)
		for _, target := range checkpoint.family.adapts() {
			n := 0
			for _, l := range checkpoint.linears() {
				if strings.HasSuffix(l.Module, "."+target) {
					n++
				}
			}
			if n != tinyLayers {
				t.Errorf("%s: %d layers end in %s, want %d", name, n, target, tinyLayers)
			}
		}
	}
}
