package classifier

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sparsepo/sparsepo/encoder"
	"github.com/sparsepo/sparsepo/engine"
)

// base is RoBERTa base with two classes, as to sizes.
const base = `{"model_type": "roberta", "max_position_embeddings": 514, "type_vocab_size": 1, "layer_norm_eps": 1e-5}`

// BenchmarkLogits classifies 32 sequences with RoBERTa base of random weights.
func BenchmarkLogits(b *testing.B) {
	for _, name := range []string{"onnx", "go"} {
		for _, length := range []int{64, 512} {
			b.Run(fmt.Sprintf("%s/32x%d", name, length), func(b *testing.B) {
				opened, err := engine.Open(name)
				if err != nil {
					b.Skip(err)
				}
				config, err := ParseConfig([]byte(base))
				if err != nil {
					b.Fatal(err)
				}
				k, err := Random(config, 1).Bind(opened.Backend())
				if err != nil {
					b.Fatal(err)
				}
				defer k.Close()
				random := rand.New(rand.NewPCG(1, 2))
				sequences := make([][]int32, 32)
				for i := range sequences {
					for range length {
						sequences[i] = append(sequences[i], 4+random.Int32N(50000))
					}
				}
				if _, err := k.Logits(context.Background(), encoder.Plain(sequences)); err != nil { // compiles
					b.Fatal(err)
				}
				for b.Loop() {
					if _, err := k.Logits(context.Background(), encoder.Plain(sequences)); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(sequences)*b.N)/b.Elapsed().Seconds(), "texts/s")
			})
		}
	}
}
