package encoder

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/sparsepo/sparsepo/internal/golden"
)

// plain computes hidden states in float64, one sequence at a time and without padding, from the definition in Liu et al.
// 2019 and Vaswani et al. 2017.
type plain struct {
	*Config
	tensor map[string][]float32
}

func newPlain(t testing.TB, c *Checkpoint) plain {
	t.Helper()
	p := plain{c.Config, map[string][]float32{}}
	for _, x := range c.Config.Tensors() {
		values, err := c.values(x)
		if err != nil {
			t.Fatal(err)
		}
		p.tensor[x.Name] = values
	}
	return p
}

// row is a row of a table.
func (p plain) row(table string, i int) []float32 {
	return p.tensor[table][i*p.Hidden : (i+1)*p.Hidden]
}

func (p plain) linear(x []float64, module string) []float64 {
	weight, bias := p.tensor[module+".weight"], p.tensor[module+".bias"]
	y := make([]float64, len(bias))
	for o := range y {
		y[o] = float64(bias[o])
		for i, v := range x {
			y[o] += v * float64(weight[o*len(x)+i])
		}
	}
	return y
}

// normalised is the LayerNorm of x + y.
func (p plain) normalised(x, y []float64, module string) []float64 {
	gain, shift := p.tensor[module+".weight"], p.tensor[module+".bias"]
	out := make([]float64, len(x))
	mean, variance := 0.0, 0.0
	for i := range x {
		out[i] = x[i] + y[i]
		mean += out[i] / float64(len(x))
	}
	for _, v := range out {
		variance += (v - mean) * (v - mean) / float64(len(x))
	}
	for i, v := range out {
		out[i] = (v-mean)/math.Sqrt(variance+p.NormEps)*float64(gain[i]) + float64(shift[i])
	}
	return out
}

// attend mixes the values for one query, head by head.
func (p plain) attend(query []float64, keys, values [][]float64) []float64 {
	dim := p.Hidden / p.Heads
	mixed := make([]float64, p.Hidden)
	for h := 0; h < p.Hidden; h += dim {
		shares, sum := make([]float64, len(keys)), 0.0
		for j, key := range keys {
			score := 0.0
			for i := h; i < h+dim; i++ {
				score += query[i] * key[i]
			}
			shares[j] = math.Exp(score / math.Sqrt(float64(dim)))
			sum += shares[j]
		}
		for j, value := range values {
			for i := h; i < h+dim; i++ {
				mixed[i] += shares[j] / sum * value[i]
			}
		}
	}
	return mixed
}

// hidden are the hidden states: per layer, the embeddings first, per token.
func (p plain) hidden(ids []int32) [][][]float64 {
	x := make([][]float64, len(ids))
	for i, id := range ids {
		sum, zero := make([]float64, p.Hidden), make([]float64, p.Hidden)
		word, kind, place := p.row(wordTable, int(id)), p.row(typeTable, 0), p.row(placeTable, int(p.Pad)+1+i)
		for j := range sum {
			sum[j] = float64(word[j]) + float64(kind[j]) + float64(place[j])
		}
		x[i] = p.normalised(sum, zero, firstNorm)
	}
	states := [][][]float64{x}
	each := func(x [][]float64, f func(i int) []float64) [][]float64 {
		y := make([][]float64, len(x))
		for i := range x {
			y[i] = f(i)
		}
		return y
	}
	for layer := range p.Layers {
		b := p.family.block(p.Config, layer)
		query := each(x, func(i int) []float64 { return p.linear(x[i], b.query) })
		key := each(x, func(i int) []float64 { return p.linear(x[i], b.key) })
		value := each(x, func(i int) []float64 { return p.linear(x[i], b.value) })
		attended := each(x, func(i int) []float64 {
			return p.normalised(x[i], p.linear(p.attend(query[i], key, value), b.output), b.outputNorm)
		})
		x = each(attended, func(i int) []float64 {
			inner := p.linear(attended[i], b.inner)
			for j, v := range inner {
				inner[j] = v / 2 * math.Erfc(-v/math.Sqrt2) // GELU
			}
			return p.normalised(attended[i], p.linear(inner, b.outer), b.outerNorm)
		})
		states = append(states, x)
	}
	return states
}

// TestForward compares the hidden states of every layer, computed in padded batches, with the plain computation: at a small
// size, and at the sizes of RoBERTa large with fewer layers.
func TestForward(t *testing.T) {
	tests := []struct {
		name, text string
		sequences  [][]int32
		bound      float64 // of a float32 run's errors: ours, some thirty roundings of values of about 1
	}{
		{"small", small, [][]int32{{0, 5, 9, 2}, {0, 22, 22, 7, 14, 3, 11, 2, 9, 4}, {3}}, 3e-7},
		{"large", strings.Replace(large, `"num_hidden_layers": 24`, `"num_hidden_layers": 2`, 1), [][]int32{{0, 50264, 31414, 232, 2}, {0, 713, 16, 10, 822, 4, 2}}, 1e-6},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if testing.Short() && test.name == "large" {
				t.Skip("skipped: 80 M parameters are too many for -short")
			}
			checkpoint := Random(parse(t, test.text), 7)
			p := newPlain(t, checkpoint)
			golden.Engines(t, func(t *testing.T, engine golden.Engine) {
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
				err = program.Run(context.Background(), Plain(test.sequences), func(b *Batch, output []float32) error {
					for row, member := range b.Members {
						for layer, tokens := range p.hidden(test.sequences[member]) {
							for place, want := range tokens {
								at := (((row*(p.Layers+1))+layer)*b.Seq + place) * p.Hidden
								golden.CloseAll(t, "hidden states", output[at:at+p.Hidden], want, test.bound*engine.Slack)
								checked++
							}
						}
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				total := 0
				for _, ids := range test.sequences {
					total += len(ids) * (p.Layers + 1)
				}
				if checked != total {
					t.Errorf("compared %d hidden states, want %d", checked, total)
				}
			})
		})
	}
}

// An ended context ends the work.
func TestRunStops(t *testing.T) {
	e, err := Random(parse(t, small), 7).Bind(goBackend(t))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	program, err := e.Program(func(in Inputs) *Node { return e.Forward(in, 0)[0] })
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err = program.Run(ctx, Plain([][]int32{{1}}), func(*Batch, []float32) error {
		t.Error("a batch was computed")
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
}

// Asking for more layers than there are is an error, not a panic.
func TestForwardRefuses(t *testing.T) {
	e, err := Random(parse(t, small), 7).Bind(goBackend(t))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	program, err := e.Program(func(in Inputs) *Node { return e.Forward(in, 3)[3] })
	if err == nil {
		defer program.Close()
		err = program.Run(context.Background(), Plain([][]int32{{1}}), func(*Batch, []float32) error { return nil })
	}
	if err == nil || !strings.Contains(err.Error(), "3 layers asked for of 2") {
		t.Errorf("got error %v, want one about 3 layers of 2", err)
	}
}
