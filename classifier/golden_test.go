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

// TestGolden compares class logits with those of an independent PyTorch implementation in float64, from the golden cases; a
// float32 run keeps 1e-5.
func TestGolden(t *testing.T) {
	folder := golden.Shared(t, "golden", "roberta")
	text, err := os.ReadFile(filepath.Join(folder, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		IDs    [][]int32   `json:"input_ids"`
		Mask   [][]int     `json:"attention_mask"`
		Logits [][]float64 `json:"logits"`
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	sequences := make([][]int32, len(want.IDs))
	for i, row := range want.IDs {
		for j, id := range row {
			if want.Mask[i][j] == 1 {
				sequences[i] = append(sequences[i], id)
			}
		}
	}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		checkpoint, err := Open(filepath.Join(folder, "policy"))
		if err != nil {
			t.Fatal(err)
		}
		defer checkpoint.Close()
		k, err := checkpoint.Bind(e.Backend)
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		got, err := k.Logits(context.Background(), encoder.Plain(sequences))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 3 {
			t.Fatalf("logits of %d sequences, want 3", len(got))
		}
		for i := range want.Logits {
			golden.CloseAll(t, "logits", got[i], want.Logits[i], 1e-6*e.Slack)
		}
	})
}
