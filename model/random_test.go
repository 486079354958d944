package model

import (
	"slices"
	"strings"
	"testing"

	gomodel "github.com/gomlx/gomlx/ml/model"
	"github.com/google/go-cmp/cmp"

	"github.com/sparsepo/sparsepo/engine"
)

func TestGPT2ConfigErrors(t *testing.T) {
	tests := []struct {
		name                                    string
		vocab, hidden, layers, heads, positions int
		eos                                     int32
		want                                    string
	}{
		{"no vocabulary", 0, 8, 1, 2, 16, -1, "vocab_size"},
		{"no layers", 10, 8, 0, 2, 16, -1, "n_layer"},
		{"negative heads", 10, 8, 1, -2, 16, -1, "n_head"},
		{"no heads", 10, 8, 1, 0, 16, -1, "n_head"},
		{"heads do not divide", 10, 8, 1, 3, 16, -1, "hidden size 8 is not a multiple of the 3 heads"},
		{"end outside", 10, 8, 1, 2, 16, 10, "id 10 is outside the vocabulary of 10 tokens"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config, err := GPT2Config(test.vocab, test.hidden, test.layers, test.heads, test.positions, test.eos)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if config != nil {
				t.Errorf("a configuration beside the error: %+v", config)
			}
		})
	}
}

func TestRandomRoundTrip(t *testing.T) {
	opened, err := engine.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	for _, eos := range []int32{-1, 10} {
		config, err := GPT2Config(11, 8, 2, 2, 16, eos)
		if err != nil {
			t.Fatal(err)
		}
		store := gomodel.NewStore()
		fresh, err := Random(config, 3).Bind(opened.Backend(), store, "/fresh", Binding{})
		if err != nil {
			t.Fatal(err)
		}
		folder := t.TempDir()
		if err := fresh.Save(folder); err != nil {
			t.Fatal(err)
		}
		checkpoint, err := Open(folder)
		if err != nil {
			t.Fatal(err)
		}
		defer checkpoint.Close()
		read := checkpoint.Config
		if read.EOS != eos || read.MaxPositions != 16 || read.Vocab != 11 || read.Layers != 2 || read.Heads != 2 || read.Hidden != 8 {
			t.Errorf("read %+v", read)
		}
		again, err := checkpoint.Bind(opened.Backend(), store, "/again", Binding{})
		if err != nil {
			t.Fatal(err)
		}
		want, err := fresh.Values()
		if err != nil {
			t.Fatal(err)
		}
		got, err := again.Values()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("weights (-written +read):\n%s", diff)
		}
		if table := got["transformer.wte.weight"]; !slices.ContainsFunc(table, func(x float32) bool { return x != 0 }) {
			t.Error("the token embedding is all zero")
		}
	}
}
