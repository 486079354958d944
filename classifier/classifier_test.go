package classifier_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sparsepo/sparsepo/classifier"
	"github.com/sparsepo/sparsepo/internal/fixture"
	"github.com/sparsepo/sparsepo/internal/golden"
	"github.com/sparsepo/sparsepo/internal/usage"
)

func folder(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model")
	if err := fixture.Classifier(path, "NEGATIVE", "POSITIVE"); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB, path string, e golden.Engine) *classifier.Classifier {
	t.Helper()
	checkpoint, err := classifier.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer checkpoint.Close()
	k, err := checkpoint.Bind(e.Backend)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// A text's logits do not depend on what is classified with it: on the texts that make up its batch and their lengths.
func TestClassifyBatches(t *testing.T) {
	texts := []string{"a good film", "", "the worst time of them all, " + strings.Repeat("bad ", 12), "x", "a bad film", "é ü 42"}
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		k := open(t, folder(t), e)
		together, numCut, err := k.Classify(context.Background(), texts)
		if err != nil || numCut != 0 {
			t.Fatal(numCut, err)
		}
		for i, text := range texts {
			alone, _, err := k.Classify(context.Background(), []string{text})
			if err != nil {
				t.Fatal(err)
			}
			want := make([]float64, len(alone[0]))
			for j, x := range alone[0] {
				want[j] = float64(x)
			}
			golden.CloseAll(t, text, together[i], want, 1e-6*e.Slack)
		}
		if slices.Equal(together[0], together[4]) {
			t.Errorf("different texts have the same logits %v", together[0])
		}
	})
}

// TestConcurrent is for the race detector.
func TestConcurrent(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		k := open(t, folder(t), e)
		want, _, err := k.Classify(context.Background(), []string{"a good film"})
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for range 5 {
					got, _, err := k.Classify(context.Background(), []string{"a good film"})
					if err != nil || !slices.Equal(got[0], want[0]) {
						t.Errorf("got %v, %v; want %v", got, err, want)
					}
				}
			})
		}
		group.Wait()
	})
}

// Texts are cut to what the model reads, or to the tokenizer's own limit.
func TestEncode(t *testing.T) {
	golden.Engines(t, func(t *testing.T, e golden.Engine) {
		path := folder(t)
		text := strings.Repeat("7", 100)
		for _, limit := range []int{fixture.MaxTokens, 20} {
			if limit < fixture.MaxTokens {
				if err := os.WriteFile(filepath.Join(path, "tokenizer_config.json"), []byte(`{"model_max_length": 20}`), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			k := open(t, path, e)
			ids, cut, err := k.Encode(text)
			if err != nil || !cut || len(ids) != limit || ids[0] != 0 || ids[limit-1] != 2 || ids[1] != ids[limit-2] {
				t.Errorf("limit %d: got %v, %v, %v", limit, ids, cut, err)
			}
			if ids, cut, err = k.Encode(text[:limit-2]); err != nil || cut || len(ids) != limit {
				t.Errorf("limit %d: a text that fits: got %d ids, %v, %v", limit, len(ids), cut, err)
			}
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(path string) error
		want   string
	}{
		{"no folder", os.RemoveAll, "no config.json"},
		{"no weights", func(path string) error { return os.Remove(filepath.Join(path, "model.safetensors")) }, "model.safetensors"},
		{"tokenizer too large", func(path string) error {
			return os.WriteFile(filepath.Join(path, "added_tokens.json"), []byte(`{"<more>": 500}`), 0o644)
		}, "the tokenizer has 501 entries and the model only "},
		{"another number of labels", func(path string) error {
			text, err := os.ReadFile(filepath.Join(path, "config.json"))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(path, "config.json"), []byte(strings.Replace(string(text), `"0":"NEGATIVE",`, `"0":"NEGATIVE","2":"NEUTRAL",`, 1)), 0o644)
		}, `tensor "classifier.out_proj.weight" is [2 16], config.json asks for [3 16]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := folder(t)
			if err := test.change(path); err != nil {
				t.Fatal(err)
			}
			c, err := classifier.Open(path)
			if c != nil || !usage.Is(err) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want a mistake of the user with %q", err, test.want)
			}
		})
	}
}
