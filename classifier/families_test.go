package classifier

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/sparsepo/sparsepo/encoder"
	"github.com/sparsepo/sparsepo/internal/golden"
)

// TestFamilies compares logits with PyTorch's, float64, for the small models of package encoder; see testdata/reference.py there.
func TestFamilies(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join("..", "encoder", "testdata", "*", "expected.json"))
	if err != nil || len(folders) < 5 {
		t.Fatalf("%d reference models, error %v", len(folders), err)
	}
	for _, path := range folders {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var want struct {
			Sequences [][]int32
			Types     [][]int32
			Logits    [][]float64
		}
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		var sequences []encoder.Sequence
		for i := range want.Sequences {
			sequences = append(sequences, encoder.Sequence{Tokens: want.Sequences[i], Types: want.Types[i]})
		}
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			golden.Engines(t, func(t *testing.T, e golden.Engine) {
				checkpoint, err := Open(filepath.Dir(path))
				if err != nil {
					t.Fatal(err)
				}
				defer checkpoint.Close()
				k, err := checkpoint.Bind(e.Backend)
				if err != nil {
					t.Fatal(err)
				}
				defer k.Close()
				got, err := k.Logits(context.Background(), sequences)
				if err != nil || len(got) != len(want.Logits) {
					t.Fatalf("%d logits, want %d; error %v", len(got), len(want.Logits), err)
				}
				for i := range want.Logits {
					golden.CloseAll(t, "logits", got[i], want.Logits[i], 1e-6*e.Slack)
				}
			})
		})
	}
}
