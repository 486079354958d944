package source

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gomodel "github.com/gomlx/gomlx/ml/model"

	"github.com/sparsepo/sparsepo/engine"
	"github.com/sparsepo/sparsepo/internal/fixture"
	"github.com/sparsepo/sparsepo/internal/usage"
	"github.com/sparsepo/sparsepo/model"
)

// adapter writes a fresh adapter on the model in a folder; base is the name that it gets for it.
func adapter(t *testing.T, folder, on, base string) {
	t.Helper()
	checkpoint, err := model.Open(on)
	if err != nil {
		t.Fatal(err)
	}
	defer checkpoint.Close()
	opened, err := engine.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	store := gomodel.NewStore()
	n, err := checkpoint.Bind(opened.Backend(), store, "/n", model.Binding{})
	if err != nil {
		t.Fatal(err)
	}
	n, err = n.Adapt(opened.Backend(), store, "/a", model.NewAdapter(model.LoRA{Rank: 2, Alpha: 4}, base, 1), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := n.Save(folder); err != nil {
		t.Fatal(err)
	}
}

func makeModels(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("HF_ENDPOINT", "http://127.0.0.1:1") // a local name never asks the hub
	for _, folder := range []string{"whole", "copy"} {
		if err := fixture.Model(folder, "gpt2", "F32"); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("whole", "link"); err != nil {
		t.Skip("no symbolic links here")
	}
	adapter(t, "sft", "whole", "whole")
	adapter(t, "second", "whole", "link")
	adapter(t, "run/final", "whole", "../../whole")
	adapter(t, "of-copy", "copy", "copy")
}

// What --reference means, for whole models and for adapters.
func TestReference(t *testing.T) {
	makeModels(t)
	tests := []struct {
		policy, reference string
		lora              bool
		shared            bool
		name, text        string // of the reference
		want              string // of the error
		hint              string
	}{
		{policy: "whole", reference: "", name: "", text: ""},
		{policy: "whole", reference: "whole", name: "whole", text: "whole: gpt2, "},
		{policy: "whole", reference: "copy", name: "copy", text: "copy: gpt2, "},
		{policy: "whole", reference: "sft", name: "sft", text: "sft, an adapter on whole: gpt2, "},
		{policy: "whole", reference: "base", want: "whole has none; name a model"},
		{policy: "whole", reference: "adapter:sft", want: "its base is what is trained", hint: "--reference sft for a model of its own"},

		{policy: "whole", lora: true, reference: "whole", shared: true, name: "whole", text: "whole without an adapter; it shares"},
		{policy: "whole", lora: true, reference: "base", shared: true, name: "whole", text: "whole without an adapter; it shares"},
		{policy: "whole", lora: true, reference: "link/", shared: true, name: "whole", text: "whole without an adapter; it shares"},
		{policy: "whole", lora: true, reference: "copy", name: "copy", text: "copy: gpt2, "},
		{policy: "whole", lora: true, reference: "adapter:sft", shared: true, name: "sft", text: "whole with the adapter sft; it shares"},
		{policy: "sft", lora: true, reference: "base", want: "is an adapter already", hint: "leave use_peft out"},

		{policy: "sft", reference: "base", shared: true, name: "whole", text: "whole without an adapter; it shares"},
		{policy: "sft", reference: "whole", shared: true, name: "whole", text: "whole without an adapter; it shares"},
		{policy: "sft", reference: "adapter:sft", shared: true, name: "sft", text: "whole with the adapter sft; it shares"},
		{policy: "sft", reference: "adapter:second", shared: true, name: "second", text: "whole with the adapter second; it shares"},
		{policy: "run/final", reference: "adapter:sft", shared: true, name: "sft", text: "../../whole with the adapter sft; it shares"},
		{policy: "sft", reference: "copy", name: "copy", text: "copy: gpt2, "},
		{policy: "sft", reference: "of-copy", name: "of-copy", text: "of-copy, an adapter on copy: gpt2, "},
		{policy: "sft", reference: "sft", want: "is an adapter, so what it is compared with must be said", hint: "--reference base for the model whole without it, --reference adapter:sft"},
		{policy: "sft", reference: "./sft", want: "so what is meant must be said", hint: "--reference adapter:./sft"},
		{policy: "sft", reference: "second", want: "so what is meant must be said", hint: "--reference adapter:second"},
		{policy: "sft", reference: "adapter:whole", want: "whole is a whole model, no adapter"},
		{policy: "sft", reference: "adapter:of-copy", want: "they must share their base", hint: "--reference of-copy"},
		{policy: "sft", reference: "adapter:", want: `"adapter:" needs the folder or hub id`},
		{policy: "sft", reference: "none", want: "reference: none: no such folder here"},
	}
	for _, test := range tests {
		name := strings.TrimSpace(test.policy + " " + test.reference)
		var lora *model.LoRA
		if test.lora {
			lora, name = &model.LoRA{Rank: 2, Alpha: 4}, name+" (new adapter)"
		}
		t.Run(name, func(t *testing.T) {
			pair, err := OpenPair(t.Context(), test.policy, test.reference, lora, io.Discard)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) || !usage.Is(err) {
					t.Errorf("error %v (the user's: %v), want %q", err, usage.Is(err), test.want)
				}
				if hints := strings.Join(usage.Hints(err), "\n"); !strings.Contains(hints, test.hint) {
					t.Errorf("hints %q, want %q", hints, test.hint)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer pair.Close()
			if pair.Shared() != test.shared || pair.ReferenceName() != test.name || !strings.HasPrefix(pair.ReferenceText(), test.text) {
				t.Errorf("shared %v, name %q, text %q; want %v, %q, %q", pair.Shared(), pair.ReferenceName(), pair.ReferenceText(), test.shared, test.name, test.text)
			}
			if got := pair.Reference() != nil; got != (test.reference != "") {
				t.Errorf("there is a reference: %v", got)
			}
		})
	}
}

// Where a folder is called base, only what cannot be misunderstood is taken.
func TestFolderCalledBase(t *testing.T) {
	makeModels(t)
	if err := os.CopyFS("base", os.DirFS("copy")); err != nil {
		t.Fatal(err)
	}
	for policy, want := range map[string]string{"whole": "base: gpt2, ", "sft": ""} {
		pair, err := OpenPair(t.Context(), policy, "base", nil, io.Discard)
		if want == "" {
			if !usage.Is(err) || !strings.Contains(strings.Join(usage.Hints(err), ""), "--reference whole for the one, --reference ./base for the other") {
				t.Errorf("%s: %v, hints %q", policy, err, usage.Hints(err))
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := pair.ReferenceText(); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", policy, got, want)
		}
		if err := pair.Close(); err != nil {
			t.Error(err)
		}
	}
	adapter(t, "on-base", "base", "base")
	pair, err := OpenPair(t.Context(), "on-base", "base", nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer pair.Close()
	if !pair.Shared() {
		t.Error("the folder called base is the base, and is not shared")
	}
}

// An adapter without a tokenizer has its base's; one that has its own keeps it.
func TestTokenizerOfAnAdapter(t *testing.T) {
	makeModels(t)
	for _, name := range []string{"sft", "run/final"} {
		folder, err := TokenizerFolder(t.Context(), name, io.Discard)
		if err != nil || folder != name {
			t.Errorf("%s: %s, %v", name, folder, err)
		}
		for _, file := range []string{"tokenizer.json", "tokenizer_config.json"} {
			if err := os.Remove(filepath.Join(name, file)); err != nil {
				t.Fatal(err)
			}
		}
		folder, err = TokenizerFolder(t.Context(), name, io.Discard)
		if err != nil || !sameFolder(folder, "whole") {
			t.Errorf("%s without a tokenizer: %s, %v", name, folder, err)
		}
		if _, err := Tokenizer(t.Context(), name, io.Discard); err != nil {
			t.Error(err)
		}
	}
	if _, err := Tokenizer(t.Context(), "whole/config", io.Discard); !usage.Is(err) {
		t.Errorf("no such folder: %v", err)
	}
}
