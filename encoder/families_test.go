package encoder

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/sparsepo/sparsepo/internal/golden"
)

// references are the folders of small models with PyTorch's values for them, float64; see testdata/reference.py.
var references = []string{"albert", "bert", "bert-old", "deberta", "deberta-plain", "distilbert", "xlm-roberta"}

// expected is what a reference folder says of its model.
type expected struct {
	Sequences [][]int32
	Types     [][]int32
	Hidden    [][][][]float64 // by sequence, layer, token
}

func readExpected(t testing.TB, folder string) expected {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want expected
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

// TestFamilies compares the hidden states of every layer, computed in padded batches, with PyTorch's.
func TestFamilies(t *testing.T) {
	for _, name := range references {
		folder := filepath.Join("testdata", name)
		want := readExpected(t, folder)
		var sequences []Sequence
		for i := range want.Sequences {
			sequences = append(sequences, Sequence{want.Sequences[i], want.Types[i]})
		}
		t.Run(name, func(t *testing.T) {
			golden.Engines(t, func(t *testing.T, engine golden.Engine) {
				checkpoint, err := Open(folder)
				if err != nil {
					t.Fatal(err)
				}
				defer checkpoint.Close()
				e, err := checkpoint.Bind(engine.Backend)
				if err != nil {
					t.Fatal(err)
				}
				defer e.Close()
				program, err := e.Program(func(in Inputs) *Node { return Stack(e.Forward(in, e.Config.Layers), 1) })
				if err != nil {
					t.Fatal(err)
				}
				defer program.Close()
				checked := 0
				err = program.Run(context.Background(), sequences, func(b *Batch, output []float32) error {
					for row, member := range b.Members {
						for layer, tokens := range want.Hidden[member] {
							for place, state := range tokens {
								at := ((row*(e.Config.Layers+1)+layer)*b.Seq + place) * e.Config.Hidden
								golden.CloseAll(t, "hidden states", output[at:at+e.Config.Hidden], state, 1e-6*engine.Slack)
								checked++
							}
						}
					}
					return nil
				})
				total := 0
				for _, ids := range want.Sequences {
					total += len(ids) * (e.Config.Layers + 1)
				}
				if err != nil || checked != total {
					t.Errorf("compared %d hidden states, want %d; error %v", checked, total, err)
				}
			})
		})
	}
}

// The second of two texts has another type where the model knows types, and models that know none read past them.
func TestTyped(t *testing.T) {
	for _, name := range references {
		c, err := ReadConfig(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		list, err := c.batches([]Sequence{{[]int32{2, 3, 4}, []int32{0, 1, 1}}})
		if err != nil {
			t.Fatal(err)
		}
		typed := name == "bert" || name == "bert-old" || name == "albert"
		switch b := list[0]; {
		case c.Typed() != typed || typed != (b.types != nil):
			t.Errorf("%s: typed: %v, want %v", name, c.Typed(), typed)
		case typed && !slices.Equal(b.types[:4], []int64{0, 1, 1, 0}):
			t.Errorf("%s: types %v", name, b.types)
		}
		if _, err := c.batches([]Sequence{{[]int32{2, 3}, []int32{0, 2}}}); typed != (err != nil) {
			t.Errorf("%s: a type of 2: error %v", name, err)
		}
		if _, err := c.batches([]Sequence{{[]int32{2, 3}, []int32{0}}}); typed != (err != nil) {
			t.Errorf("%s: a type too few: error %v", name, err)
		}
	}
}

// A saved model is the one that was read, under names of today.
func TestSaveFamilies(t *testing.T) {
	for _, name := range references {
		c, err := Open(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		folder := t.TempDir()
		if err := c.Save(folder); err != nil {
			t.Fatal(err)
		}
		again, err := Open(folder)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		for _, x := range c.Config.Tensors() {
			want, err := c.values(x)
			got, errAgain := again.values(x)
			if err != nil || errAgain != nil || !slices.Equal(got, want) {
				t.Errorf("%s: %s: got %v, %v; want %v, %v", name, x.Name, got, errAgain, want, err)
			}
		}
	}
}
